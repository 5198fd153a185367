// Which values of a row make sense.
#include "queue/sqlite_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/text.h"
#include "mail/address.h"
#include "queue/content_file.h"

namespace queue {
namespace {

using base::Kind;

constexpr std::int64_t furthest_time = 1'000'000'000'000'000;  ///< milliseconds, some 30,000 years
constexpr std::int64_t largest_size = std::int64_t{1} << 60U;
constexpr std::int64_t largest_u32 = std::numeric_limits<std::uint32_t>::max();
// body.type is BodyType, and so many times SmtpUtf8 and TlsWish.
constexpr std::int64_t utf8_step = 2;
constexpr std::int64_t tls_step = utf8_step * (static_cast<int>(mail::SmtpUtf8::needed) + 1);
constexpr std::size_t longest_orcpt = 500;  // RFC 3461 4.2
constexpr std::size_t longest_envid = 100;  // RFC 3461 4.4

/// The first value without sense; the rest is not looked at.
class Sense {
 public:
  Sense(QueueId id, std::string row) : id_(id), row_(std::move(row)) {}

  void in(std::string_view field, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) complain(field, fmt::format("is {}", value));
  }
  void time(std::string_view field, std::int64_t value) { in(field, value, -furthest_time, furthest_time); }
  void require(bool holds, std::string_view field, std::string_view wrong) {
    if (!holds) complain(field, wrong);
  }
  const std::optional<base::Error>& wrong() const { return wrong_; }

 private:
  void complain(std::string_view field, std::string_view what) {
    if (!wrong_) wrong_ = damaged(id_, fmt::format("its {}{} {}", row_, field, what)).error();
  }

  QueueId id_;
  std::string row_;
  std::optional<base::Error> wrong_;
};

/// What may stand on a line of SMTP as one word (xtext of RFC 3461 4 and the like).
bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

/// No line end, so that nothing of it can become a header field or a command of its own.
bool is_line(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos; }

bool is_mailbox(const mail::Mailbox& mailbox) {
  const auto again = mail::Mailbox::parse(mailbox.to_string());
  return again && *again == mailbox;
}

void check_numbers(Sense& sense, const MessageValues& values) {
  sense.time("time of receipt", values.received);
  sense.time("time of expiry", values.expires);
  sense.in("origin", values.origin, 0, static_cast<int>(Origin::last_notice));
  sense.in("body type", values.type, 0, tls_step * (static_cast<int>(mail::TlsWish::preferred) + 1) - 1);
  sense.in("RET", values.ret, 0, static_cast<int>(mail::Return::headers));
  sense.in("kind of greeting", values.extended, 0, 1);
  sense.in("kind of content", values.in_file, 0, 1);
  sense.in("declared size", values.declared_size.value_or(0), 0, largest_size);
  sense.in("CRC", values.crc, 0, largest_u32);
  sense.in("content size", values.content_size, 0, largest_size);
  sense.in("size", values.size, 0, largest_size);
}

void check_texts(Sense& sense, const MessageValues& values) {
  sense.require(is_word(values.message_id), "Message-ID", "is not one word");
  sense.require(is_line(values.helo), "EHLO name", "is not one line");
  sense.require(is_line(values.client), "client address", "is not one line");
  sense.require(is_line(values.tls), "TLS version", "is not one line");
  sense.require(is_word(values.envid) && values.envid.size() <= longest_envid, "ENVID", "is not one short word");
}

void check_content(Sense& sense, const MessageValues& values) {
  const auto size = static_cast<std::uint64_t>(values.content_size);
  sense.require(values.content.has_value() != (values.in_file != 0), "content", "is neither in its row nor in its file alone");
  sense.require(!values.content || values.content->size() == size, "content", "has another size than its row says");
  sense.require(static_cast<std::uint64_t>(values.size) == values.prefix.size() + size, "size", "is not that of its parts");
}

mail::ReversePath reverse_path_of(Sense& sense, const MessageValues& values) {
  const bool whole = values.sender_local_part.has_value() == values.sender_domain.has_value();
  sense.require(whole, "reverse-path", "is half a mailbox");
  if (!whole || !values.sender_local_part) return {};
  mail::Mailbox mailbox{std::string(*values.sender_local_part), std::string(*values.sender_domain)};
  sense.require(is_mailbox(mailbox), "reverse-path", "is no mailbox");
  return mail::ReversePath(std::move(mailbox));
}

}  // namespace

std::int64_t type_of(const mail::Envelope& envelope) {
  return static_cast<std::int64_t>(envelope.body) + utf8_step * static_cast<std::int64_t>(envelope.utf8) +
         tls_step * static_cast<std::int64_t>(envelope.tls);
}

std::unexpected<base::Error> damaged(QueueId id, std::string_view what) {
  return base::fail(Kind::damaged, fmt::format("message {} is damaged: {}", id.to_string(), what));
}

Result<Message> message_of(QueueId id, const MessageValues& values, const std::string& spool) {
  Sense sense(id, {});
  check_numbers(sense, values);
  if (sense.wrong()) return std::unexpected(*sense.wrong());
  check_texts(sense, values);
  check_content(sense, values);
  Message message;
  message.envelope.reverse_path = reverse_path_of(sense, values);
  if (sense.wrong()) return std::unexpected(*sense.wrong());

  message.id = id;
  message.received = sane_time_of(values.received);
  message.expires = sane_time_of(values.expires);
  message.origin = static_cast<Origin>(values.origin);
  message.envelope.body = static_cast<mail::BodyType>(values.type % utf8_step);
  message.envelope.utf8 = static_cast<mail::SmtpUtf8>(values.type % tls_step / utf8_step);
  message.envelope.tls = static_cast<mail::TlsWish>(values.type / tls_step);
  if (values.declared_size) message.envelope.declared_size = static_cast<std::uint64_t>(*values.declared_size);
  message.envelope.ret = static_cast<mail::Return>(values.ret);
  message.envelope.envid = values.envid;
  message.client.extended = values.extended != 0;
  message.client.helo = values.helo;
  message.client.address = values.client;
  message.client.tls = values.tls;
  message.message_id = values.message_id;
  message.crc = static_cast<std::uint32_t>(values.crc);
  message.prefix = values.prefix;
  const auto size = static_cast<std::uint64_t>(values.content_size);
  message.content =
      values.content ? Content::in_memory(std::string(*values.content)) : Content::in_file(content_path(spool, id), size);
  return message;
}

Result<mail::Recipient> recipient_of(QueueId id, std::int64_t number, const RecipientValues& values) {
  if (values.number != number) return damaged(id, fmt::format("its recipient {} is missing", number));
  Sense sense(id, fmt::format("recipient {}: the ", number));
  sense.in("state", values.state, 0, static_cast<int>(State::dropped));
  sense.in("number of attempts", values.attempts, 0, largest_u32);
  sense.time("time of the next attempt", values.next_attempt);
  sense.time("time of expiry", values.expires);
  sense.in("reply", values.reply, 0, std::numeric_limits<std::int64_t>::max());
  sense.in("mark of a warning", values.warned, 0, 1);
  sense.in("NOTIFY", values.notify, 0, 0xFF);
  sense.require(is_word(values.orcpt) && values.orcpt.size() <= longest_orcpt, "ORCPT", "is not one short word");
  mail::Recipient recipient(mail::Mailbox(std::string(values.local_part), std::string(values.destination)));
  sense.require(is_mailbox(recipient.mailbox), "mailbox", "is none");
  if (sense.wrong()) return std::unexpected(*sense.wrong());
  const auto bits = static_cast<std::uint8_t>(values.notify);
  recipient.notify = mail::Notify(bits);
  if (recipient.notify.bits() != bits) return damaged(id, fmt::format("its recipient {}: the NOTIFY is {}", number, bits));
  recipient.orcpt = values.orcpt;
  return recipient;
}

DueRecipient due_recipient_of(std::int64_t message, const RecipientValues& values) {
  DueRecipient recipient;
  recipient.message = QueueId(static_cast<std::uint64_t>(message));
  recipient.index = static_cast<std::uint32_t>(values.number);
  recipient.attempts = static_cast<std::uint32_t>(values.attempts);
  recipient.next_attempt = sane_time_of(values.next_attempt);
  recipient.expires = sane_time_of(values.expires);
  recipient.destination = values.destination;
  return recipient;
}

State state_of(std::int64_t value) {
  constexpr std::int64_t unknown = 0xFF;
  return static_cast<State>(value >= 0 && value < unknown ? value : unknown);
}

Time sane_time_of(std::int64_t milliseconds) {
  return Time(std::chrono::milliseconds(std::clamp(milliseconds, -furthest_time, furthest_time)));
}

std::string sender_text(std::optional<std::string_view> local_part, std::optional<std::string_view> domain) {
  if (!local_part && !domain) return {};
  return mailbox_text(local_part.value_or(std::string_view()), domain.value_or(std::string_view()));
}

std::string mailbox_text(std::string_view local_part, std::string_view domain) {
  return mail::Mailbox(std::string(local_part), std::string(domain)).to_string();
}

}  // namespace queue

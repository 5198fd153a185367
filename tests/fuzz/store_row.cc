// Fuzzes what becomes of the values of a damaged row: either an error that names the message, or a message that can be delivered
// and written again. The input is numbers of eight octets and texts with an octet for their length, in the order of the columns.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "queue/sqlite_rows.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes values from the front; when nothing is left, zero and the empty text.
class Values {
 public:
  explicit Values(std::string_view octets) : octets_(octets) {}

  /// A first octet below 0x80 is the number itself, so that sensible rows are short.
  std::int64_t number() {
    const std::uint8_t first = octet();
    if (first < 0x80) return first;
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8U | octet();
    return static_cast<std::int64_t>(value);
  }
  std::string_view text() {
    const std::string_view taken = octets_.substr(0, octet());
    octets_.remove_prefix(std::min(octets_.size(), taken.size()));
    return taken;
  }
  std::optional<std::string_view> text_or_null() { return (octet() & 1U) != 0 ? std::optional(text()) : std::nullopt; }

 private:
  std::uint8_t octet() {
    if (octets_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(octets_.front());
    octets_.remove_prefix(1);
    return first;
  }

  std::string_view octets_;
};

queue::MessageValues message_values(Values& from) {
  queue::MessageValues values;
  values.received = from.number();
  values.size = from.number();
  values.origin = from.number();
  values.in_file = from.number();
  values.sender_local_part = from.text_or_null();
  values.sender_domain = from.text_or_null();
  values.message_id = from.text();
  values.expires = from.number();
  values.type = from.number();
  const std::int64_t declared_size = from.number();
  if (declared_size != 0) values.declared_size = declared_size;
  values.extended = from.number();
  values.helo = from.text();
  values.client = from.text();
  values.tls = from.text();
  values.ret = from.number();
  values.envid = from.text();
  values.content_size = from.number();
  values.crc = from.number();
  values.prefix = from.text();
  values.content = from.text_or_null();
  return values;
}

queue::RecipientValues recipient_values(Values& from) {
  queue::RecipientValues values;
  values.number = from.number();
  values.state = from.number();
  values.attempts = from.number();
  values.next_attempt = from.number();
  values.expires = from.number();
  values.reply = from.number();
  values.warned = from.number();
  values.notify = from.number();
  values.local_part = from.text();
  values.destination = from.text();
  values.orcpt = from.text();
  return values;
}

void check_error(const base::Error& error, queue::QueueId id) {
  require(error.kind == base::Kind::damaged);
  require(error.words.starts_with("message " + id.to_string() + " is damaged: its "));
}

bool is_one_line(std::string_view text) { return text.find_first_of("\r\n") == std::string_view::npos; }

void check_message(const queue::MessageValues& values, queue::QueueId id) {
  const auto message = queue::message_of(id, values, "/spool");
  static_cast<void>(queue::sender_text(values.sender_local_part, values.sender_domain));
  if (!message) return check_error(message.error(), id);
  require(message->size() == static_cast<std::uint64_t>(values.size));
  require(message->content.is_file() == (values.in_file == 1));
  require(message->expires - message->received < base::Duration::max());
  const mail::ReversePath& sender = message->envelope.reverse_path;
  require(sender.is_null() || mail::ReversePath::parse(sender.to_string()) == sender);
  require(!sender.is_null() || !values.sender_local_part);
  for (const std::string& word :
       {message->client.helo, message->client.address, message->client.tls, message->message_id, message->envelope.envid}) {
    require(is_one_line(word));
  }
}

void check_recipient(const queue::RecipientValues& values, queue::QueueId id) {
  const auto recipient = queue::recipient_of(id, 0, values);
  const auto due = queue::due_recipient_of(7, values);
  require(due.message == queue::QueueId(7) && due.destination == values.destination);
  require(due.expires - due.next_attempt < base::Duration::max());
  static_cast<void>(to_string(queue::state_of(values.state)));
  static_cast<void>(queue::mailbox_text(values.local_part, values.destination));
  if (!recipient) return check_error(recipient.error(), id);
  require(values.number == 0 && queue::state_of(values.state) <= queue::State::dropped);
  require(mail::Mailbox::parse(recipient->mailbox.to_string()) == recipient->mailbox);
  require(recipient->notify.bits() == values.notify && is_one_line(recipient->orcpt));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Values from(std::string_view(reinterpret_cast<const char*>(data), size));
  const queue::QueueId id(0x123456789ABC);
  check_message(message_values(from), id);
  check_recipient(recipient_values(from), id);
  return 0;
}

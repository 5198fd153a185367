// Receiving, sealing and double-checking one message.
#include "relay/intake/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "dkim/verifier.h"
#include "mail/authentication_results.h"
#include "relay/intake/mending.h"
#include "relay/retry_policy.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;

/// Under memory pressure content becomes a file from this size on; smaller buffers are not worth an fsync of their own.
constexpr std::size_t write_out_when_tight = 16U << 10U;
/// Octets of fields that were taken away, in the log.
constexpr std::size_t most_stripped = 2000;

/// A line without a colon ends the header: its start may have come with an earlier piece, and is body after all.
void take_apart(std::string_view content, mail::HeaderBlock& header, dkim::BodyHashes& hashes) {
  if (!header.complete()) {
    content.remove_prefix(header.feed(content));
    if (header.complete()) hashes.update(header.held_back());
  }
  hashes.update(content);
}

void conclude(mail::HeaderBlock& header, dkim::BodyHashes& hashes) {
  if (!header.complete()) {
    header.finish();
    hashes.update(header.held_back());
  }
  hashes.finish();
}

/// Empty when all recipients expire as [retry] says.
std::vector<base::Time> expires_of(const conf::Config& config, const mail::Envelope& envelope, base::Time now) {
  std::vector<base::Time> times;
  times.reserve(envelope.recipients.size());
  for (const mail::Recipient& recipient : envelope.recipients) {
    times.push_back(now + retry_policy(config, recipient.mailbox.domain(), {}).give_up);
  }
  const bool usual = std::ranges::all_of(times, [&](base::Time time) { return time == now + config.retry.give_up; });
  if (usual) times.clear();
  return times;
}

}  // namespace

/// What the store will hand to a delivery, read back: header, body hashes, CRC.
class StoredContent {
 public:
  /// `added` is what stands between the signatures and the content.
  StoredContent(const Settings& settings, std::string_view added)
      : hashes(settings.needs_simple_body, settings.needs_relaxed_body) {
    header.feed(added);
  }

  void take(std::string_view bytes) {
    crc = queue::crc32(crc, bytes);
    take_apart(bytes, header, hashes);
  }
  void finish() { conclude(header, hashes); }

  mail::HeaderBlock header;
  dkim::BodyHashes hashes;
  std::uint32_t crc = 0;  ///< of the content alone
};

Draft::Draft(std::shared_ptr<const Settings> settings, queue::Origin origin, queue::QueueId id, BufferBudget& budget)
    : settings_(std::move(settings)),
      origin_(origin),
      id_(id),
      budget_(budget),
      hashes_(settings_->needs_simple_body, settings_->needs_relaxed_body) {
  const bool may_repeat = origin == queue::Origin::trusted && settings_->config.accept.duplicates.count() > 0;
  if (may_repeat) content_sum_.emplace();
  if (origin == queue::Origin::stranger && conf::verifies(settings_->config.dkim.mode)) verification_.emplace(base::now());
}

Draft::~Draft() { budget_.remove(counted_); }

void Draft::take(std::string_view content) {
  const bool in_header = !header_.complete();
  if (verification_ && in_header) {
    verification_->take(content);
    verified_ += content.size();
  }
  take_apart(content, header_, hashes_);
  if (content_sum_) content_sum_->update(content);
  lines_.feed(content);
  has_nul_ = has_nul_ || content.find('\0') != std::string_view::npos;
  buffer_.append(content);
  budget_.add(content.size());
  counted_ += content.size();
  if (in_header && header_.complete()) header_came();
}

void Draft::header_came() {
  hops_ = header_.count("Received");
  const conf::Config& config = settings_->config;
  if (verification_) {
    strip("Authentication-Results", [&](const mail::Field& field) { return mail::is_false_result(field, config.hostname); });
  } else if (origin_ == queue::Origin::trusted && config.accept.received == conf::Trace::strip) {
    strip("Received", [](const mail::Field& field) { return base::equal_ignoring_case(field.name, "Received"); });
  }
}

/// Nothing of the content was written out yet: what is taken from the header is taken from the buffer.
void Draft::strip(std::string_view name, const mail::WhichFields& which) {
  if (std::ranges::none_of(header_.fields(), which)) return;
  stripped_ = Stripped{name, mail::values_of(header_, which, most_stripped)};
  const std::string text = mail::without_fields(header_, which);
  const std::size_t fewer = header_.raw().size() - text.size();
  buffer_.replace(0, header_.raw().size(), text);
  budget_.remove(fewer);
  counted_ -= fewer;
  verified_ -= std::min(fewer, verified_);
  header_ = mail::HeaderBlock();
  header_.feed(text);
  header_.finish();
}

std::optional<dkim::Digest> Draft::content_digest() {
  if (!content_sum_) return std::nullopt;
  auto sum = std::exchange(content_sum_, std::nullopt);
  return sum->finish();
}

bool Draft::is_reencoded() const {
  return origin_ == queue::Origin::trusted && settings_->config.accept.long_lines == conf::LongLines::reencode &&
         lines_.longest() > mail::longest_line && !mail::is_signed_already(header_);
}

void Draft::finish() {
  const bool in_header = !header_.complete();
  conclude(header_, hashes_);
  if (in_header) header_came();
  if (in_header && verification_) verification_->finish();
  const auto from = header_.find("From");
  if (from.empty()) return;
  if (auto author = mail::first_address(from.front()->value)) author_ = std::move(*author);
}

bool Draft::wants_write_out() const {
  if (!header_.complete() && !header_.too_large()) return false;  // it may yet be changed, and is bounded
  return buffer_.size() > queue::content_in_row_limit || (budget_.is_tight() && buffer_.size() > write_out_when_tight);
}

Result<void> Draft::write_out(queue::Disk& disk) {
  if (!writer_) {
    auto writer = queue::ContentWriter::create(disk, settings_->config.spool, id_);
    if (!writer) return std::unexpected(writer.error());
    writer_ = std::move(*writer);
  }
  return writer_->append(buffer_);
}

void Draft::written_out() {
  buffer_.clear();
  budget_.remove(counted_);
  counted_ = 0;
}

std::vector<const dkim::SigningRule*> Draft::signing_rules() const {
  if (origin_ == queue::Origin::stranger || !author_) return {};
  return dkim::matching_rules(settings_->signing_rules, *author_);
}

std::vector<Question> Draft::key_questions() const {
  return verification_ ? verification_->questions() : std::vector<Question>();
}

void Draft::answer(std::vector<Question> questions, Answers answers) {
  if (verification_) verification_->answer(std::move(questions), std::move(answers));
}

Result<Sealed> Draft::seal(queue::Disk& disk, mail::Envelope envelope, mail::Client client, base::Time now) {
  Sealed sealed;
  queue::Message& message = sealed.message;
  if (writer_) {
    if (auto written = writer_->append(buffer_); !written) return std::unexpected(written.error());
    auto content = writer_->finish();
    if (!content) return std::unexpected(content.error());
    message.content = *content;
  } else {
    message.content = queue::Content::in_memory(std::move(buffer_));
  }
  if (auto mended = mend(disk, sealed); !mended) return std::unexpected(mended.error());
  add_missing_fields(now);
  describe(message, std::move(envelope), std::move(client), now);
  StoredContent stored(*settings_, added_);
  if (auto read = read_back(message.content, stored); !read) {
    queue::ContentWriter::discard(disk, message.content);
    return std::unexpected(read.error());
  }
  sign(sealed, stored, now);
  message.prefix += added_;
  tell_results(sealed);
  message.crc = queue::crc32_joined(queue::crc32(0, message.prefix), stored.crc, message.content.size());
  return sealed;
}

/// All but content and signatures.
void Draft::describe(queue::Message& message, mail::Envelope envelope, mail::Client client, base::Time now) const {
  const bool header_needs_utf8 = envelope.utf8 != mail::SmtpUtf8::absent && !base::is_ascii(header_.raw());
  if (header_needs_utf8) envelope.utf8 = mail::SmtpUtf8::needed;
  const bool no_policy = envelope.tls == mail::TlsWish::none && mail::asks_for_no_tls_policy(header_);
  if (no_policy) envelope.tls = mail::TlsWish::optional;  // RFC 8689 4.1
  const std::string id = id_.to_string();
  const conf::Trace trace = settings_->config.accept.received;
  const bool hidden = origin_ == queue::Origin::trusted && trace != conf::Trace::full;
  message.prefix =
      mail::make_received(mail::ReceivedParts{settings_->config.hostname, id, client.address.empty() ? nullptr : &client,
                                              envelope.recipients.size() == 1 ? &envelope.recipients.front() : nullptr, now,
                                              envelope.utf8, hidden ? mail::ShowClient::no : mail::ShowClient::yes});
  message.id = id_;
  message.origin = origin_;
  message.received = now;
  message.expires = now + settings_->config.retry.give_up;
  message.expires_of = expires_of(settings_->config, envelope, now);
  message.message_id = mail::message_id(header_);
  message.envelope = std::move(envelope);
  message.client = std::move(client);
}

/// Header and hashes become those of the new content.
Result<void> Draft::mend(queue::Disk& disk, Sealed& sealed) {
  sealed.has_long_lines = lines_.longest() > mail::longest_line;
  if (!is_reencoded()) return {};
  mail::HeaderBlock header;
  dkim::BodyHashes hashes(settings_->needs_simple_body, settings_->needs_relaxed_body);
  const auto written = [&](std::string_view piece) { take_apart(piece, header, hashes); };
  auto mended = reencode(disk, settings_->config.spool, id_, std::move(sealed.message.content), written);
  if (!mended) return std::unexpected(mended.error());
  sealed.message.content = mended->content;
  sealed.reencoded = mended->changed;
  sealed.has_long_lines = mended->leaves_long_lines;
  if (!mended->changed) return {};
  conclude(header, hashes);
  header_ = std::move(header);
  hashes_ = std::move(hashes);
  return {};
}

void Draft::add_missing_fields(base::Time now) {
  if (origin_ != queue::Origin::trusted) return;
  added_ = mail::missing_fields(header_, settings_->config.hostname, id_.to_string(), now);
  if (added_.empty()) return;
  mail::HeaderBlock whole;
  whole.feed(added_);
  whole.feed(header_.raw());
  whole.finish();
  header_ = std::move(whole);
}

/// What the verifier had of the content while it came, it does not get again.
Result<void> Draft::read_back(const queue::Content& content, StoredContent& stored) {
  auto read = read_all(content, [&](std::string_view piece) {
    stored.take(piece);
    if (!verification_) return;
    const std::size_t had = std::min(verified_, piece.size());
    verified_ -= had;
    verification_->take(piece.substr(had));
  });
  if (read) stored.finish();
  return read;
}

/// RFC 8601 4: above the other fields of the trace.
void Draft::tell_results(Sealed& sealed) {
  if (!verification_) return;
  verification_->finish();
  sealed.verified = verification_->conclude();
  sealed.message.prefix.insert(0, results_field(settings_->config.hostname, sealed.verified));
}

void Draft::sign(Sealed& sealed, const StoredContent& stored, base::Time now) const {
  const dkim::SigningOptions& options = settings_->signing_options;
  for (const dkim::SigningRule* rule : signing_rules()) {
    auto field = dkim::make_signature(*rule, options, header_, hashes_.of(options.canonicalization.body), *author_, now);
    if (!field) {
      sealed.signing_error = fmt::format("{} ({}): {}", rule->selector, rule->domain, field.error().words);
      continue;
    }
    const dkim::Digest& stored_hash = stored.hashes.of(options.canonicalization.body);
    if (auto verified = dkim::check_field(*field, stored.header, stored_hash, rule->key.public_key()); !verified) {
      sealed.signing_error =
          fmt::format("{} ({}): the new signature does not verify: {}", rule->selector, rule->domain, verified.error().words);
      continue;
    }
    sealed.message.prefix += *field;
    sealed.signatures.push_back(SignedBy{rule->domain == "%" ? author_->domain() : rule->domain, rule->selector});
  }
}

}  // namespace relay::intake

// Receiving, sealing and double-checking one message.
#include "relay/intake/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "dkim/verifier.h"
#include "relay/retry_policy.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;

/// Under memory pressure content becomes a file from this size on; smaller buffers are not worth an fsync of their own.
constexpr std::size_t write_out_when_tight = 16U << 10U;

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
  explicit StoredContent(const Settings& settings) : hashes(settings.needs_simple_body, settings.needs_relaxed_body) {}

  Result<void> read(const queue::Content& content) {
    if (!content.is_file()) {
      take(content.octets());
    } else {
      auto reader = queue::ContentReader::open(content);
      if (!reader) return std::unexpected(reader.error());
      std::string piece(std::size_t{64} << 10U, '\0');
      for (;;) {
        auto count = reader->read(piece);
        if (!count) return std::unexpected(count.error());
        if (*count == 0) break;
        take(std::string_view(piece).substr(0, *count));
      }
    }
    conclude(header, hashes);
    return {};
  }

  mail::HeaderBlock header;
  dkim::BodyHashes hashes;
  std::uint32_t crc = 0;  ///< of the content alone

 private:
  void take(std::string_view bytes) {
    crc = queue::crc32(crc, bytes);
    take_apart(bytes, header, hashes);
  }
};

Draft::Draft(std::shared_ptr<const Settings> settings, queue::Origin origin, queue::QueueId id, BufferBudget& budget)
    : settings_(std::move(settings)),
      origin_(origin),
      id_(id),
      budget_(budget),
      hashes_(settings_->needs_simple_body, settings_->needs_relaxed_body) {}

Draft::~Draft() { budget_.remove(counted_); }

void Draft::take(std::string_view content) {
  take_apart(content, header_, hashes_);
  has_nul_ = has_nul_ || content.find('\0') != std::string_view::npos;
  buffer_.append(content);
  budget_.add(content.size());
  counted_ += content.size();
}

void Draft::finish() {
  conclude(header_, hashes_);
  const auto from = header_.find("From");
  if (from.empty()) return;
  if (auto author = mail::first_address(from.front()->value)) author_ = std::move(*author);
}

bool Draft::wants_write_out() const {
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
  const std::string id = id_.to_string();
  message.prefix =
      mail::make_received(mail::ReceivedParts{settings_->config.hostname, id, client.address.empty() ? nullptr : &client,
                                              envelope.recipients.size() == 1 ? &envelope.recipients.front() : nullptr, now});
  message.id = id_;
  message.origin = origin_;
  message.received = now;
  message.expires = now + settings_->config.retry.give_up;
  message.expires_of = expires_of(settings_->config, envelope, now);
  message.message_id = mail::message_id(header_);
  message.envelope = std::move(envelope);
  message.client = std::move(client);
  StoredContent stored(*settings_);
  if (auto read = stored.read(message.content); !read) {
    queue::ContentWriter::discard(disk, message.content);
    return std::unexpected(read.error());
  }
  sign(sealed, stored, now);
  message.crc = queue::crc32_joined(queue::crc32(0, message.prefix), stored.crc, message.content.size());
  return sealed;
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

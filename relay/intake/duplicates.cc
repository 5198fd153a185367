// Fingerprints, and who has which of them.
#include "relay/intake/duplicates.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace relay::intake {
namespace {

/// With its length before it, so that no two rows of texts read alike.
void add(dkim::Sha256& sum, std::string_view text) {
  const std::uint64_t size = text.size();
  char octets[sizeof size];
  std::memcpy(octets, &size, sizeof size);
  sum.update(std::string_view(octets, sizeof octets));
  sum.update(text);
}

std::string_view octets_of(const dkim::Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

}  // namespace

MessageFingerprint::MessageFingerprint(const Identity& client, const mail::ReversePath& reverse_path, std::string_view message_id,
                                       const dkim::Digest& content) {
  dkim::Sha256 sum;
  add(sum, client.name);
  add(sum, reverse_path.to_string());
  add(sum, message_id);
  add(sum, octets_of(content));
  digest_ = sum.finish();
}

queue::Fingerprint MessageFingerprint::to(const mail::Mailbox& recipient) const {
  dkim::Sha256 sum;
  add(sum, octets_of(digest_));
  add(sum, recipient.to_string());
  const dkim::Digest digest = sum.finish();
  queue::Fingerprint fingerprint;
  std::memcpy(&fingerprint.high, digest.data(), sizeof fingerprint.high);
  std::memcpy(&fingerprint.low, digest.data() + sizeof fingerprint.high, sizeof fingerprint.low);
  return fingerprint;
}

Duplicates::Claim::~Claim() {
  if (duplicates_ == nullptr) return;
  for (const queue::Fingerprint& fingerprint : fingerprints_) duplicates_->claimed_.erase(key_of(fingerprint));
}

base::Result<void> Duplicates::load(queue::Reader& reader, base::Time since) {
  return reader.receipts(since, [this](const queue::Receipt& receipt) { book_.add(receipt); });
}

std::optional<queue::QueueId> Duplicates::find(const queue::Fingerprint& fingerprint, base::Time since) const {
  const queue::Receipt* receipt = book_.find(fingerprint);
  if (receipt == nullptr || receipt->received < since) return std::nullopt;
  return receipt->message;
}

std::optional<Duplicates::Claim> Duplicates::claim(std::vector<queue::Fingerprint> fingerprints) {
  const auto is_claimed = [this](const queue::Fingerprint& fingerprint) { return claimed_.contains(key_of(fingerprint)); };
  if (std::ranges::any_of(fingerprints, is_claimed)) return std::nullopt;
  for (const queue::Fingerprint& fingerprint : fingerprints) claimed_.insert(key_of(fingerprint));
  return Claim(*this, std::move(fingerprints));
}

void Duplicates::remember(const queue::Message& message) {
  for (const queue::Fingerprint& fingerprint : message.fingerprints) {
    book_.add(queue::Receipt{fingerprint, message.id, message.received});
  }
}

}  // namespace relay::intake

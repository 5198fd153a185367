// Mail that comes again because the reply to its end of data was lost (RFC 1047): known by its client, envelope and content.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "dkim/crypto.h"
#include "mail/address.h"
#include "queue/store.h"
#include "relay/intake/access.h"
#include "relay/intake/receipt_book.h"

namespace relay::intake {

/// What all recipients of one message have in common.
class MessageFingerprint {
 public:
  MessageFingerprint(const Identity& client, const mail::ReversePath& reverse_path, std::string_view message_id,
                     const dkim::Digest& content);
  queue::Fingerprint to(const mail::Mailbox& recipient) const;

 private:
  dkim::Digest digest_;
};

/// On the loop alone.
class Duplicates {
 public:
  /// Fingerprints of a message that is under way to the store: others who bring it are put off. Released at the end of its life.
  class Claim {
   public:
    Claim() = default;
    Claim(Duplicates& duplicates, std::vector<queue::Fingerprint> fingerprints)
        : duplicates_(&duplicates), fingerprints_(std::move(fingerprints)) {}
    Claim(Claim&& other) noexcept
        : duplicates_(std::exchange(other.duplicates_, nullptr)), fingerprints_(std::move(other.fingerprints_)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(duplicates_, other.duplicates_);
      std::swap(fingerprints_, other.fingerprints_);
      return *this;
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim();
    const std::vector<queue::Fingerprint>& fingerprints() const { return fingerprints_; }

   private:
    Duplicates* duplicates_ = nullptr;
    std::vector<queue::Fingerprint> fingerprints_;
  };

  Duplicates() = default;
  Duplicates(const Duplicates&) = delete;
  Duplicates& operator=(const Duplicates&) = delete;

  /// What the store remembers.
  base::Result<void> load(queue::Reader& reader, base::Time since);
  /// The message as which that mail was taken at or after `since`.
  std::optional<queue::QueueId> find(const queue::Fingerprint& fingerprint, base::Time since) const;
  /// Nothing when one of them is claimed.
  std::optional<Claim> claim(std::vector<queue::Fingerprint> fingerprints);
  /// The store has the message and its receipts.
  void remember(const queue::Message& message);

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  static Key key_of(const queue::Fingerprint& fingerprint) { return {fingerprint.high, fingerprint.low}; }

  ReceiptBook book_;
  std::set<Key> claimed_;  ///< as many as there are recipients of messages under way
};

}  // namespace relay::intake

// The newest receipts in memory, found by fingerprint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "queue/message.h"

namespace relay::intake {

/// 40 octets a receipt; with the most that there may be about 20 MiB.
class ReceiptBook {
 public:
  explicit ReceiptBook(std::size_t most = 500'000) : most_(most), slots_(least_slots) {}

  /// Takes the place of the oldest when the book is full.
  void add(const queue::Receipt& receipt);
  /// The newest with that fingerprint, until the next call; null: none.
  const queue::Receipt* find(const queue::Fingerprint& fingerprint) const;
  std::size_t size() const { return receipts_.size(); }

 private:
  static constexpr std::size_t least_slots = 1024;  ///< a power of two, at most half of them taken

  std::size_t home_of(const queue::Fingerprint& fingerprint) const { return fingerprint.low & (slots_.size() - 1); }
  std::size_t after(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  const queue::Receipt& at(std::size_t slot) const { return receipts_[slots_[slot] - 1]; }
  /// The slot of that fingerprint, or the free one where it would be.
  std::size_t slot_of(const queue::Fingerprint& fingerprint) const;
  void forget(std::size_t place);
  void grow();

  std::size_t most_;
  std::vector<queue::Receipt> receipts_;  ///< a ring when it is full
  std::size_t oldest_ = 0;
  std::vector<std::uint32_t> slots_;  ///< place of a receipt from 1, the newest of its fingerprint; 0: free
};

}  // namespace relay::intake

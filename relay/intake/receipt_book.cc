// A ring of receipts, and a table with open addressing that points into it.
#include "relay/intake/receipt_book.h"

namespace relay::intake {

void ReceiptBook::add(const queue::Receipt& receipt) {
  std::size_t place = receipts_.size();
  if (place < most_) {
    receipts_.push_back(receipt);
    if (receipts_.size() * 2 > slots_.size()) grow();
  } else {
    place = oldest_;
    oldest_ = (oldest_ + 1) % most_;
    forget(place);
    receipts_[place] = receipt;
  }
  slots_[slot_of(receipt.fingerprint)] = static_cast<std::uint32_t>(place + 1);
}

const queue::Receipt* ReceiptBook::find(const queue::Fingerprint& fingerprint) const {
  const std::size_t slot = slot_of(fingerprint);
  return slots_[slot] == 0 ? nullptr : &at(slot);
}

std::size_t ReceiptBook::slot_of(const queue::Fingerprint& fingerprint) const {
  std::size_t slot = home_of(fingerprint);
  while (slots_[slot] != 0 && at(slot).fingerprint != fingerprint) slot = after(slot);
  return slot;
}

// Those behind the free slot move up, as far as each may: a search ends at the first free one.
void ReceiptBook::forget(std::size_t place) {
  std::size_t hole = slot_of(receipts_[place].fingerprint);
  if (slots_[hole] != place + 1) return;  // there is a newer one
  for (std::size_t slot = after(hole); slots_[slot] != 0; slot = after(slot)) {
    const std::size_t home = home_of(at(slot).fingerprint);
    const std::size_t mask = slots_.size() - 1;
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = 0;
}

void ReceiptBook::grow() {
  std::vector<std::uint32_t> before(slots_.size() * 2);
  before.swap(slots_);
  for (const std::uint32_t place : before) {
    if (place != 0) slots_[slot_of(receipts_[place - 1].fingerprint)] = place;
  }
}

}  // namespace relay::intake

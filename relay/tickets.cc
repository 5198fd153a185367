// Rotation by age, looked at when a key is asked for.
#include "relay/tickets.h"

#include <openssl/rand.h>

#include <algorithm>

namespace relay {

const TicketKey* TicketKeys::sealing(Time now) {
  if (newest_ && now - newest_->made < lifetime) return &*newest_;
  TicketKey fresh;
  fresh.made = now;
  for (auto part : {std::pair(fresh.name.data(), fresh.name.size()), std::pair(fresh.cipher.data(), fresh.cipher.size()),
                    std::pair(fresh.mac.data(), fresh.mac.size())}) {
    if (RAND_bytes(part.first, static_cast<int>(part.second)) != 1) return nullptr;
  }
  before_ = newest_;
  newest_ = fresh;
  return &*newest_;
}

const TicketKey* TicketKeys::opening(const std::uint8_t* name, Time now) {
  for (const auto* key : {&newest_, &before_}) {
    if (*key && now - (*key)->made < 2 * lifetime && std::equal((*key)->name.begin(), (*key)->name.end(), name)) return &**key;
  }
  return nullptr;
}

}  // namespace relay

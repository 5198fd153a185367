// What the postmaster is told a day before mail expires whose destination gets nothing: by an admin's will, or the receiver's.
// Pure.
#pragma once

#include "queue/store.h"
#include "relay/delivery/refusals.h"
#include "relay/notices.h"

namespace relay::delivery {

/// `expiring.first` is there.
Alert pause_expires(const queue::Pause& pause, const queue::Expiring& expiring);
Alert block_expires(const Block& block, const queue::Expiring& expiring);

}  // namespace relay::delivery

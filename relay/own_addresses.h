// The addresses of this machine: what is sent to one of them comes back.
#pragma once

#include <vector>

#include "base/net.h"
#include "conf/config.h"

namespace relay {

/// Of all interfaces, as the system knows them now; empty when it does not say.
std::vector<base::IpAddress> own_addresses();

/// Whether the relay listens there itself: on an address of this machine or of [delivery], and a port of [[listen]]. Names say
/// nothing: the hosts on both ends may have the same one.
bool is_own_door(const conf::Config& config, const base::IpAddress& address, std::uint16_t port);

}  // namespace relay

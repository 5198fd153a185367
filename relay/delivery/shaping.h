// How much a receiver is given: the group of its hosts and their limits, by [[shape]] over what is known of large receivers.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "dns/mx.h"
#include "queue/allowance.h"

namespace relay::delivery {

struct Shaping {
  std::string group;  ///< the profile's name, the pattern of a [[shape]], or what the hosts' names have in common
  queue::GroupLimits limits;
  std::size_t messages_per_connection = 100;
  friend bool operator==(const Shaping&, const Shaping&) = default;
};

/// For the first of a destination's hosts. The first [[shape]] that matches the destination or the host stands over the profile,
/// key by key.
Shaping shaping_for(const conf::Config& config, std::string_view destination, const dns::Candidate& host);

/// "mx1.example.com" and "mx2.example.com" are hosts of "*.example.com"; a name that says nothing of others is its own group.
std::string group_of_host(std::string_view host);

}  // namespace relay::delivery

// How patient we are with a destination: [retry], and what a route or a shape says otherwise. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/units.h"
#include "conf/config.h"

namespace relay {

struct RetryPolicy {
  std::vector<base::Duration> delays;  ///< the last one repeats
  base::Duration give_up;
  base::Duration warn;  ///< 0: no delay notice
};

/// The first shape that matches the host asked last (empty: none was) or the destination, over the first route that matches the
/// destination, over [retry]; key by key.
RetryPolicy retry_policy(const conf::Config& config, std::string_view destination, std::string_view mx);

/// Every time after which some sender is told of a delay, each once; without 0.
std::vector<base::Duration> warning_times(const conf::Config& config);

}  // namespace relay

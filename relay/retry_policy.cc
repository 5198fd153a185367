// Shape over route over [retry].
#include "relay/retry_policy.h"

#include <algorithm>

#include "conf/matching.h"

namespace relay {
namespace {

void apply(const conf::RetryOverride& override, RetryPolicy& policy) {
  if (!override.delays.empty()) policy.delays = override.delays;
  policy.give_up = override.give_up.value_or(policy.give_up);
  policy.warn = override.warn.value_or(policy.warn);
}

}  // namespace

RetryPolicy retry_policy(const conf::Config& config, std::string_view destination, std::string_view mx) {
  RetryPolicy policy{config.retry.delays, config.retry.give_up, config.retry.warn};
  if (const conf::Route* const route = conf::route_for(config, destination)) apply(route->retry, policy);
  const auto shape =
      std::ranges::find_if(config.shape, [&](const conf::Shape& candidate) { return conf::covers(candidate, destination, mx); });
  if (shape != config.shape.end()) apply(shape->retry, policy);
  return policy;
}

std::vector<base::Duration> warning_times(const conf::Config& config) {
  std::vector<base::Duration> times = {config.retry.warn};
  for (const conf::Route& route : config.route) times.push_back(route.retry.warn.value_or(config.retry.warn));
  for (const conf::Shape& shape : config.shape) times.push_back(shape.retry.warn.value_or(config.retry.warn));
  std::erase(times, base::Duration(0));
  std::ranges::sort(times);
  times.erase(std::ranges::unique(times).begin(), times.end());
  return times;
}

}  // namespace relay

// Shapes over profiles.
#include "relay/delivery/shaping.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/net.h"
#include "conf/matching.h"
#include "conf/receivers.h"
#include "relay/delivery/hosts.h"

namespace relay::delivery {
namespace {

/// Registries put a level of their own below many country codes ("example.com.cn", "example.co.uk").
bool is_registry(std::string_view parent) {
  constexpr std::array<std::string_view, 8> second_levels = {"com", "co", "net", "org", "edu", "gov", "ac", "or"};
  const std::size_t dot = parent.find('.');
  if (dot == std::string_view::npos) return true;
  if (parent.find('.', dot + 1) != std::string_view::npos) return false;
  return parent.size() - dot - 1 == 2 && std::ranges::find(second_levels, parent.substr(0, dot)) != second_levels.end();
}

}  // namespace

std::string group_of_host(std::string_view host) {
  if (host.starts_with('[')) return std::string(host);
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || is_registry(host.substr(dot + 1))) return std::string(host);
  return fmt::format("*{}", host.substr(dot));
}

Shaping shaping_for(const conf::Config& config, std::string_view destination, const dns::Candidate& host) {
  Shaping shaping;
  const conf::Profile* profile = conf::profile_of(host.host);
  if (profile != nullptr) {
    shaping.group = profile->name;
    shaping.limits = queue::GroupLimits{profile->connections, profile->rate};
    shaping.messages_per_connection = profile->messages_per_connection;
  } else {
    const conf::Route* route = conf::route_for(config, destination);
    const bool stands_alone = route != nullptr && names_host(*route, host);
    shaping.group = stands_alone ? host.host : group_of_host(host.host);
  }
  if (host.port != config.delivery.port) shaping.group += fmt::format(":{}", host.port);
  const auto shape =
      std::ranges::find_if(config.shape, [&](const conf::Shape& entry) { return conf::covers(entry, destination, host.host); });
  if (shape == config.shape.end()) return shaping;
  const bool is_of_profile = profile != nullptr && std::ranges::find(profile->mx, shape->mx) != profile->mx.end();
  if (!is_of_profile && (shape->connections > 0 || shape->rate))
    shaping.group = shape->domain.empty() ? shape->mx : shape->domain;
  if (shape->connections > 0) shaping.limits.connections = shape->connections;
  if (shape->rate) shaping.limits.rate = shape->rate;
  if (shape->messages_per_connection > 0) shaping.messages_per_connection = shape->messages_per_connection;
  return shaping;
}

}  // namespace relay::delivery

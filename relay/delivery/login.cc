// Name and password of a route.
#include "relay/delivery/login.h"

#include "conf/matching.h"
#include "relay/delivery/hosts.h"

namespace relay::delivery {

std::optional<Login> login_for(const Settings& settings, std::string_view destination, const dns::Candidate& host) {
  const conf::Route* route = conf::route_for(settings.config, destination);
  if (route == nullptr || route->username.empty() || !names_host(*route, host)) return std::nullopt;
  const auto password = settings.passwords.find(route->password_file);
  if (password == settings.passwords.end()) return std::nullopt;
  return Login{route->username, password->second};
}

}  // namespace relay::delivery

// Who has a word on TLS, the nearest first.
#include "relay/delivery/tls_policy.h"

#include <algorithm>

#include "base/text.h"
#include "conf/matching.h"
#include "conf/receivers.h"
#include "relay/delivery/hosts.h"

namespace relay::delivery {
namespace {

constexpr std::uint16_t implicit_port = 465;  // RFC 8314 7.3

conf::DeliveryTls wanted(const conf::Config& config, const conf::Route* route, std::string_view destination, std::string_view mx,
                         mail::TlsWish wish) {
  if (route != nullptr && route->tls != conf::DeliveryTls::opportunistic) return route->tls;
  const auto shape = std::ranges::find_if(
      config.shape, [&](const conf::Shape& block) { return block.tls.has_value() && conf::covers(block, destination, mx); });
  if (shape != config.shape.end()) return *shape->tls;
  const conf::Profile* profile = wish == mail::TlsWish::optional ? nullptr : conf::profile_of(mx);
  if (profile != nullptr && profile->tls) return *profile->tls;
  return route == nullptr ? config.delivery.tls : route->tls;
}

mail::TlsUse use_of(conf::DeliveryTls tls) {
  switch (tls) {
    case conf::DeliveryTls::off: return mail::TlsUse::never;
    case conf::DeliveryTls::opportunistic: return mail::TlsUse::opportunistic;
    case conf::DeliveryTls::required:
    case conf::DeliveryTls::verified: return mail::TlsUse::required;
  }
  return mail::TlsUse::opportunistic;
}

}  // namespace

bool TlsPolicy::serves(const TlsPolicy& needed) const {
  const bool encrypts = use == needed.use || (use == mail::TlsUse::required && needed.use == mail::TlsUse::opportunistic);
  const bool proves = (verify || !needed.verify) && (!needed.requiretls || (requiretls && needed.name_is_sure));
  return encrypts && proves && implicit == needed.implicit;
}

TlsPolicy tls_policy(const conf::Config& config, std::string_view destination, const dns::Candidate& host, mail::TlsWish wish) {
  const conf::Route* route = conf::route_for(config, destination);
  const bool requires_tls = mail::carries_requiretls(wish);
  const conf::DeliveryTls tls = requires_tls ? conf::DeliveryTls::verified : wanted(config, route, destination, host.host, wish);
  TlsPolicy policy;
  policy.use = use_of(tls);
  policy.verify = tls == conf::DeliveryTls::verified;
  policy.requiretls = requires_tls;
  policy.name_is_sure = !requires_tls || is_name_sure(config, destination, host);
  if (route == nullptr || tls == conf::DeliveryTls::off || !names_host(*route, host)) return policy;
  policy.implicit = host.port == implicit_port;
  if (policy.implicit || !route->username.empty()) policy.use = mail::TlsUse::required;
  return policy;
}

bool is_name_sure(const conf::Config& config, std::string_view destination, const dns::Candidate& host) {
  const conf::Route* route = conf::route_for(config, destination);
  return (route != nullptr && names_host(*route, host)) || base::equal_ignoring_case(host.host, destination);
}

}  // namespace relay::delivery

// The decisions of access, in the order in which they are asked.
#include "relay/intake/access.h"

#include <algorithm>

#include "base/text.h"

namespace relay::intake {
namespace {

bool is_local_domain(const conf::Config& config, const std::string& domain) {
  if (domain.empty() || base::equal_ignoring_case(domain, config.hostname)) return true;
  return std::ranges::any_of(config.local.destinations,
                             [&](const std::string& name) { return base::equal_ignoring_case(name, domain); });
}

}  // namespace

Identity identity_of(const conf::Config& config, const base::IpAddress& client) {
  for (const base::Cidr& network : config.accept.mynetworks) {
    if (network.contains(client)) return Identity{Trust::trusted, "network " + network.to_string()};
  }
  return {};
}

std::expected<mail::Mailbox, mail::Reply> may_reach(const Settings& settings, Trust trust, const mail::Mailbox& recipient) {
  if (is_local_domain(settings.config, recipient.domain())) {
    // RFC 5321 4.5.1: postmaster is reachable for everyone.
    if (base::equal_ignoring_case(recipient.local_part(), "postmaster")) return settings.postmaster;
    if (trust == Trust::trusted)
      return std::unexpected(mail::Reply(550, mail::EnhancedStatus{5, 1, 1}, "no such mailbox on this relay"));
  }
  if (trust == Trust::trusted) return recipient;
  return std::unexpected(
      mail::Reply(550, mail::EnhancedStatus{5, 7, 1}, "relaying denied: your address is not in accept.mynetworks"));
}

}  // namespace relay::intake

// Following aliases to a mailbox of the world outside.
#include "conf/local.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"

namespace conf {

bool is_local_domain(const Config& config, std::string_view domain) {
  if (domain.empty() || base::equal_ignoring_case(domain, config.hostname)) return true;
  if (base::equal_ignoring_case(domain, "localhost")) return true;
  return std::ranges::any_of(config.local.destinations,
                             [&](const std::string& name) { return base::equal_ignoring_case(name, domain); });
}

std::optional<std::string> resolve_local(const Config& config, std::string_view local_part) {
  std::string name(local_part);
  // A way of more steps than there are aliases has been somewhere twice.
  for (std::size_t steps = 0; steps <= config.local.aliases.size(); ++steps) {
    if (base::equal_ignoring_case(name, "postmaster")) return config.postmaster;
    const auto alias =
        std::ranges::find_if(config.local.aliases, [&](const Alias& a) { return base::equal_ignoring_case(a.local_part, name); });
    if (alias == config.local.aliases.end()) return std::nullopt;
    if (base::equal_ignoring_case(alias->target, "postmaster")) return config.postmaster;
    const auto mailbox = mail::Mailbox::parse(alias->target);
    if (!mailbox) return std::nullopt;
    if (!is_local_domain(config, mailbox->domain())) return alias->target;
    name = mailbox->local_part();
  }
  return std::nullopt;
}

}  // namespace conf

// What must fit together, and what is allowed but hardly meant.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/text.h"
#include "conf/checks.h"
#include "conf/local.h"
#include "conf/receivers.h"

namespace conf {
namespace {

/// Where the checks of several values complain. They are silent about keys that have a mistake of their own: those still have
/// their default.
class Together {
 public:
  Together(const Config& config, const Node& root, Mistakes& mistakes) : config_(config), root_(root), mistakes_(mistakes) {}

  const Config& config() const { return config_; }

  bool spoilt(std::initializer_list<std::string_view> keys) const {
    return std::ranges::any_of(keys, [this](std::string_view key) { return mistakes_.touches(key); });
  }
  void complain(std::string_view key, std::string_view words, std::size_t block = 0) {
    mistakes_.add(find_nearest(root_, key, block).where, key, words);
  }

 private:
  const Config& config_;
  const Node& root_;
  Mistakes& mistakes_;
};

void check_certificate(Together& together) {
  const Tls& tls = together.config().tls;
  if (together.spoilt({"tls.certificate", "tls.key"}) || tls.certificate.empty() == tls.key.empty()) return;
  const std::string_view there = tls.key.empty() ? "certificate" : "key";
  const std::string_view missing = tls.key.empty() ? "key" : "certificate";
  together.complain(fmt::format("tls.{}", there), fmt::format("set without tls.{}; set both or neither", missing));
}

/// 0.0.0.0 takes the port of every IPv4 address, :: that of every IPv6 address.
bool collide(const base::Endpoint& a, const base::Endpoint& b) {
  const base::Endpoint wildcard{a.address.is_v6() ? base::IpAddress::v6({}) : base::IpAddress(), a.port};
  return a == b || (a.port == b.port && a.address.is_v6() == b.address.is_v6() && (a == wildcard || b == wildcard));
}

void check_listen_addresses(Together& together) {
  const auto& listen = together.config().listen;
  if (together.spoilt({"listen", "listen.address"})) return;
  if (listen.empty()) together.complain("listen", "nothing to listen on; write at least one [[listen]]");
  for (std::size_t i = 0; i < listen.size(); ++i) {
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (!collide(listen[earlier].address, listen[i].address)) continue;
      together.complain("listen.address",
                        fmt::format("\"{}\" is taken already by the [[listen]] with \"{}\"", base::to_string(listen[i].address),
                                    base::to_string(listen[earlier].address)),
                        i);
      break;
    }
  }
}

void check_listen_tls(Together& together) {
  const auto& listen = together.config().listen;
  if (together.spoilt({"listen", "listen.tls", "listen.require_tls"})) return;
  for (std::size_t i = 0; i < listen.size(); ++i) {
    if (!listen[i].require_tls || listen[i].tls != ListenTls::none) continue;
    together.complain("listen.require_tls", "nobody can send here with tls = \"none\"; write tls = \"starttls\"", i);
  }
}

void check_give_up(Together& together) {
  const Retry& retry = together.config().retry;
  if (together.spoilt({"retry.delays", "retry.give_up"}) || retry.give_up >= retry.delays.front()) return;
  together.complain("retry.give_up", fmt::format("{} is shorter than the first of retry.delays, {}",
                                                 base::to_string(retry.give_up), base::to_string(retry.delays.front())));
}

/// The longest that mail may wait anywhere, and the key that says so.
std::pair<Duration, std::string_view> longest_wait_and_key(const Config& config) {
  std::pair<Duration, std::string_view> longest(config.retry.give_up, "retry.give_up");
  const auto look_at = [&](const RetryOverride& retry, std::string_view key) {
    if (retry.give_up.value_or(Duration(0)) > longest.first) longest = {*retry.give_up, key};
  };
  for (const Shape& shape : config.shape) look_at(shape.retry, "shape.retry.give_up");
  for (const Route& route : config.route) look_at(route.retry, "route.retry.give_up");
  return longest;
}

void check_lifetime(Together& together) {
  const std::optional<Duration>& lifetime = together.config().dkim.lifetime;
  const auto [wait, key] = longest_wait_and_key(together.config());
  if (together.spoilt({"dkim.lifetime", "retry.give_up", "shape.retry.give_up", "route.retry.give_up"})) return;
  if (!lifetime || *lifetime > wait) return;
  together.complain("dkim.lifetime", fmt::format("{} is not longer than {}, {}: mail that waits would arrive expired",
                                                 base::to_string(*lifetime), key, base::to_string(wait)));
}

void check_identities(Together& together) {
  const auto& rules = together.config().dkim.sign;
  if (together.spoilt({"dkim.sign", "dkim.sign.domain", "dkim.sign.identity"})) return;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string& identity = rules[i].identity;
    if (identity.empty()) continue;
    const std::string domain = base::lower(rules[i].domain);
    const std::string own = base::lower(std::string_view(identity).substr(identity.rfind('@') + 1));
    if (own == domain || own.ends_with(fmt::format(".{}", domain))) continue;
    together.complain("dkim.sign.identity", fmt::format("\"{}\" is not at {} or below it (RFC 6376 3.5)", identity, domain), i);
  }
}

/// A key takes over from another of the same domain, and not in a circle.
void check_replacements(Together& together) {
  const auto& rules = together.config().dkim.sign;
  if (together.spoilt({"dkim.sign", "dkim.sign.domain", "dkim.sign.selector", "dkim.sign.replaces"})) return;
  const auto replaced_by = [&](const DkimSign& rule) {
    return std::ranges::find_if(rules, [&](const DkimSign& other) {
      return base::equal_ignoring_case(other.domain, rule.domain) && base::equal_ignoring_case(other.selector, rule.replaces);
    });
  };
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].replaces.empty()) continue;
    if (rules[i].domain == "%") {
      together.complain("dkim.sign.replaces", "a key for \"%\" has a record in every domain; write a block for each domain", i);
      continue;
    }
    auto next = replaced_by(rules[i]);
    if (next == rules.end()) {
      together.complain(
          "dkim.sign.replaces",
          fmt::format("there is no [[dkim.sign]] with selector \"{}\" for {}; keep the old block until its key is retired",
                      rules[i].replaces, rules[i].domain),
          i);
    }
    for (std::size_t steps = 0; next != rules.end() && !next->replaces.empty(); next = replaced_by(*next)) {
      if (++steps <= rules.size()) continue;
      together.complain("dkim.sign.replaces", "the keys replace each other in a circle", i);
      return;
    }
  }
}

void check_relay_domains(Together& together) {
  const Config& config = together.config();
  if (together.spoilt({"hostname", "local.destinations", "accept.relay_domains", "route.domain"})) return;
  for (const std::string& domain : config.accept.relay_domains) {
    if (is_local_domain(config, domain)) {
      together.complain("accept.relay_domains", fmt::format("{} is this host itself; its names are in [local] aliases", domain));
      return;
    }
    const auto leads = [&](const Route& route) { return base::matches_pattern(route.domain, domain); };
    if (std::ranges::any_of(config.route, leads)) continue;
    together.complain(
        "accept.relay_domains",
        fmt::format("{0} has no [[route]]: write one with domain = \"{0}\" and the host that takes its mail", domain));
  }
}

void check_shapes(Together& together) {
  const auto& shapes = together.config().shape;
  if (together.spoilt({"shape.mx", "shape.domain"})) return;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].mx.empty() && shapes[i].domain.empty()) {
      together.complain("shape.mx", "missing; write mx = \"*.google.com\", or domain = \"example.com\" instead", i);
    } else if (!shapes[i].mx.empty() && !shapes[i].domain.empty()) {
      together.complain("shape.domain", "set beside shape.mx; write two [[shape]] blocks", i);
    }
  }
}

void check_credentials(Together& together) {
  const auto& routes = together.config().route;
  if (together.spoilt({"route.username", "route.password_file", "route.tls"})) return;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].username.empty() != routes[i].password_file.empty()) {
      together.complain(routes[i].username.empty() ? "route.password_file" : "route.username",
                        "route.username and route.password_file go together; set both or neither", i);
    } else if (!routes[i].username.empty() && routes[i].tls == DeliveryTls::off) {
      together.complain("route.tls", "a password is sent under TLS only; write tls = \"required\"", i);
    }
  }
}

void check_replies(Together& together) {
  const auto& rules = together.config().reply;
  if (together.spoilt({"reply"})) return;
  const auto& profiles = receivers().profiles;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const ReplyRule& rule = rules[i];
    if (!rule.provider.empty() && std::ranges::find(profiles, rule.provider, &Profile::name) == profiles.end()) {
      std::vector<std::string_view> names;
      names.reserve(profiles.size());
      for (const Profile& profile : profiles) names.push_back(profile.name);
      together.complain(
          "reply.provider",
          fmt::format("\"{}\" is not one of \"{}\"; write mx for another receiver", rule.provider, fmt::join(names, "\", \"")),
          i);
    } else if (!rule.provider.empty() && !rule.mx.empty()) {
      together.complain("reply.mx", "set beside reply.provider; write two [[reply]] blocks", i);
    } else if (rule.code.empty() && rule.status.empty() && rule.text.empty()) {
      together.complain("reply.text", "nothing to know the reply by; set code, status or text", i);
    }
  }
}

void check_alias_targets(Together& together) {
  const Config& config = together.config();
  if (together.spoilt({"hostname", "postmaster", "local", "local.aliases", "local.destinations"})) return;
  for (const Alias& alias : config.local.aliases) {
    if (resolve_local(config, alias.local_part)) continue;
    together.complain(
        "local.aliases",
        fmt::format("\"{}\" leads to nobody, or back to itself; write \"postmaster\", or a mailbox that is not on this host",
                    alias.local_part));
  }
}

/// A network that hardly anybody owns.
bool is_wide(const base::Cidr& network) {
  const bool v6 = network.to_string().find(':') != std::string::npos;
  return network.prefix_length() < (v6 ? 32 : 8);
}

/// The host as containers see it, at the addresses that Docker, Podman and slirp4netns choose by themselves. A network that is
/// much wider than theirs was meant for others.
std::optional<base::IpAddress> bridge_gateway_in(const base::Cidr& network) {
  struct Gateway {
    base::IpAddress address;
    int widest;  // prefix length
  };
  std::vector<Gateway> gateways = {{base::IpAddress::v4({10, 88, 0, 1}), 16}, {base::IpAddress::v4({10, 0, 2, 2}), 24}};
  for (std::uint8_t bridge = 17; bridge <= 31; ++bridge) gateways.push_back({base::IpAddress::v4({172, bridge, 0, 1}), 12});
  for (const Gateway& gateway : gateways) {
    if (network.prefix_length() >= gateway.widest && network.contains(gateway.address)) return gateway.address;
  }
  return std::nullopt;
}

void warn_of_bridges(const Accept& accept, std::vector<std::string>& all) {
  for (const base::Cidr& network : accept.mynetworks) {
    const auto gateway = bridge_gateway_in(network);
    if (!gateway) continue;
    const std::string within = network.prefix_length() == 32 ? "" : fmt::format(" (in {})", network.to_string());
    all.push_back(fmt::format(
        "accept.mynetworks: {}{} is the gateway of a container bridge; through Docker's proxy all the world comes from "
        "it, so for a relay in a container this is an OPEN RELAY: write the addresses of your own mail server",
        gateway->to_string(), within));
  }
}

void warn_of_networks(const Accept& accept, std::vector<std::string>& all) {
  if (accept.mynetworks.empty() && accept.host_names.empty() && accept.users.empty() && accept.client_certificates.empty()) {
    all.emplace_back("accept.mynetworks: empty, without users and certificates, so only programs of this machine may send");
  }
  for (const base::Cidr& network : accept.mynetworks) {
    if (network.prefix_length() == 0) {
      all.push_back(
          fmt::format("accept.mynetworks: {} is EVERYBODY: this is an OPEN RELAY that spammers find within hours; write the "
                      "addresses of your own mail server",
                      network.to_string()));
    } else if (is_wide(network)) {
      all.push_back(
          fmt::format("accept.mynetworks: {} is very wide; everybody in it may send through this relay", network.to_string()));
    }
  }
}

/// The address of such a name may pass to a neighbour at any hour.
void warn_of_host_names(const Accept& accept, std::vector<std::string>& all) {
  if (accept.host_names.empty() || !accept.sender_domains.empty()) return;
  all.push_back(
      fmt::format("accept.mynetworks: whoever has the address of {} next may send as anybody; set accept.sender_domains, or use "
                  "accept.users or accept.client_certificates instead of the name",
                  accept.host_names.front()));
}

/// Whoever may say who he is may say that he is trusted.
void warn_of_spokesmen(std::string_view key, const std::vector<base::Cidr>& networks, std::vector<std::string>& all) {
  for (const base::Cidr& network : networks) {
    if (!is_wide(network)) continue;
    all.push_back(
        fmt::format("{}: everybody in {} may say to be a client of mynetworks, which makes this an OPEN RELAY for them; "
                    "write the addresses of your own machines",
                    key, network.to_string()));
  }
}

void warn_of_listeners(const std::vector<Listen>& listeners, std::vector<std::string>& all) {
  for (const Listen& listen : listeners) {
    const std::string address = base::to_string(listen.address);
    if (listen.address.port == 25 && listen.tls == ListenTls::implicit) {
      all.push_back(
          fmt::format("listen.tls: {} begins with TLS, but clients of port 25 expect plain text; meant \"starttls\"?", address));
    }
    if (listen.address.port == 465 && listen.tls != ListenTls::implicit) {
      all.push_back(fmt::format("listen.tls: clients of {} begin with TLS (RFC 8314 3.3); meant \"implicit\"?", address));
    }
  }
}

void warn_of_signing(const Dkim& dkim, std::vector<std::string>& all) {
  if (!signs(dkim.mode)) {
    const std::string_view mode = verifies(dkim.mode) ? "verify" : "off";
    if (!dkim.sign.empty()) all.push_back(fmt::format("dkim.mode: \"{}\", so the [[dkim.sign]] keys are not used", mode));
    return;
  }
  if (!dkim.sign.empty()) return;
  all.emplace_back(dkim.unsigned_mail == Unsigned::reject
                       ? "dkim.unsigned: \"reject\" without any [[dkim.sign]] refuses all mail of trusted clients"
                       : "dkim.sign: no key, so nothing is signed");
}

void warn_of_delivery(const Delivery& delivery, std::vector<std::string>& all) {
  if (!delivery.bind_ipv4.empty() && delivery.ip_versions == IpVersions::ipv6_only) {
    all.emplace_back("delivery.bind_ipv4: not used with ip_versions = \"ipv6-only\"");
  }
  if (!delivery.bind_ipv6.empty() && delivery.ip_versions == IpVersions::ipv4_only) {
    all.emplace_back("delivery.bind_ipv6: not used with ip_versions = \"ipv4-only\"");
  }
}

void warn_of_routes(const std::vector<Route>& routes, std::vector<std::string>& all) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (!base::matches_pattern(routes[earlier].domain, routes[i].domain)) continue;
      all.push_back(fmt::format("route.domain: \"{}\" is never used, since \"{}\" stands before it and matches all of it",
                                routes[i].domain, routes[earlier].domain));
      break;
    }
  }
}

}  // namespace

void check_together(const Config& config, const Node& root, Mistakes& mistakes) {
  Together together(config, root, mistakes);
  check_certificate(together);
  check_listen_addresses(together);
  check_listen_tls(together);
  check_give_up(together);
  check_lifetime(together);
  check_identities(together);
  check_replacements(together);
  check_relay_domains(together);
  check_shapes(together);
  check_credentials(together);
  check_replies(together);
  check_alias_targets(together);
}

Duration longest_wait(const Config& config) { return longest_wait_and_key(config).first; }

std::vector<std::string> warnings(const Config& config) {
  std::vector<std::string> all;
  warn_of_networks(config.accept, all);
  warn_of_bridges(config.accept, all);
  warn_of_host_names(config.accept, all);
  if (config.hostname == "localhost") all.emplace_back("hostname: receivers refuse \"localhost\" as an EHLO name");
  if (config.accept.commands_timeout < std::chrono::minutes(5)) {
    all.emplace_back("accept.commands_timeout: RFC 5321 4.5.3.2.7 asks for at least \"5m\"");
  }
  warn_of_spokesmen("accept.xclient", config.accept.xclient, all);
  for (const Listen& listen : config.listen) warn_of_spokesmen("listen.proxy", listen.proxy, all);
  warn_of_listeners(config.listen, all);
  warn_of_signing(config.dkim, all);
  warn_of_delivery(config.delivery, all);
  warn_of_routes(config.route, all);
  return all;
}

}  // namespace conf

// Finding hosts. Questions that do not depend on each other are asked together.
#include "relay/delivery/hosts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "conf/matching.h"
#include "relay/own_addresses.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

constexpr base::Duration shortest_ttl(5'000);
constexpr base::Duration longest_ttl(300'000);
constexpr std::size_t most_cached = 20'000;
constexpr std::uint16_t default_port = 25;

dns::IpVersions versions_of(const conf::Config& config) {
  switch (config.delivery.ip_versions) {
    case conf::IpVersions::ipv4_first: return dns::IpVersions::ipv4_first;
    case conf::IpVersions::ipv6_first: return dns::IpVersions::ipv6_first;
    case conf::IpVersions::ipv4_only: return dns::IpVersions::ipv4_only;
    case conf::IpVersions::ipv6_only: return dns::IpVersions::ipv6_only;
  }
  return dns::IpVersions::ipv4_first;
}

/// "[192.0.2.1]" or "[IPv6:2001:db8::1]" of an address literal (RFC 5321 4.1.3), "[2001:db8::1]" of a route.
Result<base::IpAddress> literal_address(std::string_view text) {
  text = text.substr(1, text.size() - 2);
  if (base::starts_with_ignoring_case(text, "IPv6:")) text.remove_prefix(5);
  return base::IpAddress::parse(text);
}

/// RFC 5321 5.1: from its own place in the list a relay sends on to better hosts only.
void leave_out_from_us_on(const conf::Config& config, const std::vector<dns::MxHost>& hosts,
                          std::vector<dns::Candidate>& candidates) {
  const auto us = std::ranges::find_if(
      candidates, [&](const dns::Candidate& candidate) { return is_own_door(config, candidate.address, candidate.port); });
  if (us == candidates.end()) return;
  const auto preference_of = [&hosts](const dns::Candidate& candidate) {
    return std::ranges::find(hosts, candidate.host, &dns::MxHost::name)->preference;
  };
  const std::uint16_t own = preference_of(*us);
  std::erase_if(candidates, [&](const dns::Candidate& candidate) { return preference_of(candidate) >= own; });
}

struct HostAndPort {
  std::string host;
  std::uint16_t port = default_port;
};

/// The configuration has checked the form.
HostAndPort split_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return HostAndPort{std::string(text), default_port};
  const auto port = base::parse_number(text.substr(colon + 1));
  return HostAndPort{std::string(text.substr(0, colon)), port ? static_cast<std::uint16_t>(*port) : default_port};
}

}  // namespace

bool names_host(const conf::Route& route, const dns::Candidate& host) {
  const auto is_it = [&host](const std::string& entry) {
    const auto [name, port] = split_port(entry);
    return entry != "mx" && port == host.port && base::equal_ignoring_case(name, host.host);
  };
  return std::ranges::any_of(route.hosts, is_it) || std::ranges::any_of(route.fallback, is_it);
}

Task<Result<std::vector<dns::Candidate>>> Hosts::find(std::shared_ptr<const Settings> settings, std::string destination) {
  if (cached_for_ != settings) {
    cache_.clear();
    cached_for_ = settings;
  }
  const auto known = cache_.find(destination);
  if (known != cache_.end() && known->second.until > Clock::now()) {
    std::vector<dns::Candidate> kept = known->second.candidates;
    auto chosen = co_await to_try(settings, std::move(kept));
    co_return chosen;
  }
  auto found = co_await look_up(settings, destination);
  if (!found) co_return std::unexpected(found.error());
  if (cache_.size() >= most_cached) cache_.clear();
  Cached cached{found->candidates, Clock::now() + std::clamp(found->ttl, shortest_ttl, longest_ttl)};
  cache_.insert_or_assign(std::move(destination), std::move(cached));
  auto chosen = co_await to_try(settings, std::move(found->candidates));
  co_return chosen;
}

/// IPv6 beside IPv4 only where our own address is right for it, or where somebody wrote the address himself.
Task<std::vector<dns::Candidate>> Hosts::to_try(std::shared_ptr<const Settings> settings,
                                                std::vector<dns::Candidate> candidates) {
  const auto is_v6 = [](const dns::Candidate& candidate) {
    return candidate.address.is_v6() && !candidate.host.starts_with('[');
  };
  const auto v6 = static_cast<std::size_t>(std::ranges::count_if(candidates, is_v6));
  if (v6 > 0 && v6 < candidates.size()) {
    const bool allowed = co_await ipv6_.allows(settings);
    if (!allowed) std::erase_if(candidates, is_v6);
  }
  candidates = services_.host_memory.in_order(std::move(candidates), Clock::now());
  if (candidates.size() > most_tried) candidates.resize(most_tried);
  co_return candidates;
}

Task<Result<Hosts::Found>> Hosts::look_up(std::shared_ptr<const Settings> settings, std::string destination) {
  if (const conf::Route* route = conf::route_for(settings->config, destination)) {
    auto found = co_await by_names(settings, route->hosts, destination);
    co_return found;
  }
  if (destination.starts_with('[')) {
    auto address = literal_address(destination);
    if (!address) co_return base::fail(Kind::refused, fmt::format("{} is not an address literal", destination));
    Found found;
    found.candidates.push_back(dns::Candidate{destination, *address, settings->config.delivery.port});
    co_return found;
  }
  auto found = co_await by_mx(settings, destination);
  co_return found;
}

Task<Result<std::vector<dns::Candidate>>> Hosts::find_fallback(std::shared_ptr<const Settings> settings,
                                                               std::string destination) {
  const conf::Route* route = conf::route_for(settings->config, destination);
  auto found = co_await by_names(settings, route->fallback, destination);
  if (!found) co_return std::unexpected(found.error());
  auto chosen = co_await to_try(settings, std::move(found->candidates));
  co_return chosen;
}

/// Those of a route.
Task<Result<Hosts::Found>> Hosts::by_names(std::shared_ptr<const Settings> settings, std::vector<std::string> names,
                                           std::string domain) {
  Found all;
  all.ttl = longest_ttl;
  base::Error last(Kind::temporary, "the route has no hosts");
  for (const std::string& entry : names) {
    auto [host, port] = split_port(entry);
    Result<Found> found;
    if (entry == "mx") {
      found = co_await by_mx(settings, domain);
    } else if (host.starts_with('[')) {
      const auto address = literal_address(host);
      if (address) found->candidates.push_back(dns::Candidate{host, *address, port});
      found->ttl = longest_ttl;
    } else {
      std::vector<std::string> hosts(1, host);
      found = co_await addresses(settings, std::move(hosts), port);
    }
    if (!found) {
      // A route's own host that is missing today may be a slip of its admin: the mail waits.
      last = base::Error(entry == "mx" ? found.error().kind : Kind::temporary, found.error().words);
      continue;
    }
    std::ranges::move(found->candidates, std::back_inserter(all.candidates));
    all.ttl = std::min(all.ttl, found->ttl);
  }
  if (all.candidates.empty()) co_return std::unexpected(last);
  co_return all;
}

Task<Result<Hosts::Found>> Hosts::by_mx(std::shared_ptr<const Settings> settings, std::string domain) {
  std::vector<Question> question(1, Question{domain, dns::RecordType::mx});
  auto answers = co_await ask_all(services_.loop, services_.resolver, std::move(question));
  const Result<dns::Answer>& answer = answers.front();
  if (!answer && answer.error().kind == Kind::invalid) co_return base::fail(Kind::refused, answer.error().words);
  if (!answer) co_return std::unexpected(answer.error());
  auto hosts = dns::mx_hosts(domain, *answer, random_);
  if (!hosts) co_return std::unexpected(hosts.error());
  std::vector<std::string> names;
  for (const dns::MxHost& host : *hosts) names.push_back(host.name);
  auto found = co_await addresses(settings, std::move(names), settings->config.delivery.port);
  if (!found) co_return found;
  leave_out_from_us_on(settings->config, *hosts, found->candidates);
  if (found->candidates.empty()) {
    // RFC 5321 5.1 has it returned; where a route leads here it may be a slip of our admin, and the mail waits.
    const Kind kind = conf::route_for(settings->config, domain) == nullptr ? Kind::refused : Kind::temporary;
    co_return base::fail(kind, fmt::format("the MX of {} is this relay itself", domain));
  }
  found->ttl = std::min(found->ttl, answer->ttl);
  co_return found;
}

Task<Result<Hosts::Found>> Hosts::addresses(std::shared_ptr<const Settings> settings, std::vector<std::string> hosts,
                                            std::uint16_t port) {
  const dns::IpVersions versions = versions_of(settings->config);
  std::vector<Question> questions;
  for (const std::string& host : hosts) {
    if (versions != dns::IpVersions::ipv6_only) questions.push_back(Question{host, dns::RecordType::a});
    if (versions != dns::IpVersions::ipv4_only) questions.push_back(Question{host, dns::RecordType::aaaa});
  }
  const std::vector<Question> asked = questions;
  const Answers answers = co_await ask_all(services_.loop, services_.resolver, std::move(questions));
  Found found;
  found.ttl = longest_ttl;
  bool unsure = false;
  for (const std::string& host : hosts) {
    std::vector<base::IpAddress> ipv4;
    std::vector<base::IpAddress> ipv6;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (asked[i].name != host) continue;
      // A name that cannot be asked for will never have an address.
      unsure = unsure || (!answers[i] && answers[i].error().kind != Kind::invalid);
      if (answers[i]) found.ttl = std::min(found.ttl, answers[i]->ttl);
      (asked[i].type == dns::RecordType::a ? ipv4 : ipv6) = addresses_in(answers[i]);
    }
    std::ranges::move(dns::order_addresses(host, port, std::move(ipv4), std::move(ipv6), versions, random_),
                      std::back_inserter(found.candidates));
  }
  if (!found.candidates.empty()) co_return found;
  const bool all_versions = versions == dns::IpVersions::ipv4_first || versions == dns::IpVersions::ipv6_first;
  const std::string words = fmt::format("no address found for {}", fmt::join(hosts, ", "));
  co_return base::fail(unsure || !all_versions ? Kind::temporary : Kind::refused, words);
}

}  // namespace relay::delivery

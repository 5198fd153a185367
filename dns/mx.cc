// The order in which hosts and their addresses are tried.
#include "dns/mx.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <variant>

namespace dns {
namespace {

/// More are of no use to anybody: each is a connection with its own time-out.
constexpr std::size_t most_hosts = 20;

std::vector<MxHost> implicit(const std::string& domain) { return {MxHost{0, domain}}; }

void append(std::vector<Candidate>& candidates, const std::string& host, std::uint16_t port,
            std::vector<base::IpAddress> addresses, std::mt19937_64& random) {
  std::ranges::sort(addresses);
  const auto repeated = std::ranges::unique(addresses);
  addresses.erase(repeated.begin(), repeated.end());
  std::ranges::shuffle(addresses, random);
  for (const auto& address : addresses) candidates.push_back(Candidate{host, address, port});
}

}  // namespace

Result<std::vector<MxHost>> mx_hosts(const std::string& domain, const Answer& mx, std::mt19937_64& random) {
  switch (mx.status) {
    case Status::no_name: return base::fail(base::Kind::refused, fmt::format("no such domain: {}", domain));
    case Status::no_data: return implicit(domain);
    case Status::found: break;
  }
  std::vector<MxHost> hosts;
  bool any = false;
  for (const auto& record : mx.records) {
    const auto* host = std::get_if<MxRecord>(&record);
    if (host == nullptr) continue;
    any = true;
    // RFC 7505 3: a null MX stands alone; beside others it is a mistake, and those others are meant.
    if (!host->exchange.empty()) hosts.push_back(MxHost{host->preference, host->exchange});
  }
  if (!any) return implicit(domain);
  if (hosts.empty()) return base::fail(base::Kind::refused, fmt::format("{} accepts no mail (null MX)", domain));

  std::ranges::shuffle(hosts, random);  // RFC 5321 5.1: equals in random order; sorting what is shuffled leaves them so
  std::ranges::sort(hosts, {}, &MxHost::preference);
  std::set<std::string> seen;
  std::erase_if(hosts, [&](const MxHost& host) { return !seen.insert(host.name).second; });
  if (hosts.size() > most_hosts) hosts.resize(most_hosts);
  return hosts;
}

std::vector<Candidate> order_addresses(const std::string& host, std::uint16_t port, std::vector<base::IpAddress> ipv4,
                                       std::vector<base::IpAddress> ipv6, IpVersions versions, std::mt19937_64& random) {
  std::vector<Candidate> candidates;
  switch (versions) {
    case IpVersions::ipv4_first:
      append(candidates, host, port, std::move(ipv4), random);
      append(candidates, host, port, std::move(ipv6), random);
      break;
    case IpVersions::ipv6_first:
      append(candidates, host, port, std::move(ipv6), random);
      append(candidates, host, port, std::move(ipv4), random);
      break;
    case IpVersions::ipv4_only: append(candidates, host, port, std::move(ipv4), random); break;
    case IpVersions::ipv6_only: append(candidates, host, port, std::move(ipv6), random); break;
  }
  return candidates;
}

}  // namespace dns

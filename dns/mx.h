// From MX answers to the hosts to try (RFC 5321 5.1): preference, shuffle among equals, implicit and null MX.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/net.h"
#include "base/result.h"
#include "dns/resolver.h"

namespace dns {

/// A host to try, before its addresses are known.
struct MxHost {
  std::uint16_t preference = 0;
  std::string name;
  friend auto operator<=>(const MxHost&, const MxHost&) = default;
};

/// A place to connect to.
struct Candidate {
  std::string host;  ///< MX name, or the literal
  base::IpAddress address;
  std::uint16_t port = 25;
  friend auto operator<=>(const Candidate&, const Candidate&) = default;
};

/// Hosts in the order to try them. no_data: the domain itself (implicit MX). no_name: Kind::refused, "no such domain".
/// Null MX: Kind::refused with "accepts no mail" in the words. At most 20 hosts are kept.
/// What a Kind::refused means for the sender (5.1.2 or 5.1.10) is queue/outcome's matter.
Result<std::vector<MxHost>> mx_hosts(const std::string& domain, const Answer& mx, std::mt19937_64& random);

/// ip_versions of [delivery].
enum class IpVersions : std::uint8_t { ipv4_first, ipv6_first, ipv4_only, ipv6_only };

/// The addresses of one host in the order to try them, shuffled within a version.
std::vector<Candidate> order_addresses(const std::string& host, std::uint16_t port, std::vector<base::IpAddress> ipv4,
                                       std::vector<base::IpAddress> ipv6, IpVersions versions, std::mt19937_64& random);

}  // namespace dns

// Interfaces, as getifaddrs(3) lists them.
#include "relay/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace relay {
namespace {

bool is_loopback(const base::IpAddress& address) {
  static const auto ipv4 = base::Cidr::parse("127.0.0.0/8").value();
  static const auto ipv6 = base::Cidr::parse("::1").value();
  return ipv4.contains(address) || ipv6.contains(address);
}

}  // namespace

std::vector<base::IpAddress> own_addresses() {
  std::vector<base::IpAddress> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      std::array<std::uint8_t, 4> octets{};
      std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, octets.size());
      found.push_back(base::IpAddress::v4(octets));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      std::array<std::uint8_t, 16> octets{};
      std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr, octets.size());
      found.push_back(base::IpAddress::v6(octets));
    }
  }
  ::freeifaddrs(first);
  return found;
}

bool is_own_door(const conf::Config& config, const base::IpAddress& address, std::uint16_t port) {
  const auto is_at = [&](const conf::Listen& listen) { return listen.address.port == port && listen.address.address == address; };
  const auto is_everywhere = [&](const conf::Listen& listen) {
    const auto& octets = listen.address.address.octets();
    return listen.address.port == port && std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
  };
  if (std::ranges::any_of(config.listen, is_at)) return true;
  if (!std::ranges::any_of(config.listen, is_everywhere)) return false;
  const std::string text = address.to_string();
  if (is_loopback(address) || text == config.delivery.bind_ipv4 || text == config.delivery.bind_ipv6) return true;
  const auto own = own_addresses();
  return std::ranges::find(own, address) != own.end();
}

}  // namespace relay

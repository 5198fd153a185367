// Addresses of the network as values: IP address, CIDR block, endpoint. No sockets here.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

/// IPv4 or IPv6, in network order. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is read as the IPv4 one.
class IpAddress {
 public:
  IpAddress() = default;
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::array<std::uint8_t, 4> octets);
  static IpAddress v6(std::array<std::uint8_t, 16> octets);

  bool is_v6() const { return v6_; }
  bool is_loopback() const;
  const std::array<std::uint8_t, 16>& octets() const { return octets_; }  ///< IPv4: the first four
  std::string to_string() const;
  /// As SMTP writes it: "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3).
  std::string to_literal() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> octets_{};
};

/// By what a client is counted: its IPv4 address, or its /64, since one IPv6 customer has at least so much.
IpAddress site_of(const IpAddress& client);

/// "10.0.0.0/8", "::1"; bits behind the prefix must be zero.
class Cidr {
 public:
  static Result<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;
  int prefix_length() const { return prefix_length_; }
  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  IpAddress network_;
  int prefix_length_ = 0;
};

/// An address and a port: "0.0.0.0:25", "[::1]:2525".
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace base

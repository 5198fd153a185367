// Addresses of the network: parsed and printed by the C library, compared by value.
#include "base/net.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace base {

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text.substr(0, text.find('\0')));
  IpAddress address;
  if (terminated.size() < text.size()) return fail(Kind::invalid, fmt::format("\"{}\" is not an IP address", printable(text)));
  if (inet_pton(AF_INET, terminated.c_str(), address.octets_.data()) == 1) return address;
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) return v6(octets);
  return fail(Kind::invalid, fmt::format("\"{}\" is not an IP address", printable(text)));
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> octets) {
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> octets) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(mapped.begin(), mapped.end(), octets.begin())) return v4({octets[12], octets[13], octets[14], octets[15]});
  IpAddress address;
  address.v6_ = true;
  address.octets_ = octets;
  return address;
}

bool IpAddress::is_loopback() const {
  if (!v6_) return octets_[0] == 127;
  return octets_[15] == 1 && std::all_of(octets_.begin(), octets_.end() - 1, [](std::uint8_t o) { return o == 0; });
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, octets_.data(), text.data(), text.size());
  return text.data();
}

std::string IpAddress::to_literal() const { return (v6_ ? "[IPv6:" : "[") + to_string() + "]"; }

IpAddress site_of(const IpAddress& client) {
  if (!client.is_v6()) return client;
  auto octets = client.octets();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return IpAddress::v6(octets);
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  Cidr cidr;
  cidr.network_ = *address;
  const int width = address->is_v6() ? 128 : 32;
  cidr.prefix_length_ = width;
  if (slash != std::string_view::npos) {
    auto length = parse_number(text.substr(slash + 1));
    if (!length || *length > static_cast<std::uint64_t>(width)) {
      return fail(Kind::invalid, fmt::format("\"{}\": the prefix length is a number from 0 to {}", printable(text), width));
    }
    cidr.prefix_length_ = static_cast<int>(*length);
  }
  std::array<std::uint8_t, 16> masked = address->octets();
  for (int bit = cidr.prefix_length_; bit < width; ++bit) {
    masked[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> static_cast<unsigned>(bit % 8)));
  }
  if (masked != address->octets()) {
    const IpAddress network =
        address->is_v6() ? IpAddress::v6(masked) : IpAddress::v4({masked[0], masked[1], masked[2], masked[3]});
    return fail(Kind::invalid, fmt::format("\"{}\" has bits behind the prefix; the network is {}/{}", text, network.to_string(),
                                           cidr.prefix_length_));
  }
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v6() != network_.is_v6()) return false;
  const auto whole = static_cast<std::size_t>(prefix_length_ / 8);
  const auto& mine = network_.octets();
  const auto& theirs = address.octets();
  if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
  const int rest = prefix_length_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF00U >> static_cast<unsigned>(rest));
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

std::string Cidr::to_string() const {
  const bool single = prefix_length_ == (network_.is_v6() ? 128 : 32);
  return single ? network_.to_string() : fmt::format("{}/{}", network_.to_string(), prefix_length_);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = IpAddress::parse(host);
  auto port = parse_number(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  if (!address || !port || *port > 65535 || (address->is_v6() && !bracketed)) {
    return fail(Kind::invalid, fmt::format("\"{}\" is not an address with a port; write it like \"0.0.0.0:25\" or \"[::1]:25\"",
                                           printable(text)));
  }
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = endpoint.address.to_string();
  return endpoint.address.is_v6() ? fmt::format("[{}]:{}", address, endpoint.port) : fmt::format("{}:{}", address, endpoint.port);
}

}  // namespace base

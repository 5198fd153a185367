// Both versions of the PROXY header; the first octet that fits neither ends the reading.
#include "mail/proxy_header.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace mail {
namespace {

using base::fail;
using base::Kind;
using base::Result;

constexpr std::string_view text_start = "PROXY ";
constexpr std::string_view binary_start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t binary_head = 16;  // the start, version and command, family, length
constexpr std::size_t v4_addresses = 12;
constexpr std::size_t v6_addresses = 36;

std::unexpected<base::Error> no_header(std::string_view why) { return fail(Kind::invalid, std::string(why)); }

std::uint8_t octet(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

std::uint16_t number(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(octet(text, at) << 8U | octet(text, at + 1));
}

base::IpAddress address_at(std::string_view text, std::size_t at, std::size_t size) {
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < size; ++i) octets[i] = octet(text, at + i);
  if (size == octets.size()) return base::IpAddress::v6(octets);
  return base::IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  const auto port = base::parse_number(text);
  const bool right = port && *port <= 65535 && (text.size() == 1 || text.front() != '0');
  if (!right) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

}  // namespace

Result<std::size_t> ProxyHeader::consume(std::string_view in) {
  std::size_t used = 0;
  while (used < in.size() && !done_) {
    if (auto taken = take(in[used]); !taken) return std::unexpected(taken.error());
    ++used;
  }
  return used;
}

Result<void> ProxyHeader::take(char c) {
  ++seen_;
  // What is skipped of a version 2 header is not kept.
  if (total_ == 0 || held_.size() < binary_head + v6_addresses) held_ += c;
  return held_.front() == text_start.front() ? take_text() : take_binary();
}

Result<void> ProxyHeader::take_text() {
  const std::size_t compared = std::min(held_.size(), text_start.size());
  if (std::string_view(held_).substr(0, compared) != text_start.substr(0, compared)) return no_header("not a PROXY header");
  if (held_.ends_with("\r\n")) return take_line(std::string_view(held_).substr(0, held_.size() - 2));
  if (held_.size() >= longest_line) return no_header("the PROXY line is too long");
  if (held_.back() == '\n') return no_header("the PROXY line does not end with CR LF");
  return {};
}

/// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25"; behind UNKNOWN anything may stand.
Result<void> ProxyHeader::take_line(std::string_view line) {
  const std::vector<std::string_view> parts = base::split(line, ' ');
  done_ = true;
  if (parts.at(1) == "UNKNOWN") return {};
  const bool v6 = parts[1] == "TCP6";
  if ((!v6 && parts[1] != "TCP4") || parts.size() != 6) return no_header("the PROXY line is malformed");
  const auto client = base::IpAddress::parse(parts[2]);
  const auto server = base::IpAddress::parse(parts[3]);
  const auto client_port = read_port(parts[4]);
  const auto server_port = read_port(parts[5]);
  if (!client || !server || !client_port || !server_port) return no_header("the PROXY line has no addresses");
  // An IPv4-mapped address is IPv4 to us whatever the line says.
  if (!v6 && (client->is_v6() || server->is_v6())) return no_header("the addresses of the PROXY line are not IPv4");
  proxied_ = ProxiedConnection{{*client, *client_port}, {*server, *server_port}};
  return {};
}

Result<void> ProxyHeader::take_binary() {
  const std::size_t compared = std::min(held_.size(), binary_start.size());
  if (std::string_view(held_).substr(0, compared) != binary_start.substr(0, compared)) return no_header("not a PROXY header");
  if (seen_ < binary_head) return {};
  if (total_ == 0) {
    total_ = binary_head + number(held_, 14);
    if (total_ > longest_binary) return no_header("the PROXY header is too long");
  }
  if (seen_ < total_) return {};
  done_ = true;
  return take_addresses();
}

Result<void> ProxyHeader::take_addresses() {
  const unsigned version = octet(held_, 12) >> 4U;
  const unsigned command = octet(held_, 12) & 0x0FU;
  const unsigned family = octet(held_, 13) >> 4U;
  const unsigned transport = octet(held_, 13) & 0x0FU;
  if (version != 2 || command > 1) return no_header("the PROXY header has an unknown version or command");
  if (family > 3 || transport > 2) return no_header("the PROXY header has an unknown address family");
  // LOCAL (0) is the balancer's own; families 0 and 3 (unix) have no address that means anything here.
  if (command == 0 || family == 0 || family == 3) return {};
  if (transport != 1) return no_header("the PROXY header is not of a TCP connection");
  const std::size_t size = family == 1 ? 4 : 16;
  if (total_ - binary_head < (family == 1 ? v4_addresses : v6_addresses)) return no_header("the PROXY header is too short");
  const std::size_t ports = binary_head + 2 * size;
  proxied_ = ProxiedConnection{{address_at(held_, binary_head, size), number(held_, ports)},
                               {address_at(held_, binary_head + size, size), number(held_, ports + 2)}};
  return {};
}

}  // namespace mail

// Addresses of the network: their spellings, and what lies in a block.
#include "base/net.h"

#include "tests/catch.h"

using base::Cidr;
using base::IpAddress;

namespace {

IpAddress address(std::string_view text) {
  auto parsed = IpAddress::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

Cidr block(std::string_view text) {
  auto parsed = Cidr::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("an IP address has one value and one spelling") {
  CHECK(address("192.0.2.1").to_string() == "192.0.2.1");
  CHECK(address("2001:DB8:0:0::1").to_string() == "2001:db8::1");
  CHECK(address("192.0.2.1") == IpAddress::v4({192, 0, 2, 1}));
  CHECK(address("2001:db8::1").is_v6());
  CHECK(address("192.0.2.1").to_literal() == "[192.0.2.1]");
  CHECK(address("2001:db8::1").to_literal() == "[IPv6:2001:db8::1]");
}

TEST_CASE("a mapped IPv4 address is the IPv4 address") {
  CHECK(address("::ffff:192.0.2.1") == address("192.0.2.1"));
  CHECK_FALSE(address("::ffff:192.0.2.1").is_v6());
}

TEST_CASE("what is no IP address is refused") {
  const std::string bad = GENERATE(as<std::string>{}, "", "192.0.2", "192.0.2.256", "192.0.2.1 ", "[192.0.2.1]", "::1%lo",
                                   ":::", "localhost", std::string("192.0.2.1\0x", 11), std::string("::1\0", 4));
  CHECK_FALSE(IpAddress::parse(bad).has_value());
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1") {
  CHECK(address("127.0.0.1").is_loopback());
  CHECK(address("127.255.0.9").is_loopback());
  CHECK(address("::1").is_loopback());
  CHECK_FALSE(address("128.0.0.1").is_loopback());
  CHECK_FALSE(address("::2").is_loopback());
  CHECK_FALSE(address("::").is_loopback());
}

TEST_CASE("a block contains what shares its prefix") {
  CHECK(block("10.0.0.0/8").contains(address("10.255.0.1")));
  CHECK_FALSE(block("10.0.0.0/8").contains(address("11.0.0.0")));
  CHECK(block("192.0.2.128/25").contains(address("192.0.2.129")));
  CHECK_FALSE(block("192.0.2.128/25").contains(address("192.0.2.127")));
  CHECK(block("2001:db8::/33").contains(address("2001:db8:7fff::1")));
  CHECK_FALSE(block("2001:db8::/33").contains(address("2001:db8:8000::1")));
  CHECK(block("192.0.2.1").contains(address("192.0.2.1")));
  CHECK_FALSE(block("192.0.2.1").contains(address("192.0.2.2")));
}

TEST_CASE("the block of everything holds its own family only") {
  CHECK(block("0.0.0.0/0").contains(address("203.0.113.9")));
  CHECK_FALSE(block("0.0.0.0/0").contains(address("::1")));
  CHECK(block("::/0").contains(address("2001:db8::1")));
  CHECK_FALSE(block("::/0").contains(address("203.0.113.9")));
}

TEST_CASE("a block prints as it is written") {
  CHECK(block("10.0.0.0/8").to_string() == "10.0.0.0/8");
  CHECK(block("192.0.2.1/32").to_string() == "192.0.2.1");
  CHECK(block("::1").prefix_length() == 128);
}

TEST_CASE("what is no block is refused, with the network where it can be told") {
  const std::string bad =
      GENERATE(as<std::string>{}, "", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "/8", "10/8", "10.0.0.0/8/8");
  CHECK_FALSE(Cidr::parse(bad).has_value());
  const auto stray = Cidr::parse("10.1.2.3/8");
  REQUIRE_FALSE(stray.has_value());
  CHECK(stray.error().words.find("10.0.0.0/8") != std::string::npos);
}

TEST_CASE("an endpoint is an address and a port") {
  CHECK(base::to_string(*base::parse_endpoint("0.0.0.0:25")) == "0.0.0.0:25");
  CHECK(base::to_string(*base::parse_endpoint("[::1]:2525")) == "[::1]:2525");
  CHECK(base::parse_endpoint("192.0.2.1:65535")->port == 65535);
  const std::string bad = GENERATE(as<std::string>{}, "", ":25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "::1:25", "[::1]",
                                   "[::1]25", "host:25", "[]:25");
  CHECK_FALSE(base::parse_endpoint(bad).has_value());
}

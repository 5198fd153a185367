// A host that is trusted by its name: what answers make of it, and how long they hold.
#include <fmt/format.h>

#include <algorithm>

#include "relay/intake/trusted_names.h"
#include "tests/catch.h"
#include "tests/unit/relay/dns_script.h"

namespace {

using namespace world;
using namespace std::chrono_literals;
using relay::intake::NamedHost;

const base::Time noon{};

std::string addresses_of(const NamedHost& host) {
  std::string text;
  for (const base::IpAddress& address : host.addresses()) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

}  // namespace

TEST_CASE("a name has the addresses of both versions") {
  NamedHost host;
  CHECK_FALSE(host.looked_up());
  host.take(found({"192.0.2.2", "192.0.2.1", "192.0.2.2"}), found({"2001:db8::1", "::ffff:192.0.2.1"}), noon, 4h);
  CHECK(addresses_of(host) == "192.0.2.1 192.0.2.2 2001:db8::1");
  CHECK(host.looked_up() == noon);
  CHECK_FALSE(host.failure());
  host.take(found({"192.0.2.3"}), nothing(), noon + 1min, 4h);
  CHECK(addresses_of(host) == "192.0.2.3");
  CHECK_FALSE(host.is_failing());
}

TEST_CASE("while DNS fails the last answer holds so long and no longer, for A and AAAA each") {
  NamedHost host;
  host.take(found({"192.0.2.1"}), found({"2001:db8::1"}), noon, 4h);
  host.take(broken(), found({"2001:db8::2"}), noon + 1h, 4h);
  CHECK(addresses_of(host) == "192.0.2.1 2001:db8::2");
  CHECK(host.is_failing());
  CHECK(host.failure()->words == "DNS: SERVFAIL (A)");
  host.take(broken(), broken(), noon + 4h - 1ms, 4h);
  CHECK(addresses_of(host) == "192.0.2.1 2001:db8::2");
  host.take(broken(), broken(), noon + 4h, 4h);
  CHECK(addresses_of(host) == "2001:db8::2");
  host.take(broken(), broken(), noon + 5h, 4h);
  CHECK(addresses_of(host).empty());
  host.take(found({"192.0.2.1"}), nothing(), noon + 6h, 4h);
  CHECK(addresses_of(host) == "192.0.2.1");
  CHECK_FALSE(host.is_failing());
  CHECK(host.failure()->at == noon + 5h);
}

TEST_CASE("that a name has no address is an answer") {
  NamedHost host;
  host.take(found({"192.0.2.1"}), nothing(), noon, 4h);
  host.take(no_name(), no_name(), noon + 1s, 4h);
  CHECK(addresses_of(host).empty());
  CHECK(host.failure()->words == "there is no such name");
  host.take(nothing(), nothing(), noon + 2s, 4h);
  CHECK(host.failure()->words == "the name has no address");
}

TEST_CASE("a look-up is good for the shorter TTL, and where there is none for a minute") {
  NamedHost host;
  host.take(found({"192.0.2.1"}, 30s), found({"2001:db8::1"}, 20s), noon, 4h);
  CHECK(host.ttl() == 20s);
  host.take(found({"192.0.2.1"}, 1h), nothing(), noon, 4h);
  CHECK(host.ttl() == 1min);
  host.take(broken(), broken(), noon, 4h);
  CHECK(host.ttl() == 1min);
}

TEST_CASE("a name with more addresses than anybody has at home is trusted for the same few, in whatever order they come") {
  std::vector<std::string> many;
  for (int i = 0; i < 100; ++i) many.push_back(fmt::format("192.0.2.{}", 100 + i));
  NamedHost host;
  host.take(found(many), nothing(), noon, 4h);
  CHECK(host.addresses().size() == NamedHost::most_addresses);
  const std::string some = addresses_of(host);
  std::ranges::reverse(many);
  host.take(found(many), nothing(), noon, 4h);
  CHECK(addresses_of(host) == some);
}

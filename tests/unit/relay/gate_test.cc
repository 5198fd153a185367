// Who may come in: counting without sockets.
#include "relay/intake/gate.h"

#include "tests/catch.h"

namespace {

using namespace relay::intake;
using base::IpAddress;
using std::chrono::seconds;

const Gate::Time noon{std::chrono::hours(12)};

IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }

conf::Accept accept(std::uint64_t connections, std::uint64_t per_client) {
  conf::Accept accept;
  accept.connections = connections;
  accept.connections_per_client = per_client;
  return accept;
}

}  // namespace

TEST_CASE("a tenth of the connections is kept for trusted clients, at least ten and at most half") {
  CHECK(Gate::reserve(1000) == 100);
  CHECK(Gate::reserve(50) == 10);
  CHECK(Gate::reserve(12) == 6);
  CHECK(Gate::reserve(1) == 0);
}

TEST_CASE("a flood of strangers leaves trusted clients their slots") {
  Gate gate(Limits{});
  const conf::Accept limits = accept(100, 100);
  int inside = 0;
  for (int i = 0; i < 200; ++i) {
    const IpAddress stranger = address("192.0.2." + std::to_string(i));
    if (gate.ask(stranger, Trust::stranger, limits, noon) != Verdict::enter) continue;
    gate.enter(stranger, Trust::stranger);
    ++inside;
  }
  CHECK(inside == 90);
  const IpAddress home = address("10.0.0.1");
  for (int i = 0; i < 10; ++i) {
    REQUIRE(gate.ask(home, Trust::trusted, limits, noon) == Verdict::enter);
    gate.enter(home, Trust::trusted);
  }
  CHECK(gate.ask(home, Trust::trusted, limits, noon) == Verdict::full);
  gate.leave(address("192.0.2.1"), Trust::stranger);
  CHECK(gate.ask(home, Trust::trusted, limits, noon) == Verdict::enter);
}

TEST_CASE("trusted clients do not take the last slot from strangers by their own number alone") {
  Gate gate(Limits{});
  const conf::Accept limits = accept(4, 1);
  for (int i = 0; i < 4; ++i) {
    CHECK(gate.ask(address("10.0.0.1"), Trust::trusted, limits, noon) == Verdict::enter);  // no limit for one client
    gate.enter(address("10.0.0.1"), Trust::trusted);
  }
  CHECK(gate.ask(address("192.0.2.1"), Trust::stranger, limits, noon) == Verdict::full);
}

TEST_CASE("a stranger's address may hold so many connections, a network of IPv6 counts as one address") {
  Gate gate(Limits{});
  const conf::Accept limits = accept(100, 2);
  const auto enter = [&](const std::string& text) {
    const Verdict verdict = gate.ask(address(text), Trust::stranger, limits, noon);
    if (verdict == Verdict::enter) gate.enter(address(text), Trust::stranger);
    return verdict;
  };
  CHECK(enter("2001:db8:0:1::1") == Verdict::enter);
  CHECK(enter("2001:db8:0:1::2") == Verdict::enter);
  CHECK(enter("2001:db8:0:1:ffff::3") == Verdict::crowded);
  CHECK(enter("2001:db8:0:2::1") == Verdict::enter);
  CHECK(enter("192.0.2.1") == Verdict::enter);
  CHECK(enter("192.0.2.1") == Verdict::enter);
  CHECK(enter("192.0.2.1") == Verdict::crowded);
  CHECK(enter("192.0.2.2") == Verdict::enter);
  gate.leave(address("192.0.2.1"), Trust::stranger);
  CHECK(enter("192.0.2.1") == Verdict::enter);
}

TEST_CASE("new connections of a stranger are counted by the minute") {
  Limits numbers;
  numbers.connections_per_minute = 3;
  Gate gate(numbers);
  const conf::Accept limits = accept(100, 100);
  const IpAddress stranger = address("192.0.2.1");
  for (int i = 0; i < 3; ++i) CHECK(gate.ask(stranger, Trust::stranger, limits, noon) == Verdict::enter);
  CHECK(gate.ask(stranger, Trust::stranger, limits, noon + seconds(59)) == Verdict::hasty);
  CHECK(gate.ask(address("192.0.2.2"), Trust::stranger, limits, noon + seconds(59)) == Verdict::enter);
  CHECK(gate.ask(stranger, Trust::stranger, limits, noon + seconds(60)) == Verdict::enter);
  for (int i = 0; i < 10; ++i) CHECK(gate.ask(address("10.0.0.1"), Trust::trusted, limits, noon) == Verdict::enter);
}

TEST_CASE("who turns out to be trusted gives a stranger's slot back") {
  Gate gate(Limits{});
  const conf::Accept limits = accept(2, 10);
  const IpAddress roamer = address("192.0.2.1");
  Visit visit(gate, roamer, Trust::stranger);
  CHECK(gate.ask(address("192.0.2.2"), Trust::stranger, limits, noon) == Verdict::full);
  visit.become(roamer, Trust::trusted);
  CHECK(gate.ask(address("192.0.2.2"), Trust::stranger, limits, noon) == Verdict::enter);
  CHECK(gate.inside() == 1);
}

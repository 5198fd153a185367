// What is remembered of hosts, and for how long.
#include "relay/delivery/host_memory.h"

#include "tests/catch.h"

namespace {

using namespace relay::delivery;
using std::chrono::minutes;
using std::chrono::seconds;

const HostMemory::Time start{std::chrono::hours(1000)};

dns::Candidate host(std::string_view address, std::uint16_t port = 25, std::string name = "mx.example.net") {
  return dns::Candidate{std::move(name), base::IpAddress::parse(address).value(), port};
}
const dns::Candidate one = host("192.0.2.1");
const dns::Candidate two = host("192.0.2.2");
const dns::Candidate three = host("192.0.2.3");

/// How long it counts when it is added so many times, each time when the last one ends.
std::vector<minutes> spans(Trouble trouble, int times) {
  HostMemory memory;
  HostMemory::Time now = start;
  std::vector<minutes> list;
  for (int i = 0; i < times; ++i) {
    memory.add(one, trouble, now);
    const HostMemory::Time until = memory.entries(now).front().until;
    CHECK(memory.has(one, trouble, until - seconds(1)));
    CHECK_FALSE(memory.has(one, trouble, until));
    list.push_back(std::chrono::duration_cast<minutes>(until - now));
    now = until;
  }
  return list;
}

}  // namespace

TEST_CASE("trouble that comes again counts for longer, within bounds") {
  CHECK(spans(Trouble::tls, 4) == std::vector{minutes(15), minutes(30), minutes(60), minutes(60)});
  CHECK(spans(Trouble::dead, 6) == std::vector{minutes(1), minutes(2), minutes(4), minutes(8), minutes(15), minutes(15)});
  CHECK(spans(Trouble::chunks, 2) == std::vector{minutes(24 * 60), minutes(24 * 60)});
}

TEST_CASE("trouble long after the last begins anew, and ends when the host shows that it is well") {
  HostMemory memory;
  memory.add(one, Trouble::dead, start);
  memory.add(one, Trouble::dead, start + minutes(20));
  CHECK(memory.entries(start + minutes(20)).front().times == 1);
  memory.remove(one, Trouble::dead);
  CHECK_FALSE(memory.has(one, Trouble::dead, start + minutes(20)));
}

TEST_CASE("a host is an address and a port; its troubles are apart") {
  HostMemory memory;
  memory.add(one, Trouble::tls, start);
  CHECK(memory.has(host("192.0.2.1", 25, "another.name.example"), Trouble::tls, start));
  CHECK_FALSE(memory.has(host("192.0.2.1", 587), Trouble::tls, start));
  CHECK_FALSE(memory.has(one, Trouble::dead, start));
  CHECK_FALSE(memory.has(two, Trouble::tls, start));
}

TEST_CASE("dead hosts are tried last, in their order") {
  HostMemory memory;
  memory.add(one, Trouble::dead, start);
  memory.add(two, Trouble::tls, start);
  using Hosts = std::vector<dns::Candidate>;
  CHECK(memory.in_order({one, two, three}, start) == Hosts{two, three, one});
  CHECK(memory.in_order({one, two, three}, start + minutes(1)) == Hosts{one, two, three});
  memory.add(three, Trouble::dead, start);
  CHECK(memory.in_order({three, one}, start) == Hosts{three, one});
}

TEST_CASE("an admin sees what counts, and forgets one host or all") {
  HostMemory memory;
  memory.add(one, Trouble::tls, start);
  memory.add(one, Trouble::dead, start);
  memory.add(two, Trouble::tls, start);
  memory.add(host("2001:db8::1", 25, "v6.example.net"), Trouble::tls, start);
  CHECK(memory.entries(start).size() == 4);
  CHECK(memory.entries(start + minutes(5)).size() == 3);
  CHECK(name_of(memory.entries(start).front().trouble) == "tls");
  CHECK(memory.forget("192.0.2.1") == 2);
  CHECK(memory.forget("V6.example.net") == 1);
  CHECK(memory.forget("nobody.example") == 0);
  CHECK(memory.entries(start).size() == 1);
  memory.clear();
  CHECK(memory.entries(start).empty());
}

TEST_CASE("the memory is bounded: what ends first makes room") {
  HostMemory memory;
  memory.add(one, Trouble::dead, start);
  for (std::uint32_t i = 1; i < HostMemory::most_entries; ++i) {
    const auto octet = [i](std::uint32_t shift) { return static_cast<std::uint8_t>(i >> shift); };
    dns::Candidate other = one;
    other.address = base::IpAddress::v4({10, octet(16), octet(8), octet(0)});
    memory.add(other, Trouble::tls, start);
  }
  CHECK(memory.has(one, Trouble::dead, start));
  memory.add(two, Trouble::tls, start);
  CHECK(memory.has(two, Trouble::tls, start));
  CHECK_FALSE(memory.has(one, Trouble::dead, start));
  CHECK(memory.entries(start).size() == HostMemory::most_entries);
}

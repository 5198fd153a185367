// The order of hosts and addresses (RFC 5321 5.1, RFC 7505).
#include "dns/mx.h"

#include <map>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace {

using base::IpAddress;
using base::Kind;
using dns::IpVersions;
using dns::MxRecord;
using dns::Status;

dns::Answer answer(std::vector<MxRecord> records) {
  dns::Answer made;
  for (auto& record : records) made.records.emplace_back(std::move(record));
  return made;
}

std::vector<std::string> names(const std::vector<dns::MxHost>& hosts) {
  std::vector<std::string> made;
  made.reserve(hosts.size());
  for (const auto& host : hosts) made.push_back(host.name);
  return made;
}

std::vector<std::string> addresses(const std::vector<dns::Candidate>& candidates) {
  std::vector<std::string> made;
  made.reserve(candidates.size());
  for (const auto& candidate : candidates) made.push_back(candidate.address.to_string());
  return made;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("hosts by preference") {
  std::mt19937_64 random(1);
  const auto hosts = dns::mx_hosts("a.example", answer({{30, "c"}, {10, "a"}, {20, "b"}}), random);
  REQUIRE(hosts.has_value());
  CHECK(names(*hosts) == Names{"a", "b", "c"});
  CHECK(hosts->front().preference == 10);
}

TEST_CASE("equals in random order, each as often as the others") {
  std::mt19937_64 random(1);
  std::map<Names, int> seen;
  for (int i = 0; i < 6000; ++i) {
    const auto hosts = dns::mx_hosts("a.example", answer({{10, "a"}, {10, "b"}, {10, "c"}, {20, "z"}}), random);
    CHECK(hosts->back().name == "z");
    ++seen[names(*hosts)];
  }
  CHECK(seen.size() == 6);
  for (const auto& [order, count] : seen) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
}

TEST_CASE("no MX: the domain itself; no domain: refused") {
  std::mt19937_64 random(1);
  dns::Answer none;
  none.status = Status::no_data;
  CHECK(names(*dns::mx_hosts("a.example", none, random)) == Names{"a.example"});
  none.status = Status::no_name;
  const auto refused = dns::mx_hosts("a.example", none, random);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::refused);
  CHECK(refused.error().words == "no such domain: a.example");
}

TEST_CASE("null MX refuses mail when it stands alone") {
  std::mt19937_64 random(1);
  const auto refused = dns::mx_hosts("a.example", answer({{0, ""}}), random);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::refused);
  CHECK(refused.error().words.find("accepts no mail") != std::string::npos);
  CHECK(names(*dns::mx_hosts("a.example", answer({{0, ""}, {10, "a"}}), random)) == Names{"a"});
}

TEST_CASE("a host that is named twice is tried once, at its best preference") {
  std::mt19937_64 random(1);
  const auto hosts = dns::mx_hosts("a.example", answer({{20, "a"}, {10, "b"}, {5, "a"}, {10, "b"}}), random);
  CHECK(names(*hosts) == Names{"a", "b"});
}

TEST_CASE("at most 20 hosts, the best ones") {
  std::mt19937_64 random(1);
  std::vector<MxRecord> many;
  for (std::uint16_t i = 0; i < 50; ++i) many.push_back({static_cast<std::uint16_t>(50 - i), "h" + std::to_string(50 - i)});
  const auto hosts = dns::mx_hosts("a.example", answer(many), random);
  REQUIRE(hosts->size() == 20);
  CHECK(hosts->front().name == "h1");
  CHECK(hosts->back().name == "h20");
}

TEST_CASE("addresses by version") {
  std::mt19937_64 random(1);
  const auto v4 = *IpAddress::parse("192.0.2.1");
  const auto v6 = *IpAddress::parse("2001:db8::1");
  const auto order = [&](IpVersions versions) {
    return addresses(dns::order_addresses("mx.example", 25, {v4, v4}, {v6}, versions, random));
  };
  CHECK(order(IpVersions::ipv4_first) == Names{"192.0.2.1", "2001:db8::1"});
  CHECK(order(IpVersions::ipv6_first) == Names{"2001:db8::1", "192.0.2.1"});
  CHECK(order(IpVersions::ipv4_only) == Names{"192.0.2.1"});
  CHECK(order(IpVersions::ipv6_only) == Names{"2001:db8::1"});
  const auto candidates = dns::order_addresses("mx.example", 2525, {v4}, {}, IpVersions::ipv4_first, random);
  CHECK(candidates == std::vector<dns::Candidate>{{"mx.example", v4, 2525}});
}

TEST_CASE("addresses of one version are shuffled") {
  std::mt19937_64 random(1);
  std::vector<IpAddress> four;
  for (std::uint8_t i = 1; i <= 4; ++i) four.push_back(IpAddress::v4({192, 0, 2, i}));
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i) {
    ++first[addresses(dns::order_addresses("mx.example", 25, four, {}, IpVersions::ipv4_first, random)).front()];
  }
  CHECK(first.size() == 4);
  for (const auto& [address, count] : first) CHECK((count > 850 && count < 1150));
}

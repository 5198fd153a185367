// What is allowed but hardly meant is said.
#include <fmt/format.h>

#include "tests/unit/conf/files.h"

namespace {

const std::string key = "[[dkim.sign]]\nfrom = \"*\"\ndomain = \"%\"\nselector = \"s\"\nkey = \"k\"\n";

/// Some warning holds `words`.
bool warned(std::string_view rest, std::string_view words) {
  for (const std::string& warning : conf::warnings(must_parse(rest))) {
    if (warning.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("a usual configuration gives no warning") { CHECK(conf::warnings(must_parse(key)).empty()); }

TEST_CASE("an open relay is told loudly") {
  CHECK(warned("accept.mynetworks = [\"0.0.0.0/0\"]\n", "accept.mynetworks: 0.0.0.0/0 is EVERYBODY"));
  CHECK(warned("accept.mynetworks = [\"::/0\"]\n", "OPEN RELAY"));
  CHECK(warned("accept.mynetworks = [\"128.0.0.0/2\"]\n", "128.0.0.0/2 is very wide"));
  CHECK(warned("accept.mynetworks = [\"2000::/3\"]\n", "2000::/3 is very wide"));
  CHECK_FALSE(warned("accept.mynetworks = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n", "accept.mynetworks"));
  CHECK(warned("accept.mynetworks = []\n", "only programs of this machine may send"));
  CHECK_FALSE(warned("accept = { mynetworks = [], users = \"u\" }\n", "may send"));
}

TEST_CASE("the gateway of a container bridge is told, by whatever network it is trusted") {
  for (const char* network :
       {"172.17.0.1", "172.17.0.0/16", "172.31.0.0/24", "172.16.0.0/12", "10.88.0.1", "10.88.0.0/16", "10.0.2.2"}) {
    INFO(network);
    CHECK(warned(fmt::format("accept.mynetworks = [\"{}\"]\n", network), "the gateway of a container bridge"));
  }
  CHECK(warned("accept.mynetworks = [\"172.17.0.0/16\"]\n", "accept.mynetworks: 172.17.0.1 (in 172.17.0.0/16) is the gateway"));
  for (const char* network :
       {"172.17.0.2", "172.16.0.1", "172.32.0.1", "10.0.0.0/8", "10.0.0.0/16", "192.168.1.1", "198.51.100.1"}) {
    INFO(network);
    CHECK_FALSE(warned(fmt::format("accept.mynetworks = [\"{}\"]\n", network), "accept.mynetworks"));
  }
}

TEST_CASE("a host name whose address may pass to a neighbour needs something beside it") {
  const std::string name = "accept.mynetworks = [\"home.example.com\"]\n";
  CHECK(warned(name, "accept.mynetworks: whoever has the address of home.example.com next may send as anybody"));
  CHECK_FALSE(warned(name + "accept.sender_domains = [\"example.com\"]\n", "accept.mynetworks"));
}

TEST_CASE("who may speak for others is trusted like they are") {
  CHECK(warned("accept.xclient = [\"0.0.0.0/0\"]\n", "accept.xclient: everybody in 0.0.0.0/0"));
  CHECK(warned("[[listen]]\nproxy = [\"::/0\"]\n", "listen.proxy: everybody in ::/0"));
  CHECK_FALSE(warned("accept.xclient = [\"192.0.2.1\"]\n", "accept.xclient"));
}

TEST_CASE("listeners whose TLS does not fit their port are told") {
  CHECK(warned("[[listen]]\ntls = \"implicit\"\n", "meant \"starttls\"?"));
  CHECK(warned("[[listen]]\naddress = \"0.0.0.0:465\"\n", "meant \"implicit\"?"));
}

TEST_CASE("signing that does nothing is told") {
  CHECK(warned("", "dkim.sign: no key, so nothing is signed"));
  CHECK(warned("dkim.unsigned = \"reject\"\n", "refuses all mail"));
  CHECK(warned("dkim.mode = \"off\"\n" + key, "are not used"));
  CHECK_FALSE(warned("dkim.mode = \"off\"\n", "dkim"));
  CHECK(warned("dkim.mode = \"verify\"\n" + key, "\"verify\", so the [[dkim.sign]] keys are not used"));
  CHECK_FALSE(warned("dkim.mode = \"verify\"\n", "dkim"));
}

TEST_CASE("a bound address of the other IP version is told") {
  CHECK(warned("delivery = { bind_ipv4 = \"192.0.2.1\", ip_versions = \"ipv6-only\" }\n", "delivery.bind_ipv4: not used"));
  CHECK(warned("delivery = { bind_ipv6 = \"2001:db8::1\", ip_versions = \"ipv4-only\" }\n", "delivery.bind_ipv6: not used"));
  CHECK_FALSE(warned("delivery = { bind_ipv4 = \"192.0.2.1\", ip_versions = \"ipv4-only\" }\n", "not used"));
}

TEST_CASE("a route behind one that takes all of its mail is told") {
  const std::string all = "[[route]]\ndomain = \"*\"\nhosts = [\"mx\"]\n";
  const std::string one = "[[route]]\ndomain = \"example.com\"\nhosts = [\"mx\"]\n";
  CHECK(warned(all + one, "route.domain: \"example.com\" is never used"));
  CHECK(warned(one + one, "never used"));
  CHECK_FALSE(warned(one + all, "never used"));
}

TEST_CASE("short command time-outs and localhost are told") {
  CHECK(warned("accept.commands_timeout = \"1m\"\n", "RFC 5321"));
  auto config = conf::parse_config("hostname = \"localhost\"\npostmaster = \"a@example.com\"\n", "test.toml", "/");
  REQUIRE(config);
  CHECK(conf::warnings(*config).front().find("hostname") == 0);
}

}  // namespace

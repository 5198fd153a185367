// Where mail for a destination goes: routes, MX, addresses.
#include "relay/delivery/hosts.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <future>

#include "relay/daemon.h"
#include "relay/publish.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using base::Kind;
using relay::delivery::Hosts;
using Candidates = base::Result<std::vector<dns::Candidate>>;

const base::IpAddress own_ipv6 = base::IpAddress::parse("2001:db8:1::25").value();
const base::IpAddress stray_ipv6 = base::IpAddress::parse("2001:db8:1::26").value();

dns::Record address(std::string_view text) { return base::IpAddress::parse(text).value(); }

void fill(dns::StaticResolver& dns) {
  using enum dns::RecordType;
  dns.add("three.example", mx, dns::MxRecord{30, "last.three.example"});
  dns.add("three.example", mx, dns::MxRecord{10, "first.three.example"});
  dns.add("three.example", mx, dns::MxRecord{20, "second.three.example"});
  dns.add("first.three.example", a, address("192.0.2.1"));
  dns.add("first.three.example", aaaa, address("2001:db8::1"));
  dns.add("second.three.example", a, address("192.0.2.2"));
  dns.add("last.three.example", a, address("192.0.2.3"));
  dns.add("implicit.example", a, address("192.0.2.4"));
  dns.add("null.example", mx, dns::MxRecord{0, ""});
  dns.add("dangling.example", mx, dns::MxRecord{10, "gone.dangling.example"});
  dns.add("text.example", txt, std::string("no mail here"));
  dns.fail("broken.example", mx);
  dns.add("half.example", mx, dns::MxRecord{10, "bad.half.example"});
  dns.fail("bad.half.example", a);
  dns.add("smart.example", a, address("192.0.2.9"));
  dns.add("backed.example", mx, dns::MxRecord{10, "first.three.example"});
  dns.add("backed.example", mx, dns::MxRecord{20, "Relay.Example.com"});
  dns.add("backed.example", mx, dns::MxRecord{20, "second.three.example"});
  dns.add("backed.example", mx, dns::MxRecord{30, "last.three.example"});
  dns.add("ours.example", mx, dns::MxRecord{10, "relay.example.com"});
  dns.add("relay.example.com", a, address("127.0.0.8"));
  dns.add(relay::reverse_name(own_ipv6), ptr, std::string("mail.ours.example"));
  dns.add("mail.ours.example", aaaa, own_ipv6);
  dns.add(relay::reverse_name(stray_ipv6), ptr, std::string("mail.ours.example"));
  for (int i = 10; i < 30; ++i) {
    dns.add("crowd.example", a, address("192.0.2." + std::to_string(i)));
  }
  dns.add("namesake.example", mx, dns::MxRecord{10, "mail.namesake.example"});
  dns.add("mail.namesake.example", a, address("192.0.2.8"));
}

conf::Route route(std::string domain, std::vector<std::string> hosts) {
  conf::Route made;
  made.domain = std::move(domain);
  made.hosts = std::move(hosts);
  return made;
}

/// Finds with these routes; the hosts as "name address:port", one a line, or the kind of the error.
class Finder {
 public:
  explicit Finder(std::vector<conf::Route> routes = {}) : relay_(world::config_in(folder_, 2500), fill) {
    auto settings = std::make_shared<relay::Settings>();
    settings->config = world::config_in(folder_, 2500);
    settings->config.route = std::move(routes);
    settings->config.listen[0].address = base::parse_endpoint("127.0.0.8:2500").value();
    settings->config.hostname = "mail.namesake.example";
    settings_ = settings;
  }
  ~Finder() {
    relay_.on_loop([this](relay::Daemon&) { hosts_.reset(); });
  }
  Finder(const Finder&) = delete;
  Finder& operator=(const Finder&) = delete;

  void use(conf::IpVersions versions, const std::string& bind_ipv6 = {}) {
    auto settings = std::make_shared<relay::Settings>();
    settings->config = settings_->config;
    settings->config.delivery.ip_versions = versions;
    settings->config.delivery.bind_ipv6 = bind_ipv6;
    settings_ = settings;
  }
  /// So often, as a connection was refused.
  void kill(std::string_view address) {
    const dns::Candidate host{"any", base::IpAddress::parse(address).value(), 2500};
    relay_.on_loop([&](relay::Daemon& daemon) {
      daemon.services().host_memory.add(host, relay::delivery::Trouble::dead, relay::Clock::now());
    });
  }
  bool logs(std::string_view text) const { return relay_.logs(text); }

  std::string find(const std::string& destination) {
    std::promise<Candidates> found;
    relay_.on_loop([&](relay::Daemon& daemon) {
      if (!hosts_) hosts_ = std::make_unique<Hosts>(daemon.services());
      boost::asio::co_spawn(daemon.services().loop, hosts_->find(settings_, destination),
                            [&](const std::exception_ptr&, Candidates result) { found.set_value(std::move(result)); });
    });
    const Candidates candidates = found.get_future().get();
    if (!candidates) return std::string(base::to_string(candidates.error().kind)) + ": " + candidates.error().words;
    std::string text;
    for (const dns::Candidate& candidate : *candidates) {
      const base::Endpoint endpoint{candidate.address, candidate.port};
      text += (text.empty() ? "" : "\n") + candidate.host + " " + base::to_string(endpoint);
    }
    return text;
  }

 private:
  world::Folder folder_;
  world::Relay relay_;
  std::shared_ptr<const relay::Settings> settings_;
  std::unique_ptr<Hosts> hosts_;
};

}  // namespace

TEST_CASE("without a route MX records decide") {
  Finder finder;
  CHECK(finder.find("three.example") ==
        "first.three.example 192.0.2.1:2500\n"
        "second.three.example 192.0.2.2:2500\n"
        "last.three.example 192.0.2.3:2500");
  CHECK(finder.find("implicit.example") == "implicit.example 192.0.2.4:2500");
  CHECK(finder.find("[192.0.2.77]") == "[192.0.2.77] 192.0.2.77:2500");
  CHECK(finder.find("[ipv6:2001:db8::77]") == "[ipv6:2001:db8::77] [2001:db8::77]:2500");
  CHECK(finder.find("three.example").starts_with("first.three.example 192.0.2.1:2500\n"));  // from the cache
}

TEST_CASE("where the relay is an MX itself only better ones are hosts") {
  Finder finder;
  CHECK(finder.find("backed.example") == "first.three.example 192.0.2.1:2500");
  CHECK(finder.find("ours.example") == "refused: the MX of ours.example is this relay itself");
  Finder routed({route("ours.example", {"mx"})});
  CHECK(routed.find("ours.example") == "temporary: the MX of ours.example is this relay itself");
}

TEST_CASE("a host with our name is another one where its address is another") {
  Finder finder;
  CHECK(finder.find("namesake.example") == "mail.namesake.example 192.0.2.8:2500");
}

TEST_CASE("what DNS denies is refused, what it does not say is temporary") {
  Finder finder;
  CHECK(finder.find("null.example").starts_with("refused: "));
  CHECK(finder.find("nowhere.example").starts_with("refused: "));
  CHECK(finder.find("dangling.example").starts_with("refused: no address found for gone.dangling.example"));
  CHECK(finder.find("text.example").starts_with("refused: "));
  CHECK(finder.find("broken.example").starts_with("temporary: "));
  CHECK(finder.find("half.example").starts_with("temporary: "));
}

TEST_CASE("ip_versions choose and order the addresses") {
  Finder finder;
  finder.use(conf::IpVersions::ipv6_first);
  CHECK(finder.find("three.example")
            .starts_with("first.three.example [2001:db8::1]:2500\nfirst.three.example 192.0.2.1:2500\nsecond"));
  finder.use(conf::IpVersions::ipv6_only);
  CHECK(finder.find("three.example") == "first.three.example [2001:db8::1]:2500");
  CHECK(finder.find("implicit.example").starts_with("temporary: "));  // it has an address, only none that we may use
  finder.use(conf::IpVersions::ipv4_only);
  CHECK(finder.find("three.example").find("2001:db8") == std::string::npos);
}

TEST_CASE("beside IPv4 an IPv6 address is used where our own has a PTR record that leads back") {
  Finder finder;
  const std::string both = "first.three.example 192.0.2.1:2500\nfirst.three.example [2001:db8::1]:2500\n";
  finder.use(conf::IpVersions::ipv4_first, own_ipv6.to_string());
  CHECK(finder.find("three.example").starts_with(both));
  finder.use(conf::IpVersions::ipv6_first, stray_ipv6.to_string());
  CHECK(finder.find("three.example").find("2001:db8::1") == std::string::npos);
  CHECK(finder.logs("ipv6-unconfirmed ip=2001:db8:1::26 reason=\"no AAAA record of mail.ours.example leads back to it"));
  finder.use(conf::IpVersions::ipv4_first, "2001:db8:1::27");
  CHECK(finder.find("three.example").find("2001:db8::1") == std::string::npos);
  CHECK(finder.logs("ipv6-unconfirmed ip=2001:db8:1::27 reason=\"it has no PTR record"));
  finder.use(conf::IpVersions::ipv6_only, stray_ipv6.to_string());
  CHECK(finder.find("three.example") == "first.three.example [2001:db8::1]:2500");  // there is nothing else
}

TEST_CASE("dead hosts come last, and of many not all are tried") {
  Finder finder;
  finder.kill("192.0.2.1");
  CHECK(finder.find("three.example") ==
        "second.three.example 192.0.2.2:2500\n"
        "last.three.example 192.0.2.3:2500\n"
        "first.three.example 192.0.2.1:2500");
  CHECK(finder.find("three.example").starts_with("second.three.example"));  // from the cache
  const std::string crowd = finder.find("crowd.example");
  CHECK(static_cast<std::size_t>(std::ranges::count(crowd, '\n')) + 1 == Hosts::most_tried);
}

TEST_CASE("a route names hosts, addresses and the way of MX") {
  Finder finder({route("by-name.example", {"smart.example:587"}), route("by-default-port.example", {"smart.example"}),
                 route("by-address.example", {"[192.0.2.50]:2525", "[2001:db8::50]:26"}),
                 route("three.example", {"[192.0.2.60]:25", "mx"}), route("missing.example", {"gone.example:25"}),
                 route("second-chance.example", {"gone.example", "smart.example"}), route("null.example", {"mx"})});
  CHECK(finder.find("by-name.example") == "smart.example 192.0.2.9:587");
  CHECK(finder.find("by-default-port.example") == "smart.example 192.0.2.9:25");
  CHECK(finder.find("by-address.example") == "[192.0.2.50] 192.0.2.50:2525\n[2001:db8::50] [2001:db8::50]:26");
  CHECK(finder.find("three.example").starts_with("[192.0.2.60] 192.0.2.60:25\nfirst.three.example 192.0.2.1:2500\n"));
  CHECK(finder.find("missing.example").starts_with("temporary: "));  // a slip of the admin must not bounce mail
  CHECK(finder.find("second-chance.example") == "smart.example 192.0.2.9:25");
  CHECK(finder.find("null.example").starts_with("refused: "));
}

TEST_CASE("other settings have other answers at once") {
  Finder finder;
  finder.use(conf::IpVersions::ipv6_first);
  CHECK(finder.find("three.example").find("2001:db8::1") != std::string::npos);
  finder.use(conf::IpVersions::ipv4_only);
  CHECK(finder.find("three.example").find("2001:db8::1") == std::string::npos);
}

// Strangers send to relay_domains: their hosts are asked for every recipient, once.
#include "relay/intake/recipients.h"

#include <latch>

#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using Script = Sink::Script;

std::string at_loopback(std::uint16_t port) { return "[127.0.0.1]:" + std::to_string(port); }

/// Everybody is a stranger; backup.example goes to these hosts.
conf::Config for_strangers(const Folder& folder, std::vector<std::string> hosts) {
  conf::Config config = config_in(folder, 1);
  config.accept.mynetworks = {base::Cidr::parse("192.0.2.9").value()};
  config.accept.relay_domains = {"backup.example"};
  conf::Route& route = config.route.emplace_back();
  route.domain = "backup.example";
  route.hosts = std::move(hosts);
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  pace.limits.tarpit = Milliseconds(0);
  return pace;
}

/// A relay before one sink, and strangers.
class House {
 public:
  explicit House(Pace pace = quick(), const std::function<void(conf::Config&)>& change = {}) {
    config_ = for_strangers(folder_, {at_loopback(sink_.port())});
    if (change) change(config_);
    relay_.emplace(config_, World(), pace);
  }

  Sink& sink() { return sink_; }
  Relay& relay() { return *relay_; }
  conf::Config& config() { return config_; }

  /// After EHLO and MAIL.
  Client stranger() const {
    Client client = relay_->client();
    client.ehlo();
    client.say("MAIL FROM:<a@stranger.example>");
    return client;
  }
  /// A stranger's RCPT.
  std::string rcpt(const std::string& recipient) const { return stranger().say("RCPT TO:<" + recipient + ">"); }

 private:
  Folder folder_;
  Sink sink_;
  conf::Config config_;
  std::optional<Relay> relay_;
};

/// The answer where the host is asked for somebody, and nothing else is changed.
Script to_rcpt(std::string answer) {
  return [answer = std::move(answer)](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") return answer;
    return std::nullopt;
  };
}

Script to(std::string verb, std::string answer) {
  return [verb = std::move(verb), answer = std::move(answer)](const Said& said) -> std::optional<std::string> {
    if (said.verb == verb) return answer;
    return std::nullopt;
  };
}

const std::string known = "250 2.1.5 <bob@backup.example> recipient ok";
const std::string unsure = "450 4.1.1 <bob@backup.example> cannot be verified with the host of its domain now, come again later";

}  // namespace

TEST_CASE("mail of a stranger for a domain of relay_domains goes to its route as it is") {
  House house;
  Client client = house.relay().client();
  client.ehlo();
  const std::string mail = "From: a@stranger.example\r\nSubject: neither date nor id\r\n\r\nHello.\r\n";
  REQUIRE(client.send("a@stranger.example", {"Bob@BACKUP.example"}, mail).starts_with("250"));
  REQUIRE(house.sink().receives(1));
  const Arrival arrival = house.sink().arrivals().front();
  CHECK(arrival.mail.starts_with("MAIL FROM:<a@stranger.example>"));
  CHECK(arrival.rcpts == std::vector<std::string>{"RCPT TO:<Bob@backup.example>"});
  CHECK(arrival.content.ends_with("\r\n" + mail));  // nothing is mended, what we add stands before it
  CHECK(arrival.content.find("DKIM-Signature") == std::string::npos);
  CHECK(house.sink().count_of("MAIL FROM:<>") == 1);
  CHECK(house.sink().count_of("DATA") == 1);
  CHECK(house.relay().logs("info verified to=<Bob@backup.example> mx=[127.0.0.1] reply=\"250 2.0.0 ok\" result=known"));
}

TEST_CASE("who is refused by the host of his domain is refused in its words, and nobody gets a notice") {
  House house;
  house.sink().script(to_rcpt("550 5.1.1 no such user h\xc3\xa9re"));
  CHECK(house.rcpt("bob@backup.example") ==
        "550 5.1.1 <bob@backup.example> is refused by the host of its domain: 550 5.1.1 no such user h??re");
  house.sink().script(to_rcpt("554 " + std::string(600, 'x')));
  CHECK(house.rcpt("carol@backup.example").size() < 300);
  CHECK(house.sink().count_of("DATA") == 0);
  CHECK(house.relay().logs("result=unknown"));
  CHECK(house.relay().rows().empty());
}

TEST_CASE("a stranger gets to no other domain, and not below one of relay_domains") {
  House house;
  for (const char* recipient : {"bob@example.net", "bob@sub.backup.example", "bob%example.net@backup.example"}) {
    CHECK(house.rcpt(recipient).starts_with("550 5.7.1"));
  }
  CHECK(house.sink().connections() == 0);
  CHECK(house.rcpt("postmaster").starts_with("250"));
}

TEST_CASE("a trusted client's recipients are not verified") {
  House house(quick(), [](conf::Config& config) { config.accept.mynetworks = conf::defaults().accept.mynetworks; });
  CHECK(house.rcpt("bob@backup.example") == known);
  CHECK(house.sink().connections() == 0);
}

TEST_CASE("a recipient is asked about once") {
  House house;
  Client client = house.stranger();
  CHECK(client.say("RCPT TO:<bob@backup.example>") == known);
  CHECK(client.say("RCPT TO:<bob@backup.example>") == known);
  CHECK(house.rcpt("bob@backup.example") == known);
  house.sink().script(to_rcpt("550 5.1.1 no"));
  CHECK(house.rcpt("carol@backup.example").starts_with("550 5.1.1"));
  CHECK(house.rcpt("carol@backup.example").starts_with("550 5.1.1"));
  CHECK(house.sink().connections() == 2);
}

TEST_CASE("those who ask at the same moment wait for one call") {
  House house;
  std::latch released(1);
  house.sink().script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") released.wait();
    return std::nullopt;
  });
  Client first = house.stranger();
  Client second = house.stranger();
  first.wire().write("RCPT TO:<bob@backup.example>\r\n");
  second.wire().write("RCPT TO:<bob@backup.example>\r\n");
  CHECK(first.wire().is_silent_for(Milliseconds(100)));
  CHECK(second.wire().is_silent_for(Milliseconds(100)));
  released.count_down();
  CHECK(first.wire().read_reply() == known);
  CHECK(second.wire().read_reply() == known);
  CHECK(house.sink().connections() == 1);
}

TEST_CASE("replies do not wait for a call that comes after them") {
  House house;
  std::latch released(1);
  house.sink().script([&](const Said& said) -> std::optional<std::string> {
    if (said.line == "RCPT TO:<carol@backup.example>") released.wait();
    return std::nullopt;
  });
  Client client = house.stranger();
  client.wire().write("RCPT TO:<bob@backup.example>\r\nRCPT TO:<carol@backup.example>\r\n");
  CHECK(client.wire().read_reply() == known);
  released.count_down();
  CHECK(client.wire().read_reply().starts_with("250"));
}

TEST_CASE("with its host down a stranger comes again, and the host is not tried for each of his recipients") {
  House house;
  house.sink().end();
  Client client = house.stranger();
  CHECK(client.say("RCPT TO:<bob@backup.example>") == unsure);
  CHECK(client.say("RCPT TO:<carol@backup.example>").starts_with("450 4.1.1"));
  CHECK(house.relay().logs("reply=\"cannot connect: Connection refused\" result=unsure"));
  CHECK(house.relay().count_in_log("info verified ") == 1);
}

TEST_CASE("who was known is taken mail for while his host is down") {
  Pace pace = quick();
  pace.limits.known_for = Milliseconds(0);
  pace.limits.unsure_for = Milliseconds(0);
  House house(pace);
  CHECK(house.rcpt("bob@backup.example") == known);
  CHECK(house.rcpt("bob@backup.example") == known);
  CHECK(house.sink().connections() == 2);
  house.sink().end();
  CHECK(house.rcpt("bob@backup.example") == known);
  CHECK(house.relay().logs("result=unsure"));
  CHECK(house.rcpt("carol@backup.example").starts_with("450 4.1.1"));
}

TEST_CASE("a host that puts us off is asked again a moment later") {
  Pace pace = quick();
  pace.limits.unsure_for = Milliseconds(200);
  House house(pace);
  house.sink().script(to_rcpt("451 4.7.1 greylisted, come again"));
  CHECK(house.rcpt("bob@backup.example") == unsure);
  house.sink().script({});
  CHECK(house.rcpt("carol@backup.example").starts_with("250"));  // said of bob alone
  CHECK(eventually([&] { return house.rcpt("bob@backup.example") == known; }));
}

TEST_CASE("what a host says before RCPT tells nothing of the recipient") {
  for (const auto& [verb, answer] :
       std::vector<std::pair<std::string, std::string>>{{"greeting", "554 5.7.1 your address is blocked"},
                                                        {"greeting", "421 4.3.2 busy"},
                                                        {"MAIL", "550 5.7.1 no bounces here"},
                                                        {"MAIL", "451 4.3.0 later"},
                                                        {"RCPT", "421 4.3.2 shutting down"},
                                                        {"RCPT", hang_up},
                                                        {"RCPT", "354 what?"},
                                                        {"greeting", "what?"}}) {
    INFO(verb << ": " << answer);
    House house;
    house.sink().script(to(verb, answer));
    CHECK(house.rcpt("bob@backup.example") == unsure);
  }
}

TEST_CASE("a host that says nothing is not waited for for ever, and the session's own deadline waits with it") {
  Pace pace = quick();
  pace.limits.call = Milliseconds(700);
  House house(pace, [](conf::Config& config) { config.accept.commands_timeout = Milliseconds(300); });
  house.sink().script(to_rcpt(stall));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(house.rcpt("bob@backup.example") == unsure);
  CHECK(std::chrono::steady_clock::now() - begin >= Milliseconds(600));
  CHECK(house.relay().logs("reply=\"timed out\" result=unsure"));
  house.sink().script({});
  CHECK(house.rcpt("carol@backup.example").starts_with("250"));
}

TEST_CASE("the relay stops while a host is asked") {
  House house;
  house.sink().script(to_rcpt(stall));
  Client client = house.stranger();
  client.wire().write("RCPT TO:<bob@backup.example>\r\n");
  REQUIRE(eventually([&] { return house.sink().count_of("RCPT") == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  house.relay().begin_stop();
  CHECK(client.wire().read_reply().starts_with("421 4.3.2"));
  house.relay().stop();
  CHECK(std::chrono::steady_clock::now() - begin < Milliseconds(10'000));
}

TEST_CASE("a client that goes away does not take the call of others with it") {
  House house;
  std::latch released(1);
  house.sink().script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") released.wait();
    return std::nullopt;
  });
  Client first = house.stranger();
  first.wire().write("RCPT TO:<bob@backup.example>\r\n");
  REQUIRE(eventually([&] { return house.sink().count_of("RCPT") == 1; }));
  Client second = house.stranger();
  second.wire().write("RCPT TO:<bob@backup.example>\r\n");
  first.wire().close();
  CHECK(second.wire().is_silent_for(Milliseconds(100)));
  released.count_down();
  CHECK(second.wire().read_reply() == known);
}

TEST_CASE("the hosts of a route are asked in their order, the next when one is down") {
  Sink second("127.0.0.2");
  House house(quick(), [&](conf::Config& config) {
    config.route[0].hosts = {at_loopback(free_port()), "[127.0.0.2]:" + std::to_string(second.port())};
  });
  second.script(to_rcpt("550 5.1.1 nobody"));
  CHECK(house.rcpt("bob@backup.example").starts_with("550 5.1.1"));
  CHECK(house.relay().logs("verified to=<bob@backup.example> mx=[127.0.0.2]"));
}

TEST_CASE("a call uses TLS as the route says") {
  std::atomic<bool> was_tls = false;
  const auto look = [&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT") was_tls = said.tls;
    return std::nullopt;
  };
  SECTION("where it is offered") {
    House house;
    house.sink().offer_tls(Sink::Tls::works);
    house.sink().script(look);
    CHECK(house.rcpt("bob@backup.example") == known);
    CHECK(was_tls);
  }
  SECTION("without it where it fails") {
    House house;
    house.sink().offer_tls(Sink::Tls::breaks);
    house.sink().script(look);
    CHECK(house.rcpt("bob@backup.example") == known);
    CHECK_FALSE(was_tls);
  }
  SECTION("or not at all") {
    House house(quick(), [](conf::Config& config) { config.route[0].tls = conf::DeliveryTls::required; });
    CHECK(house.rcpt("bob@backup.example") == unsure);
    CHECK(house.sink().count_of("RCPT") == 0);
  }
}

TEST_CASE("there are so many calls to a domain and no more, and who was known does not need one") {
  Pace pace = quick();
  pace.limits.known_for = Milliseconds(0);
  House house(pace);
  CHECK(house.rcpt("bob@backup.example") == known);
  house.sink().script(to_rcpt(stall));
  constexpr std::size_t most = relay::intake::Recipients::most_calls_of_domain;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < most; ++i) {
    clients.push_back(house.stranger());
    clients.back().wire().write("RCPT TO:<x" + std::to_string(i) + "@backup.example>\r\n");
  }
  REQUIRE(eventually([&] { return house.sink().count_of("RCPT") == 1 + most; }));
  CHECK(house.rcpt("carol@backup.example").starts_with("450 4.1.1"));
  CHECK(house.rcpt("bob@backup.example") == known);
  CHECK(house.sink().connections() == 1 + most);
}

TEST_CASE("after a reload the new route is asked") {
  House house;
  CHECK(house.rcpt("bob@backup.example") == known);
  Sink other;
  other.script(to_rcpt("550 5.1.1 nobody"));
  conf::Config changed = house.config();
  changed.route[0].hosts = {at_loopback(other.port())};
  house.relay().on_loop([&](relay::Daemon& daemon) { daemon.services().settings.set(relay::make_settings(changed).value()); });
  CHECK(house.rcpt("bob@backup.example").starts_with("550 5.1.1"));
  house.relay().on_loop([&](relay::Daemon& daemon) {
    changed.accept.relay_domains.clear();
    daemon.services().settings.set(relay::make_settings(changed).value());
  });
  CHECK(house.rcpt("bob@backup.example").starts_with("550 5.7.1"));
}

TEST_CASE("a route that leads back to the relay itself is no way") {
  const std::uint16_t port = free_port();
  House house(quick(), [&](conf::Config& config) {
    config.listen[0].address.port = port;
    config.route[0].hosts = {at_loopback(port)};
  });
  CHECK(house.rcpt("bob@backup.example") == unsure);
  CHECK(house.relay().logs("reply=\"this host is the relay itself: mail would go in a circle\" result=unsure"));
}

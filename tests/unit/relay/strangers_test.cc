// What a stranger meets that a trusted client does not, and what floods leave.
#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

/// Everybody but 127.0.0.9 is a stranger.
conf::Config among_strangers(const Folder& folder, std::uint16_t port = 1) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks = {base::Cidr::parse("127.0.0.9").value()};
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  return pace;
}

std::string first_words(const std::string& reply) { return reply.substr(0, 9); }

}  // namespace

TEST_CASE("who speaks before the greeting gets 554 and no session") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.early_talk = patience;
  Relay relay(among_strangers(folder), {}, pace);
  Wire hasty = Wire::connect("127.0.0.1", relay.port());
  hasty.write("EHLO spam.example\r\nMAIL FROM:<a@spam.example>\r\n");
  CHECK(first_words(hasty.read_reply()) == "554 5.5.1");
  CHECK(relay.logs("info closed client=127.0.0.1 reply=\"554 5.5.1 relay.example.com you spoke before the greeting\""));
  Wire gone = Wire::connect("127.0.0.1", relay.port());
  gone.close();
  CHECK(eventually([&] { return relay.get("/status").at("connections_in").to_number<int>() == 0; }));
  CHECK(relay.count_in_log(" closed ") == 1);
}

TEST_CASE("the greeting comes late to strangers only") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.early_talk = Milliseconds(300);
  Relay relay(among_strangers(folder), {}, pace);
  Wire stranger = Wire::connect("127.0.0.1", relay.port());
  CHECK(stranger.is_silent_for(Milliseconds(150)));
  CHECK(stranger.read_reply().starts_with("220 "));
  const Folder other;
  pace.limits.early_talk = patience;
  Relay at_home(config_in(other, 1), {}, pace);
  Wire trusted = Wire::connect("127.0.0.1", at_home.port());
  trusted.write("EHLO client.example\r\n");
  CHECK(trusted.read_reply().starts_with("220 "));
  CHECK(trusted.read_reply().starts_with("250"));
}

TEST_CASE("a stranger's errors after the third are answered late, and too many end the session") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.tarpit = Milliseconds(150);
  pace.limits.most_tarpit = Milliseconds(300);
  Relay relay(among_strangers(folder), {}, pace);
  Client client = relay.client();
  for (int i = 0; i < 3; ++i) CHECK(client.say("XYZZY").starts_with("500"));
  client.wire().write("XYZZY\r\n");
  CHECK(client.wire().is_silent_for(Milliseconds(75)));
  CHECK(client.wire().read_reply().starts_with("500"));
  CHECK(client.say("NOOP").starts_with("250"));
  std::string many;
  for (int i = 0; i < 16; ++i) many += "XYZZY\r\n";
  client.wire().write(many);
  CHECK(client.wire().is_silent_for(Milliseconds(150)));  // together, not 16 times
  CHECK(client.wire().comes("421 4.7.0", patience));
  CHECK(client.wire().reaches_end());
  CHECK(relay.logs("info closed client=127.0.0.1 reply=\"421 4.7.0 too many errors\""));
}

TEST_CASE("a session lasts so long and no longer, however busy it is") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.stranger_session = Milliseconds(300);
  Relay relay(among_strangers(folder), {}, pace);
  Client client = relay.client();
  std::string reply;
  CHECK(eventually([&] { return !(reply = client.say("NOOP")).starts_with("250"); }));
  CHECK(first_words(reply) == "421 4.4.2");
  CHECK(relay.logs("lasted long enough"));
}

TEST_CASE("a stranger's message may not drip for ever, and the end of the session waits for it") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.stranger_session = Milliseconds(200);
  pace.limits.stranger_content = Milliseconds(700);
  Relay relay(among_strangers(folder), {}, pace);
  Client client = relay.client();
  client.wire().write("EHLO drip.example\r\nMAIL FROM:<a@drip.example>\r\nRCPT TO:<postmaster@relay.example.com>\r\nDATA\r\n");
  for (int i = 0; i < 3; ++i) client.wire().read_reply();
  REQUIRE(client.wire().read_reply().starts_with("354"));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(client.wire().is_silent_for(Milliseconds(400)));
  client.wire().write("S");
  CHECK(first_words(client.wire().read_reply()) == "421 4.4.2");
  CHECK(std::chrono::steady_clock::now() - begin >= Milliseconds(600));
  CHECK(relay.logs("the message takes too long"));
  CHECK(eventually([&] { return relay.get("/status").at("connections_in").to_number<int>() == 0; }));
  CHECK(relay.rows().empty());
}

TEST_CASE("a flood is told of in two lines") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.connections_per_minute = 2;
  pace.limits.minute = Milliseconds(1000);
  conf::Config config = among_strangers(folder);
  Relay relay(config, {}, pace);
  constexpr int flood = 30;
  int turned_away = 0;
  for (int i = 0; i < flood; ++i) {
    const std::string greeting = relay.client().greeting();
    if (greeting.starts_with("421 4.7.0 relay.example.com too many new connections")) ++turned_away;
  }
  CHECK(turned_away > 0);
  CHECK(relay.logs("warning refused connections="));
  CHECK(relay.count_in_log("warning refused ") < static_cast<std::size_t>(turned_away));
  CHECK(eventually([&] { return relay.client().greeting().starts_with("220"); }));
}

TEST_CASE("while strangers fill the house a trusted client comes in, and postmaster is reachable") {
  const Folder folder;
  Sink sink;
  conf::Config config = among_strangers(folder, sink.port());
  config.accept.connections = 4;
  config.listen[0].address = base::parse_endpoint("0.0.0.0:25").value();
  config.listen[0].address.port = 0;
  Relay relay(config, zones({{"example.com", {"127.0.0.1"}}}), quick());
  Client first = relay.client();
  Client second = relay.client();
  CHECK(relay.client().greeting().starts_with("421 4.7.0 relay.example.com too many connections"));
  Wire trusted = Wire::connect("127.0.0.1", relay.port(), "127.0.0.9");
  CHECK(trusted.read_reply().starts_with("220 "));
  first.ehlo();
  const std::string mail = message("a@client.example", "help");
  CHECK(first.send("a@client.example", {"postmaster"}, mail).starts_with("250"));
}

TEST_CASE("a stranger's mail that is refused later sends no notice to anybody: its reverse-path may be forged") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "dot") return "550 5.7.1 spam";
    return std::nullopt;
  });
  conf::Config config = among_strangers(folder, sink.port());
  config.accept.relay_domains = {"backup.example"};
  config.route.emplace_back();
  config.route.back().domain = "backup.example";
  config.route.back().hosts = {"[127.0.0.1]:" + std::to_string(sink.port())};
  Relay relay(config, zones({{"victim.example", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}}), quick());
  Client client = relay.client();
  client.ehlo();
  const std::string id = id_in(client.send("bob@victim.example", {"carol@backup.example"}, message("bob@victim.example", "buy")));
  CHECK(relay.logs("bounced id=" + id));
  CHECK(relay.logs("notice-dropped of=" + id + " reason=\"it came from outside, its reverse-path may be forged\""));
  CHECK(relay.empties());
  CHECK(sink.arrivals().empty());
  CHECK(sink.count_of("RCPT TO:<bob@victim.example>") == 0);
  CHECK(sink.count_of("RCPT TO:<admin@example.com>") == 0);
}

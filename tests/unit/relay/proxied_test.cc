// Clients behind a balancer: the address that its PROXY header names is the one that counts.
#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

/// 127.0.0.1 is a balancer, 192.0.2.7 the mail server at home; the test's own address is a stranger.
conf::Config behind_balancer(const Folder& folder, std::uint16_t port) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks = {base::Cidr::parse("192.0.2.7").value()};
  config.listen[0].proxy = {base::Cidr::parse("127.0.0.1").value()};
  config.listen[0].address = base::parse_endpoint("0.0.0.0:25").value();
  config.listen[0].address.port = 0;
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  return pace;
}

constexpr std::string_view home = "PROXY TCP4 192.0.2.7 198.51.100.1 5555 25\r\n";

}  // namespace

TEST_CASE("behind a balancer trust, log and Received follow the client that it names") {
  const Folder folder;
  Sink sink;
  Relay relay(behind_balancer(folder, sink.port()), zones({{"example.net", {"127.0.0.1"}}}), quick());
  Wire wire = Wire::connect("127.0.0.1", relay.port());
  wire.write(home);
  CHECK(wire.read_reply().starts_with("220 "));
  wire.write("EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n");
  for (int i = 0; i < 3; ++i) wire.read_reply();
  REQUIRE(wire.read_reply().starts_with("354"));
  wire.write(message("a@client.example", "proxied") + ".\r\n");
  CHECK(wire.read_reply().starts_with("250"));
  CHECK(relay.logs("client=client.example[192.0.2.7]"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("[192.0.2.7]") != std::string::npos);
  Wire stranger = Wire::connect("127.0.0.1", relay.port());
  stranger.write("PROXY TCP4 203.0.113.9 198.51.100.1 5555 25\r\n");
  stranger.read_reply();
  stranger.write("EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<bob@example.net>\r\n");
  stranger.read_reply();
  stranger.read_reply();
  CHECK(stranger.read_reply().starts_with("550 5.7.1"));
}

TEST_CASE("a balancer that sends no PROXY header is not served") {
  const Folder folder;
  Relay relay(behind_balancer(folder, 1), {}, quick());
  Wire wire = Wire::connect("127.0.0.1", relay.port());
  wire.write("EHLO client.example\r\n");
  CHECK(wire.read_to_end().empty());
  CHECK(relay.logs("warning refused client=127.0.0.1 reply="));
}

TEST_CASE("only a balancer's header is believed") {
  const Folder folder;
  Pace pace = quick();
  Relay relay(behind_balancer(folder, 1), {}, pace);
  Wire wire = Wire::connect("127.0.0.1", relay.port(), "127.0.0.2");
  CHECK(wire.read_reply().starts_with("220 "));
  wire.write(home);
  CHECK(wire.read_reply().starts_with("500"));
}

TEST_CASE("behind a balancer the handshake of TLS follows the header at once") {
  const Folder folder;
  conf::Config config = behind_balancer(folder, 1);
  config.listen[0].tls = conf::ListenTls::implicit;
  Relay relay(config, {}, quick());
  Wire wire = Wire::connect("127.0.0.1", relay.port());
  wire.write(home);
  wire.start_tls_as_client();
  CHECK(wire.read_reply().starts_with("220 "));
}

TEST_CASE("an intermediary may say for whom it speaks, and the session begins anew as that client's") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.mynetworks = {base::Cidr::parse("127.0.0.0/8").value()};
  config.accept.xclient = {base::Cidr::parse("127.0.0.1").value()};
  Relay relay(config, {}, quick());
  const auto rcpt = [](Client& client) {
    client.ehlo();
    client.say("MAIL FROM:<a@client.example>");
    const std::string reply = client.say("RCPT TO:<bob@example.net>");
    client.say("RSET");
    return reply.substr(0, 9);
  };
  Client client = relay.client();
  CHECK(client.ehlo().find("XCLIENT") != std::string::npos);
  CHECK(rcpt(client) == "250 2.1.5");
  CHECK(client.say("XCLIENT ADDR=203.0.113.9 NAME=[UNAVAILABLE]").starts_with("220 "));
  CHECK(client.say("MAIL FROM:<a@client.example>").starts_with("503"));
  CHECK(rcpt(client) == "550 5.7.1");
  CHECK(relay.logs("client=client.example[203.0.113.9]"));
  CHECK(relay.logs("info xclient client=127.0.0.1 for=203.0.113.9"));
  CHECK(client.say("XCLIENT ADDR=[UNAVAILABLE]").starts_with("220 "));
  CHECK(rcpt(client) == "550 5.7.1");
  CHECK(client.say("XCLIENT ADDR=127.0.0.5").starts_with("220 "));
  CHECK(rcpt(client) == "250 2.1.5");
}

TEST_CASE("nobody else may use XCLIENT") {
  const Folder folder;
  Relay relay(config_in(folder, 1), {}, quick());
  Client client = relay.client();
  CHECK(client.ehlo().find("XCLIENT") == std::string::npos);
  CHECK(client.say("XCLIENT ADDR=10.0.0.1").starts_with("550"));
}

// Hosts that are trusted by their names: a change of address costs no mail, and failing DNS little.
#include <boost/json.hpp>
#include <csignal>

#include "base/file.h"
#include "dkim/crypto.h"
#include "tests/catch.h"
#include "tests/unit/relay/dns_script.h"
#include "tests/unit/relay/manual.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using namespace std::chrono_literals;

constexpr int one_look_up = 2;  // A and AAAA

/// Nobody is trusted but the host home.example.
conf::Config at_home(const Folder& folder, std::uint16_t port = 1) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks.clear();
  config.accept.host_names = {"home.example"};
  config.dns.timeout = patience;
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  pace.limits.tarpit = Milliseconds(0);
  pace.limits.between_look_ups = Milliseconds(0);
  return pace;
}

/// The first words of the reply to the RCPT of a transaction.
std::string rcpt(Client& client, const std::string& to = "bob@example.net") {
  client.ehlo();
  client.say("MAIL FROM:<a@client.example>");
  return client.say("RCPT TO:<" + to + ">").substr(0, 9);
}

std::string rcpt_from(const std::string& address, const Relay& relay) {
  Client client = Client::from(address, relay.port());
  return rcpt(client);
}

bool is_known(const Relay& relay, const std::string& addresses) {
  return relay.logs("info host-name name=home.example before=none addresses=" + addresses);
}

}  // namespace

TEST_CASE("a host is trusted by its name, and its mail signed") {
  const Folder folder;
  Sink sink;
  conf::Config config = at_home(folder, sink.port());
  sign_with(config, dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*", "%", "ed");
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(zones({{"example.net", {"127.0.0.1"}}})), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  Client client = Client::from("127.0.0.5", relay.port());
  client.ehlo();
  CHECK(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "home")).starts_with("250"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("DKIM-Signature:") != std::string::npos);
  CHECK(script.asked() == one_look_up);
}

TEST_CASE("the first mail from a new address is taken and signed after one look-up, and the old address is a stranger's") {
  const Folder folder;
  Sink sink;
  conf::Config config = at_home(folder, sink.port());
  sign_with(config, dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*", "%", "ed");
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(zones({{"example.net", {"127.0.0.1"}}})), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.set("home.example", found({"127.0.0.6"}));
  Client client = Client::from("127.0.0.6", relay.port());
  client.ehlo();
  const std::vector<std::string> both = {"bob@example.net", "carol@example.net"};
  CHECK(client.send("a@client.example", both, message("a@client.example", "moved")).starts_with("250"));
  CHECK(script.asked() == 2 * one_look_up);
  CHECK(relay.logs("info host-name name=home.example before=127.0.0.5 addresses=127.0.0.6"));
  CHECK(relay.logs(" signed id="));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("DKIM-Signature:") != std::string::npos);
  CHECK(rcpt_from("127.0.0.5", relay) == "450 4.7.1");
}

TEST_CASE("whoever is unknown comes again while a host name is trusted, and is refused for good where none is") {
  const Folder folder;
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), at_home(folder), {}, quick());
  Client stranger = relay.client();
  CHECK(rcpt(stranger) == "450 4.7.1");
  CHECK(stranger.say("RCPT TO:<postmaster>").starts_with("250"));
  CHECK(stranger.say("RCPT TO:<nobody@relay.example.com>").starts_with("550 5.7.1"));
  CHECK(relay.logs("relaying denied for now: no host name in accept.mynetworks has your address; if it is new, try again later"));
  const Folder other;
  conf::Config nameless = at_home(other);
  nameless.accept.host_names.clear();
  Relay without(nameless, {}, quick());
  CHECK(rcpt_from("127.0.0.1", without) == "550 5.7.1");
}

TEST_CASE("who turns out to be trusted in RCPT is bound by sender_domains like all others") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.sender_domains = {"home.example"};
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.set("home.example", found({"127.0.0.6"}));
  Client client = Client::from("127.0.0.6", relay.port());
  CHECK(rcpt(client) == "550 5.7.1");
  const std::string words = "MAIL FROM: the domain client.example is not in accept.sender_domains";
  CHECK(client.say("RCPT TO:<carol@example.net>").find(words) != std::string::npos);
  CHECK(client.say("RCPT TO:<postmaster>").find(words) != std::string::npos);
  client.say("RSET");
  CHECK(client.say("MAIL FROM:<a@client.example>").starts_with("550 5.7.1"));
  CHECK(client.say("MAIL FROM:<a@home.example>").starts_with("250"));
  CHECK(client.say("RCPT TO:<bob@example.net>").starts_with("250"));
}

TEST_CASE("while DNS fails a host stays trusted for ddns_keep, then comes again, and the log tells it once") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.ddns_refresh = Milliseconds(50);
  config.accept.ddns_keep = Milliseconds(4000);
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.set("home.example", broken());
  REQUIRE(relay.logs("warning host-name name=home.example addresses=127.0.0.5 reason=\"DNS: SERVFAIL (A)\""));
  CHECK(rcpt_from("127.0.0.5", relay) == "250 2.1.5");
  CHECK(relay.logs("warning host-name name=home.example before=127.0.0.5 addresses=none reason=\"DNS: SERVFAIL (A)\""));
  CHECK(rcpt_from("127.0.0.5", relay) == "450 4.7.1");
  CHECK(relay.count_in_log("warning host-name") == 2);
  script.set("home.example", found({"127.0.0.5"}));
  CHECK(eventually([&] { return rcpt_from("127.0.0.5", relay) == "250 2.1.5"; }));
  CHECK(relay.count_in_log("info host-name name=home.example before=none addresses=127.0.0.5") == 2);
}

TEST_CASE("names are looked up again after ddns_refresh, or earlier by their TTL") {
  const auto [refresh, ttl, again] =
      GENERATE(table<Milliseconds, base::Duration, bool>({{50ms, 1h, true}, {1h, 50ms, true}, {1h, 1h, false}}));
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.ddns_refresh = refresh;
  Script script;
  script.set("home.example", found({"127.0.0.5"}, ttl));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  CHECK(eventually([&] { return script.asked() > one_look_up; }, again ? patience : Milliseconds(300)) == again);
}

TEST_CASE("one look-up answers all who wait for it, and others are served meanwhile") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.mynetworks = {base::Cidr::parse("127.0.0.9").value()};
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.hold();
  std::vector<Client> waiting;
  for (int i = 0; i < 5; ++i) {
    Client& client = waiting.emplace_back(Client::from("127.0.0.6", relay.port()));
    client.ehlo();
    client.say("MAIL FROM:<a@client.example>");
    client.wire().write("RCPT TO:<bob@example.net>\r\n");
  }
  CHECK(waiting.back().wire().is_silent_for(Milliseconds(100)));
  CHECK(rcpt_from("127.0.0.9", relay) == "250 2.1.5");
  CHECK(rcpt_from("127.0.0.5", relay) == "250 2.1.5");
  script.set("home.example", found({"127.0.0.6"}));
  script.release();
  for (Client& client : waiting) CHECK(client.wire().read_reply().starts_with("250"));
  CHECK(script.asked() == 2 * one_look_up);
}

TEST_CASE("nobody waits longer than dns.timeout") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.dns.timeout = Milliseconds(200);
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.hold();
  CHECK(rcpt_from("127.0.0.6", relay) == "450 4.7.1");
  script.release();
}

TEST_CASE("however many strangers ask, DNS is asked once in a while") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.between_look_ups = 1h;
  Script script;
  script.set("home.example", found({"127.0.0.5"}, 1s));
  Relay relay(script.resolver(), at_home(folder), {}, pace);
  REQUIRE(is_known(relay, "127.0.0.5"));
  for (int i = 0; i < 10; ++i) CHECK(rcpt_from("127.0.0.6", relay) == "450 4.7.1");
  CHECK(script.asked() == one_look_up);
}

TEST_CASE("who is put off may bring a long list of recipients, waits like for errors, and is sent away in the end") {
  const Folder folder;
  Pace pace = quick();
  pace.limits.free_errors = 25;
  pace.limits.put_off = 30;
  pace.limits.tarpit = Milliseconds(200);
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), at_home(folder), {}, pace);
  Client client = relay.client();
  CHECK(rcpt(client) == "450 4.7.1");
  for (int i = 1; i < 25; ++i) CHECK(client.say("RCPT TO:<bob@example.net>").starts_with("450 4.7.1"));
  client.wire().write("RCPT TO:<bob@example.net>\r\n");
  CHECK(client.wire().is_silent_for(Milliseconds(100)));
  CHECK(client.wire().read_reply().starts_with("450 4.7.1"));
  for (int i = 26; i < 30; ++i) CHECK(client.say("RCPT TO:<bob@example.net>").starts_with("450 4.7.1"));
  CHECK(client.say("RCPT TO:<bob@example.net>").starts_with("421 4.7.0"));
  CHECK(client.wire().reaches_end());
}

TEST_CASE("the relay stops while a client waits for a look-up") {
  const Folder folder;
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), at_home(folder), {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.hold();
  Client client = Client::from("127.0.0.6", relay.port());
  client.ehlo();
  client.say("MAIL FROM:<a@client.example>");
  client.wire().write("RCPT TO:<bob@example.net>\r\n");
  REQUIRE(eventually([&] { return script.asked() == 2 * one_look_up; }));
  relay.begin_stop();
  CHECK(client.wire().read_reply().starts_with("421 4.3.2"));
  script.release();
  relay.stop();
}

TEST_CASE("a host that is known by its name has the slots of trusted clients") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.connections = 4;
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  Client first = relay.client();
  Client second = relay.client();
  CHECK(relay.client().greeting().starts_with("421 4.7.0"));
  CHECK(Client::from("127.0.0.5", relay.port()).greeting().starts_with("220 "));
}

TEST_CASE("balancers and intermediaries speak for a host that is known by its name") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.listen[0].proxy = {base::Cidr::parse("127.0.0.8").value()};
  config.accept.xclient = {base::Cidr::parse("127.0.0.1").value()};
  Script script;
  script.set("home.example", found({"192.0.2.7"}));
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(is_known(relay, "192.0.2.7"));
  Wire proxied = Wire::connect("127.0.0.1", relay.port(), "127.0.0.8");
  proxied.write("PROXY TCP4 192.0.2.7 198.51.100.1 5555 25\r\n");
  proxied.read_reply();
  proxied.write("EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<bob@example.net>\r\n");
  proxied.read_reply();
  proxied.read_reply();
  CHECK(proxied.read_reply().starts_with("250 2.1.5"));
  Client client = relay.client();
  client.ehlo();
  CHECK(client.say("XCLIENT ADDR=192.0.2.7").starts_with("220 "));
  CHECK(rcpt(client) == "250 2.1.5");
  script.set("home.example", found({"192.0.2.8", "0.0.0.0"}));
  client.say("RSET");
  CHECK(client.say("XCLIENT ADDR=192.0.2.8").starts_with("220 "));
  CHECK(rcpt(client) == "250 2.1.5");
  client.say("RSET");
  CHECK(client.say("XCLIENT ADDR=[UNAVAILABLE]").starts_with("220 "));
  CHECK(rcpt(client) == "450 4.7.1");
}

TEST_CASE("a reload brings other names, and the trust in those that are gone ends at once") {
  const Folder folder;
  const std::string path = folder / "mailferry.toml";
  const auto write = [&](const conf::Config& config) {
    REQUIRE(base::write_file_durably(path, conf::show_config(config), 0600));
  };
  conf::Config config = at_home(folder);
  config.listen[0].address.port = free_port();
  config.retry.delays = {std::chrono::hours(1)};
  write(config);
  Script script;
  script.set("home.example", found({"127.0.0.5"}));
  script.set("office.example", found({"127.0.0.7"}));
  Relay relay(script.resolver(), config, path, quick());
  REQUIRE(is_known(relay, "127.0.0.5"));
  script.hold();
  config.accept.host_names = {"office.example"};
  write(config);
  std::raise(SIGHUP);
  REQUIRE(relay.logs("info reloaded"));
  Client moved = Client::from("127.0.0.5", relay.port());
  moved.ehlo();
  moved.say("MAIL FROM:<a@client.example>");
  moved.wire().write("RCPT TO:<bob@example.net>\r\n");
  CHECK(moved.wire().is_silent_for(Milliseconds(100)));
  script.release();
  CHECK(moved.wire().read_reply().starts_with("450 4.7.1"));
  CHECK(rcpt_from("127.0.0.7", relay) == "250 2.1.5");
  config.accept.host_names.clear();
  config.accept.mynetworks = {base::Cidr::parse("127.0.0.9").value()};
  write(config);
  std::raise(SIGHUP);
  REQUIRE(eventually([&] { return relay.count_in_log("info reloaded") == 2; }));
  CHECK(rcpt_from("127.0.0.7", relay) == "550 5.7.1");
}

TEST_CASE("status tells of each name") {
  const Folder folder;
  conf::Config config = at_home(folder);
  config.accept.host_names = {"home.example", "office.example"};
  Script script;
  script.set("home.example", found({"127.0.0.5", "127.0.0.4"}));
  script.set("office.example", broken());
  Relay relay(script.resolver(), config, {}, quick());
  REQUIRE(relay.logs("warning host-name name=office.example addresses=none reason=\"DNS: SERVFAIL (A)\""));
  const json::array hosts = relay.get("/status").at("host_names").as_array();
  REQUIRE(hosts.size() == 2);
  const json::object& home = hosts[0].as_object();
  CHECK(home.at("name").as_string() == "home.example");
  CHECK(home.at("addresses") == json::array({"127.0.0.4", "127.0.0.5"}));
  CHECK(home.at("looked_up").is_string());
  CHECK(home.at("failure").is_null());
  CHECK(home.at("failed").is_null());
  const json::object& office = hosts[1].as_object();
  CHECK(office.at("addresses").as_array().empty());
  CHECK(office.at("failure").as_string() == "DNS: SERVFAIL (A)");
  CHECK(office.at("failed").is_string());
  CHECK(documented_members("host names") == printed_members(home));
}

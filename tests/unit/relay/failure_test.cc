// What the relay does when a receiver says no, says nothing, or is not there.
#include <atomic>

#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}}});
const World two_hosts = zones({{"example.net", {"127.0.0.1", "127.0.0.2"}}});
constexpr Milliseconds never = std::chrono::hours(1);

/// Sends one message to `to`; its id.
std::string submit(const Relay& relay, const std::string& to = "bob@example.net") {
  Client client = relay.client();
  client.ehlo();
  const std::string reply = client.send("a@client.example", {to}, message("a@client.example", "x"));
  REQUIRE(reply.starts_with("250 2.0.0 queued as "));
  return id_in(reply);
}

/// Answers so at this stage, the first `times` times.
Sink::Script at(const std::string& verb, const std::string& reply, int times = 1'000'000) {
  const auto left = std::make_shared<std::atomic<int>>(times);
  return [=](const Said& said) -> std::optional<std::string> {
    if (said.verb == verb && left->fetch_sub(1) > 0) return reply;
    return std::nullopt;
  };
}

std::string bounced(const std::string& id, const std::string& mx, const std::string& reply) {
  return "info bounced id=" + id + " to=<bob@example.net> mx=" + mx + " reply=\"" + reply + "\"";
}

}  // namespace

TEST_CASE("a 5xx after the greeting fails the message") {
  const char* verb = GENERATE("MAIL", "RCPT", "DATA", "dot");
  INFO(verb);
  const Folder folder;
  Sink sink;
  sink.script(at(verb, "550 5.7.1 not wanted"));
  Relay relay(config_in(folder, sink.port()), two_hosts);
  const std::string id = submit(relay);
  CHECK(relay.logs(bounced(id, "mx1.example.net", "550 5.7.1 not wanted")));
  CHECK(relay.empties());
  CHECK(sink.count_of("MAIL") == 1);
}

TEST_CASE("a 4xx after the greeting is tried again later, with the same host") {
  const char* verb = GENERATE("MAIL", "RCPT", "DATA", "dot");
  INFO(verb);
  const Folder folder;
  Sink sink;
  Sink second("127.0.0.2", sink.port());
  sink.script(at(verb, "451 4.3.0 not now", 2));
  Relay relay(config_in(folder, sink.port()), two_hosts);
  const std::string id = submit(relay);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
  CHECK(relay.count_in_log("info deferred id=" + id) == 2);
  CHECK(relay.count_in_log("reply=\"451 4.3.0 not now\"") == 2);
  CHECK(second.connections() == 0);
}

TEST_CASE("a refusal or 421 at any stage sends the message to the next host") {
  using Case = std::pair<const char*, const char*>;
  const Case failing =
      GENERATE(Case{"greeting", "421 4.3.2 busy"}, Case{"greeting", "554 5.3.2 no service"}, Case{"greeting", "450 4.3.2 busy"},
               Case{"greeting", hang_up}, Case{"greeting", "HTTP/1.1 400 Bad"}, Case{"EHLO", "421 4.3.2 busy"},
               Case{"EHLO", hang_up}, Case{"MAIL", "421 4.3.2 busy"}, Case{"MAIL", hang_up}, Case{"RCPT", "421 4.3.2 busy"},
               Case{"RCPT", hang_up}, Case{"DATA", "421 4.3.2 busy"}, Case{"DATA", hang_up}, Case{"dot", "421 4.3.2 busy"});
  INFO(failing.first << " " << failing.second);
  const Folder folder;
  Sink first;
  Sink second("127.0.0.2", first.port());
  first.script(at(failing.first, failing.second));
  conf::Config config = config_in(folder, first.port());
  config.retry.delays = {never};
  Relay relay(config, two_hosts);
  submit(relay);
  CHECK(second.receives(1));
  CHECK(relay.empties());
  CHECK(first.connections() == 1);
  CHECK(relay.count("deferred") == 0);
}

TEST_CASE("without a next host the message waits") {
  const char* verb = GENERATE("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot");
  INFO(verb);
  const Folder folder;
  Sink sink;
  sink.script(at(verb, "421 4.3.2 busy", 1));
  Relay relay(config_in(folder, sink.port()), example);
  const std::string id = submit(relay);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
  CHECK(relay.count_in_log("info deferred id=" + id) == 1);
  CHECK(relay.count_in_log("reply=\"421 4.3.2 busy\"") == 1);
}

TEST_CASE("a message without an answer to its final dot waits longer and goes to no other host") {
  const Folder folder;
  Sink first;
  Sink second("127.0.0.2", first.port());
  first.script(at("dot", hang_up, 1));
  conf::Config config = config_in(folder, first.port());
  config.retry.delays = {Milliseconds(50), Milliseconds(50), Milliseconds(1500)};
  Relay relay(config, two_hosts);
  submit(relay);
  REQUIRE(eventually([&] { return first.count_of(".") == 1; }));
  const auto dropped = std::chrono::steady_clock::now();
  REQUIRE(eventually([&] { return first.arrivals().size() + second.arrivals().size() == 1; }));
  const auto arrived = std::chrono::steady_clock::now();
  CHECK(second.connections() == 0);
  CHECK(arrived - dropped > Milliseconds(1200));  // the third delay, less its jitter
}

TEST_CASE("a host that is not there is passed over at once") {
  const Folder folder;
  Sink sink;  // nobody listens on this port of 127.0.0.3
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, zones({{"example.net", {"127.0.0.3", "127.0.0.1"}}}));
  submit(relay);
  CHECK(sink.receives(1));
  CHECK(relay.count("deferred") == 0);
}

TEST_CASE("mail for a host that is down arrives when it is back") {
  const Folder folder;
  const std::uint16_t port = free_port();
  Relay relay(config_in(folder, port), example);
  const std::string id = submit(relay);
  REQUIRE(relay.logs("info deferred id=" + id));
  CHECK(relay.log().find("cannot connect") != std::string::npos);
  Sink sink("127.0.0.1", port);
  CHECK(sink.receives(1));
  CHECK(relay.empties());
}

TEST_CASE("what DNS denies fails, what it does not say waits") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, [](dns::StaticResolver& resolver) {
    resolver.add("null.example", dns::RecordType::mx, dns::MxRecord{0, ""});
    resolver.fail("broken.example", dns::RecordType::mx);
  });
  const std::string null_mx = submit(relay, "bob@null.example");
  const std::string unknown = submit(relay, "bob@nowhere.example");
  const std::string broken = submit(relay, "bob@broken.example");
  CHECK(relay.logs("info bounced id=" + null_mx));
  CHECK(relay.logs("accepts no mail"));
  CHECK(relay.logs("info bounced id=" + unknown));
  CHECK(eventually([&] { return relay.states(broken) == "deferred"; }));
}

TEST_CASE("a message that waits too long is given up") {
  const Folder folder;
  Sink sink;
  sink.script(at("RCPT", "450 4.2.0 never today"));
  conf::Config config = config_in(folder, sink.port());
  config.retry.give_up = Milliseconds(400);
  Relay relay(config, example);
  const std::string id = submit(relay);
  CHECK(relay.logs(bounced(id, "mx1.example.net", "gave up, expired: 450 4.2.0 never today")));
  CHECK(relay.empties());
  CHECK(sink.count_of("RCPT") >= 2);
}

TEST_CASE("a recipient refused at once does not hold back the others of its message") {
  const Folder folder;
  Sink first;
  Sink second("127.0.0.2", first.port());
  first.script([](const Said& said) -> std::optional<std::string> {
    if (said.line == "RCPT TO:<nobody@example.net>") return "550 5.1.1 no such user";
    if (said.verb == "DATA") return "421 4.3.2 busy";
    return std::nullopt;
  });
  conf::Config config = config_in(folder, first.port());
  config.retry.delays = {never};
  Relay relay(config, two_hosts);
  Client client = relay.client();
  client.ehlo();
  const std::string id =
      id_in(client.send("a@client.example", {"nobody@example.net", "bob@example.net"}, message("a@client.example", "x")));
  REQUIRE(second.receives(1));
  CHECK(second.arrivals()[0].rcpts == Strings{"RCPT TO:<bob@example.net>"});  // the first host's no was for good
  CHECK(relay.logs("info bounced id=" + id + " to=<nobody@example.net>"));
  CHECK(relay.empties());
}

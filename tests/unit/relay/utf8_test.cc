// Mail with addresses and headers beyond ASCII (RFC 6531), from a client to a receiver that knows them or does not.
#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

constexpr const char* user = "用户@例子.example";
const World example = zones({{"example.net", {"127.0.0.1"}}, {"xn--fsqu00a.example", {"127.0.0.1"}}});

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void offer_utf8(Sink& sink) {
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb != "EHLO") return std::nullopt;
    return "250-mx1.example.net\r\n250-8BITMIME\r\n250 SMTPUTF8";
  });
}

std::string send_utf8(Client& client, const std::string& from, const Strings& to, const std::string& content) {
  client.ehlo();
  CHECK(client.say("MAIL FROM:<" + from + "> SMTPUTF8 BODY=8BITMIME").starts_with("250 "));
  for (const std::string& mailbox : to) CHECK(client.say("RCPT TO:<" + mailbox + ">").starts_with("250 "));
  client.say("DATA");
  return client.send_content(content);
}

/// What came for this recipient, as its RCPT names it.
std::optional<Arrival> arrival_for(const Sink& sink, const std::string& mailbox) {
  for (const Arrival& arrival : sink.arrivals()) {
    if (arrival.rcpts == Strings{"RCPT TO:<" + mailbox + ">"}) return arrival;
  }
  return std::nullopt;
}

Arrival wait_for(const Sink& sink, const std::string& mailbox) {
  REQUIRE(eventually([&] { return arrival_for(sink, mailbox).has_value(); }));
  return *arrival_for(sink, mailbox);
}

}  // namespace

TEST_CASE("mail beyond ASCII reaches a receiver that offers SMTPUTF8 as it was") {
  const Folder folder;
  Sink sink;
  offer_utf8(sink);
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  const std::string sent = message("Jürgen <jürgen@client.example>", "Grüße");
  CHECK(send_utf8(client, "jürgen@client.example", {user, "bob@例子.example"}, sent).starts_with("250 "));
  REQUIRE(sink.receives(1));
  const Arrival arrival = sink.arrivals().front();
  CHECK(arrival.mail == "MAIL FROM:<jürgen@client.example> BODY=8BITMIME SMTPUTF8");
  CHECK(arrival.rcpts == Strings{"RCPT TO:<用户@例子.example>", "RCPT TO:<bob@例子.example>"});
  CHECK(arrival.content.ends_with(sent));
  CHECK(contains(arrival.content, " with UTF8SMTP"));
  CHECK(relay.empties());
}

TEST_CASE("a receiver without SMTPUTF8 gets what it can take, the others bounce") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  Client client = relay.client();
  send_utf8(client, "alice@example.net", {user, "bob@例子.example"}, message("alice@example.net", "x"));
  const Arrival arrival = wait_for(sink, "bob@xn--fsqu00a.example");
  CHECK_FALSE(contains(arrival.mail, "SMTPUTF8"));
  const Arrival notice = wait_for(sink, "alice@example.net");
  CHECK(contains(notice.content, "Content-Type: message/delivery-status\r\n"));
  CHECK(contains(notice.content, "Final-Recipient: utf-8; \\x{7528}\\x{6237}@\\x{4F8B}\\x{5B50}.example\r\n"));
  CHECK(contains(notice.content, "Status: 5.6.7\r\n"));
  CHECK(relay.logs("bounced"));
  CHECK(relay.empties());
}

TEST_CASE("a header beyond ASCII needs SMTPUTF8 where it was given, and goes as it is where it was not") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string sent = message("alice@example.net", "Grüße");
  CHECK(client.send("alice@example.net", {"carol@example.net"}, sent).starts_with("250 "));
  CHECK(wait_for(sink, "carol@example.net").content.ends_with(sent));
  send_utf8(client, "alice@example.net", {"bob@example.net"}, sent);
  CHECK(contains(wait_for(sink, "alice@example.net").content, "Status: 5.6.9\r\n"));
  CHECK_FALSE(arrival_for(sink, "bob@example.net").has_value());
}

TEST_CASE("a header beyond ASCII waits for a receiver with SMTPUTF8 over a restart") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {std::chrono::seconds(1)};
  {
    sink.script([](const Said& said) -> std::optional<std::string> {
      return said.verb == "greeting" ? std::optional<std::string>("421 4.3.2 later") : std::nullopt;
    });
    Relay relay(config, example);
    Client client = relay.client();
    CHECK(send_utf8(client, "alice@example.net", {"bob@example.net"}, message("alice@example.net", "Grüße")).starts_with("250 "));
    REQUIRE(eventually([&] { return sink.connections() > 0; }));
  }
  offer_utf8(sink);
  Relay relay(config, example);
  CHECK(contains(wait_for(sink, "bob@example.net").mail, " SMTPUTF8"));
}

TEST_CASE("a sender beyond ASCII gets a notice of RFC 6533, which needs SMTPUTF8 itself") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "EHLO") return "250-mx1.example.net\r\n250-8BITMIME\r\n250 SMTPUTF8";
    if (said.line.starts_with("RCPT TO:<bob@")) return "550 5.1.1 no such user";
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  Client client = relay.client();
  send_utf8(client, user, {"bob@example.net"}, message(user, "x"));
  const Arrival notice = wait_for(sink, user);
  CHECK(notice.mail == "MAIL FROM:<> BODY=8BITMIME SMTPUTF8");
  CHECK(contains(notice.content, "To: <用户@例子.example>\r\n"));
  CHECK(contains(notice.content, "Content-Type: message/global-delivery-status\r\n"));
}

TEST_CASE("domains beyond ASCII are decided on in the form in which they are looked up") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.accept.sender_domains = {"xn--bcher-kva.example"};
  config.local.destinations = {"xn--fsqu00a.example"};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  CHECK(client.say("MAIL FROM:<alice@bücher.example>").starts_with("550 5.6.7 "));
  CHECK(client.say("MAIL FROM:<alice@büсher.example> SMTPUTF8").starts_with("550 5.7.1 "));  // with a Cyrillic letter
  CHECK(client.say("MAIL FROM:<alice@BÜCHER.example> SMTPUTF8").starts_with("250 "));
  CHECK(client.say("RCPT TO:<nobody@例子.example>").starts_with("550 5.1.1 "));
  CHECK(client.say("RCPT TO:<pоstmaster@例子.example>").starts_with("550 5.1.1 "));  // another o
  CHECK(client.say("RCPT TO:<postmaster@例子.example>").starts_with("250 "));
}

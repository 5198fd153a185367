// From a client through the relay to a receiver: what arrives, and how it travels.
#include <algorithm>
#include <atomic>

#include "dns/resolver.h"
#include "queue/content_file.h"
#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"
#include "tests/unit/relay/signed_message.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);

/// The octets of ours at the end, and only trace and signature fields before them.
void check_content(const std::string& arrived, const std::string& sent) {
  REQUIRE(arrived.ends_with(sent));
  const std::string prefix = arrived.substr(0, arrived.size() - sent.size());
  CHECK(prefix.starts_with("Received: "));
  for (std::size_t at = 0; at < prefix.size(); at = prefix.find('\n', at) + 1) {
    const std::string line = prefix.substr(at, 20);
    const bool known =
        line.starts_with("Received: ") || line.starts_with("DKIM-Signature: ") || line[0] == ' ' || line[0] == '\t';
    CHECK(known);
  }
}

/// What a client asks of notices, from intake to the receiver's commands.
void send_with_dsn(Client& client) {
  client.ehlo();
  client.say("MAIL FROM:<alice@client.example> RET=HDRS ENVID=QQ+2B314159");
  client.say("RCPT TO:<bob@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@Example.NET");
  client.say("RCPT TO:<carol@example.net>");
  client.say("DATA");
  CHECK(client.send_content(message("alice@client.example", "dsn")).starts_with("250 "));
}

}  // namespace

TEST_CASE("a message is accepted, signed with both keys and delivered as it was") {
  const Folder folder;
  Sink sink;
  const auto rsa = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256);
  const auto ed = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  conf::Config config = config_in(folder, sink.port());
  config.dkim.canonicalization = GENERATE("relaxed/relaxed", "simple/simple", "relaxed/simple", "simple/relaxed");
  sign_with(config, rsa.to_pem(), "*@client.example", "client.example", "rsa");
  sign_with(config, ed.to_pem(), "client.example", "%", "ed");
  sign_with(config, ed.to_pem(), "*@other.example", "other.example", "not");
  Relay relay(config, example);

  const std::string sent =
      message("Alice <alice@client.example>", "both", ".dot\r\n..two  blanks \r\n\r\n\xe4\xbd\xa0\xff\r\n\r\n\r\n");
  Client client = relay.client();
  client.ehlo();
  const std::string reply = client.send("alice@client.example", {"bob@example.net"}, sent);
  CHECK(reply.starts_with("250 2.0.0 queued as "));
  REQUIRE(sink.receives(1));
  const Arrival arrival = sink.arrivals().front();
  check_content(arrival.content, sent);
  CHECK(arrival.mail.starts_with("MAIL FROM:<alice@client.example>"));
  CHECK(arrival.rcpts == Strings{"RCPT TO:<bob@example.net>"});
  auto verdicts = check_signatures(arrival.content, {{"rsa", rsa.public_key()}, {"ed", ed.public_key()}});
  std::ranges::sort(verdicts);
  CHECK(verdicts == Strings{"ed pass", "rsa pass"});
  CHECK(sink.commands().front() == "EHLO relay.example.com");
  CHECK(relay.empties());
  CHECK(relay.count("accepted") == 1);
  CHECK(relay.count("delivered") == 1);
  CHECK(relay.logs("info accepted id=" + id_in(reply)));
  CHECK(relay.logs("info signed id=" + id_in(reply) + " d=client.example s=rsa"));
  CHECK(relay.logs("info delivered id=" + id_in(reply) + " to=<bob@example.net> mx=mx1.example.net ip=127.0.0.1 tls=none"));
}

TEST_CASE("an 8-bit message and the null reverse-path keep their parameters") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  client.say("MAIL FROM:<> BODY=8BITMIME");
  client.say("RCPT TO:<bob@example.net>");
  client.say("DATA");
  CHECK(client.send_content(message("Mailer <mailer@client.example>", "null")).starts_with("250 "));
  REQUIRE(sink.receives(1));
  const std::string mail = sink.arrivals().front().mail;
  CHECK(mail.starts_with("MAIL FROM:<>"));
  CHECK(mail.find("BODY=8BITMIME") != std::string::npos);
}

TEST_CASE("DSN parameters reach a receiver that offers DSN, letter by letter") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb != "EHLO") return std::nullopt;
    return "250-mx1.example.net\r\n250-PIPELINING\r\n250 DSN";
  });
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  send_with_dsn(client);
  REQUIRE(sink.receives(1));
  const Arrival arrival = sink.arrivals().front();
  CHECK(arrival.mail == "MAIL FROM:<alice@client.example> RET=HDRS ENVID=QQ+2B314159");
  CHECK(arrival.rcpts == Strings{"RCPT TO:<bob@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@Example.NET",
                                 "RCPT TO:<carol@example.net>"});
}

TEST_CASE("a receiver that does not offer DSN sees none of its parameters") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  send_with_dsn(client);
  REQUIRE(sink.receives(1));
  const Arrival arrival = sink.arrivals().front();
  CHECK(arrival.mail.find("RET=") == std::string::npos);
  CHECK(arrival.mail.find("ENVID=") == std::string::npos);
  CHECK(arrival.rcpts == Strings{"RCPT TO:<bob@example.net>", "RCPT TO:<carol@example.net>"});
}

TEST_CASE("commands are pipelined where the receiver offers it") {
  const Folder folder;
  Sink sink;
  sink.wait_for_pipelined_data();  // says nothing to MAIL until DATA has come
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  CHECK(client.send("a@client.example", {"bob@example.net", "carol@example.net"}, message("a@client.example", "p"))
            .starts_with("250"));
  CHECK(sink.receives(1));
}

TEST_CASE("a receiver without pipelining gets one command at a time") {
  const Folder folder;
  Sink sink;
  sink.offer_no_pipelining();
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "np"));
  REQUIRE(sink.receives(1));
  CHECK(sink.commands() == Strings{"EHLO relay.example.com", sink.arrivals()[0].mail, "RCPT TO:<bob@example.net>", "DATA", "."});
}

TEST_CASE("recipients of one destination share a transaction, destinations do not") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  const Strings to = {"bob@example.net", "dora@example.org", "carol@EXAMPLE.net", "eve@example.org", "bob2@example.net"};
  CHECK(client.send("a@client.example", to, message("a@client.example", "many")).starts_with("250"));
  REQUIRE(sink.receives(2));
  CHECK(relay.empties());
  auto arrivals = sink.arrivals();
  REQUIRE(arrivals.size() == 2);
  std::ranges::sort(arrivals, {}, [](const Arrival& arrival) { return arrival.rcpts.size(); });
  CHECK(arrivals[0].rcpts == Strings{"RCPT TO:<dora@example.org>", "RCPT TO:<eve@example.org>"});
  CHECK(arrivals[1].rcpts == Strings{"RCPT TO:<bob@example.net>", "RCPT TO:<carol@example.net>", "RCPT TO:<bob2@example.net>"});
}

TEST_CASE("each recipient of a transaction has its own reply") {
  const Folder folder;
  Sink sink;
  std::atomic<int> greylisted = 0;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.line == "RCPT TO:<later@example.net>" && greylisted++ == 0) return "450 4.2.0 busy";
    if (said.line == "RCPT TO:<nobody@example.net>") return "550 5.1.1 no such user";
    return std::nullopt;
  });
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  const Strings to = {"bob@example.net", "later@example.net", "nobody@example.net"};
  const std::string id = id_in(client.send("a@client.example", to, message("a@client.example", "mixed")));
  CHECK(relay.empties());
  CHECK(relay.logs("info deferred id=" + id + " to=<later@example.net> mx=mx1.example.net reply=\"450 4.2.0 busy\""));
  CHECK(relay.logs("info bounced id=" + id + " to=<nobody@example.net> mx=mx1.example.net reply=\"550 5.1.1 no such user\""));
  const auto arrivals = sink.arrivals();
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].rcpts == Strings{"RCPT TO:<bob@example.net>"});
  CHECK(arrivals[1].rcpts == Strings{"RCPT TO:<later@example.net>"});
}

TEST_CASE("large content lies in a file while it is queued") {
  const Folder folder;
  Sink sink;
  std::atomic<bool> open = false;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "dot" && !open) return "451 4.3.0 not yet";
    return std::nullopt;
  });
  const conf::Config config = config_in(folder, sink.port());
  const auto files = [&config] {
    const auto names = std::filesystem::directory_iterator(queue::content_folder(config.spool));
    return std::distance(begin(names), end(names));
  };
  Relay relay(config, example);
  std::string body;
  for (int i = 0; body.size() < (1U << 20U); ++i) body += ".line " + std::to_string(i) + std::string(60, 'x') + "\r\n";
  const std::string sent = message("a@client.example", "large", body);
  Client client = relay.client();
  client.ehlo();
  const std::string id = id_in(client.send("a@client.example", {"bob@example.net"}, sent));
  CHECK(relay.logs("info deferred id=" + id));
  CHECK(files() == 1);
  CHECK(std::filesystem::file_size(queue::content_path(config.spool, queue::QueueId::parse(id).value())) == sent.size());
  open = true;
  REQUIRE(sink.receives(1));
  check_content(sink.arrivals().front().content, sent);
  CHECK(relay.empties());
  CHECK(eventually([&] { return files() == 0; }));
}

TEST_CASE("fifty messages travel over few connections") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  for (int i = 0; i < 50; ++i) {
    const std::string text = message("a@client.example", "number" + std::to_string(i));
    REQUIRE(client.send("a@client.example", {"bob@example.net"}, text).starts_with("250"));
  }
  CHECK(sink.receives(50));
  CHECK(relay.empties());
  CHECK(sink.arrivals().size() == 50);
  CHECK(sink.connections() <= 10);
}

TEST_CASE("a receiver that ends a session after some messages is asked again at once") {
  const Folder folder;
  Sink sink;
  const bool politely = GENERATE(true, false);
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "MAIL" && said.message == 3) return politely ? "421 4.7.0 enough for now" : hang_up;
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  for (int i = 0; i < 20; ++i)
    client.send("a@client.example", {"bob@example.net"}, message("a@client.example", std::to_string(i)));
  CHECK(sink.receives(20));
  CHECK(relay.empties());
  CHECK(sink.arrivals().size() == 20);
  CHECK(relay.count("deferred") == 0);
}

TEST_CASE("a destination that stalls does not delay another") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.line.find("@example.org") != std::string::npos) return stall;
    return std::nullopt;
  });
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  const std::string slow = id_in(client.send("a@client.example", {"dora@example.org"}, message("a@client.example", "slow")));
  REQUIRE(eventually([&] { return sink.count_of("RCPT TO:<dora@example.org>") == 1; }));
  for (int i = 0; i < 5; ++i) client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "fast"));
  CHECK(sink.receives(5));
  CHECK(relay.states(slow) == "active");
  sink.end();
}

TEST_CASE("mail goes out from the address that it is bound to") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.delivery.bind_ipv4 = "127.0.0.9";
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "bound"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals().front().peer == "127.0.0.9");
}

TEST_CASE("a route sends a domain to its own host") {
  const Folder folder;
  Sink usual;
  Sink smart("127.0.0.2");
  conf::Config config = config_in(folder, usual.port());
  conf::Route& route = config.route.emplace_back();
  route.domain = "*.example.org";
  route.hosts = {"[127.0.0.2]:" + std::to_string(smart.port())};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net", "dora@mail.example.org"}, message("a@client.example", "routed"));
  REQUIRE(smart.receives(1));
  REQUIRE(usual.receives(1));
  CHECK(smart.arrivals()[0].rcpts == Strings{"RCPT TO:<dora@mail.example.org>"});
  CHECK(usual.arrivals()[0].rcpts == Strings{"RCPT TO:<bob@example.net>"});
}

TEST_CASE("TLS is used where it is offered") {
  const Folder folder;
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  Relay relay(config_in(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  const std::string sent = message("a@client.example", "secret");
  client.send("a@client.example", {"bob@example.net"}, sent);
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals().front().tls);
  check_content(sink.arrivals().front().content, sent);
  CHECK(relay.logs("tls=\"TLSv1.3 "));
  CHECK(sink.count_of("EHLO relay.example.com") == 2);
}

TEST_CASE("a handshake that fails is followed by plaintext to the same host") {
  const Folder folder;
  Sink sink;
  sink.offer_tls(Sink::Tls::breaks);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "open"));
  REQUIRE(sink.receives(1));
  CHECK_FALSE(sink.arrivals().front().tls);
  CHECK(relay.logs("tls-failed mx=mx1.example.net"));
}

TEST_CASE("delivery.tls off does not even try") {
  const Folder folder;
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  conf::Config config = config_in(folder, sink.port());
  config.delivery.tls = conf::DeliveryTls::off;
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "open"));
  REQUIRE(sink.receives(1));
  CHECK_FALSE(sink.arrivals().front().tls);
  CHECK(sink.count_of("STARTTLS") == 0);
}

TEST_CASE("where TLS is required nothing leaves without it") {
  const Folder folder;
  Sink sink;
  sink.offer_tls(GENERATE(Sink::Tls::none, Sink::Tls::breaks));
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  conf::Route& route = config.route.emplace_back();
  route.domain = "example.net";
  route.hosts = {"mx"};
  route.tls = conf::DeliveryTls::required;
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string id = id_in(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "secret")));
  CHECK(eventually([&] { return relay.states(id) == "deferred"; }));
  CHECK(sink.count_of("MAIL") == 0);
  CHECK(sink.connections() == 1);
}

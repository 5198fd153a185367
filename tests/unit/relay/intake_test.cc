// The doors of the relay: who comes in, how long, and what is refused.
#include <atomic>
#include <boost/asio/post.hpp>

#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/signed_message.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}});

std::string first_words(const std::string& reply) { return reply.substr(0, 9); }

/// Pipelined up to DATA, so that a short commands_timeout leaves it time on a busy machine.
std::string begin_message(Client& client) {
  client.wire().write("EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n");
  for (int i = 0; i < 3; ++i) client.wire().read_reply();
  return client.wire().read_reply();
}

}  // namespace

TEST_CASE("a stranger may reach postmaster and nobody else") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.accept.mynetworks = {base::Cidr::parse("10.0.0.0/8").value()};
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  const auto key = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  sign_with(config, key.to_pem(), "*", "%", "ed");
  Relay relay(config, example, pace);
  Client client = relay.client();
  client.ehlo();
  CHECK(first_words(client.send("a@client.example", {"bob@example.net"}, "x")) == "550 5.7.1");
  CHECK(relay.logs("info refused client=client.example[127.0.0.1] from=<a@client.example> to=bob@example.net"));
  client.say("RSET");
  CHECK(
      client.send("a@client.example", {"postmaster@relay.example.com"}, message("a@client.example", "help")).starts_with("250"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].rcpts.front() == "RCPT TO:<admin@example.com>");
  CHECK(sink.arrivals()[0].content.find("DKIM-Signature") == std::string::npos);  // a stranger's mail is not ours
}

TEST_CASE("nobody but postmaster lives on the relay") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  Client client = relay.client();
  client.ehlo();
  CHECK(first_words(client.send("a@client.example", {"alice@relay.example.com"}, "x")) == "550 5.1.1");
}

TEST_CASE("a client that says nothing is sent away") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.commands_timeout = Milliseconds(200);
  Relay relay(config, example);
  Client silent = relay.client();
  CHECK(silent.greeting().starts_with("220 relay.example.com"));
  CHECK(first_words(silent.wire().read_reply()) == "421 4.4.2");
  CHECK(silent.wire().reaches_end());
  Client in_the_middle = relay.client();
  in_the_middle.wire().write("EHLO client.example\r\nMAIL FR");
  in_the_middle.wire().read_reply();
  CHECK(first_words(in_the_middle.wire().read_reply()) == "421 4.4.2");
}

TEST_CASE("however long a message takes to be stored, its 250 is never cut off") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.threads = 1;
  config.accept.commands_timeout = Milliseconds(1000);
  Relay relay(config, example);
  Client client = relay.client();
  REQUIRE(begin_message(client).starts_with("354"));
  std::atomic<bool> released = false;
  relay.on_loop([&](relay::Daemon& daemon) {
    boost::asio::post(daemon.services().workers, [&] { eventually([&] { return released.load(); }); });
  });
  client.wire().write(message("a@client.example", "slow") + ".\r\n");
  CHECK(client.wire().is_silent_for(Milliseconds(1500)));
  released = true;
  CHECK(client.wire().read_reply().starts_with("250 2.0.0 queued as "));
  CHECK(sink.receives(1));
  CHECK(first_words(client.wire().read_reply()) == "421 4.4.2");  // afterwards the clock runs again
}

TEST_CASE("over accept.connections newcomers are turned away") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.connections = 2;
  Relay relay(config, example);
  Client first = relay.client();
  {
    Client second = relay.client();
    Client third = relay.client();
    CHECK(first_words(third.greeting()) == "421 4.7.0");
    CHECK(third.wire().reaches_end());
    CHECK(second.ehlo().starts_with("250"));
  }
  CHECK(eventually([&] { return relay.client().greeting().starts_with("220"); }));
}

TEST_CASE("one client may not take all connections") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.connections_per_client = 1;
  config.accept.mynetworks = {base::Cidr::parse("10.0.0.0/8").value()};
  config.listen[0].address = base::parse_endpoint("0.0.0.0:25").value();
  config.listen[0].address.port = 0;
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  Relay relay(config, example, pace);
  Client first = relay.client();
  CHECK(first.greeting().starts_with("220"));
  CHECK(relay.client().greeting().starts_with("421 4.7.0 relay.example.com too many connections from your address"));
  first.say("QUIT");
  CHECK(eventually([&] { return relay.client().greeting().starts_with("220"); }));
}

TEST_CASE("STARTTLS works with the certificate made at first start") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  CHECK(std::filesystem::exists(config.spool + "/tls/self-signed.pem"));
  Client client = relay.client();
  client.start_tls();
  REQUIRE(client.wire().is_tls());
  CHECK(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "secret")).starts_with("250"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("ESMTPS") != std::string::npos);
  CHECK(client.say("QUIT").starts_with("221"));
  CHECK(client.wire().reaches_end());
}

TEST_CASE("a door may speak TLS from the first octet") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.listen[0].tls = conf::ListenTls::implicit;
  config.listen.push_back(config.listen[0]);
  config.listen[1].tls = conf::ListenTls::none;
  Relay relay(config, example);
  Client client = Client::over_tls(relay.port(0));
  CHECK(client.greeting().starts_with("220 "));
  CHECK(client.ehlo().find("STARTTLS") == std::string::npos);
  CHECK(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "secret")).starts_with("250"));
  CHECK(sink.receives(1));
  Client plain(relay.port(1));
  CHECK(plain.ehlo().find("STARTTLS") == std::string::npos);
}

TEST_CASE("a door that wants TLS takes no mail without it") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.listen[0].require_tls = true;
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  CHECK(first_words(client.say("MAIL FROM:<a@client.example>")) == "530 5.7.0");
  client.start_tls();
  CHECK(client.say("MAIL FROM:<a@client.example>").starts_with("250"));
}

TEST_CASE("a failed handshake ends the session and nothing else") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  Client client = relay.client();
  client.ehlo();
  CHECK(client.say("STARTTLS").starts_with("220"));
  client.wire().write("this is not a client hello\r\n");
  CHECK(client.wire().reaches_end());
  CHECK(relay.logs("handshake failed"));
  CHECK(relay.client().ehlo().starts_with("250"));
}

TEST_CASE("a message over accept.message_size is refused") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.message_size = {300'000};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string large = message("a@client.example", "large", std::string(300'000, 'x') + "\r\n");
  CHECK(first_words(client.send("a@client.example", {"bob@example.net"}, large)) == "552 5.3.4");
  CHECK(first_words(client.say("MAIL FROM:<a@client.example> SIZE=300001")) == "552 5.3.4");
  CHECK(relay.rows().empty());
  const auto files = std::filesystem::directory_iterator(config.spool + "/content");
  CHECK(begin(files) == end(files));
}

TEST_CASE("a loop and a header without bounds are refused") {
  const Folder folder;
  Relay relay(config_in(folder, 1), example);
  Client client = relay.client();
  client.ehlo();
  std::string looped;
  for (int i = 0; i < 51; ++i) looped += "Received: by somewhere.example; Tue, 24 Nov 2026 12:39:34 +0000\r\n";
  CHECK(first_words(client.send("a@client.example", {"bob@example.net"}, looped + message("a@client.example", "x"))) ==
        "554 5.4.6");
  std::string huge;
  while (huge.size() < 300'000) huge += "X-Filler: " + std::string(900, 'x') + "\r\n";
  CHECK(first_words(client.send("a@client.example", {"bob@example.net"}, huge + message("a@client.example", "x"))) ==
        "552 5.3.4");
  CHECK(relay.rows().empty());
}

TEST_CASE("with too little room on the disk mail is refused for now") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.accept.min_free_space = {1ULL << 62U};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  CHECK(first_words(client.say("MAIL FROM:<a@client.example>")) == "452 4.3.1");
}

TEST_CASE("a message that a key matches and cannot sign is handled as configured") {
  using Case = std::pair<conf::OnSignFailure, const char*>;
  const Case expected = GENERATE(Case{conf::OnSignFailure::tempfail, "451 4.7.5"}, Case{conf::OnSignFailure::reject, "550 5.7.5"},
                                 Case{conf::OnSignFailure::accept, "250 2.0.0"});
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.dkim.on_sign_failure = expected.first;
  sign_with(config, dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*", "%", "ed");
  config.dkim.sign[0].selector = "no selector";
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string reply = client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "x"));
  CHECK(first_words(reply) == expected.second);
  CHECK(relay.logs("error sign-failure id="));
  if (reply.starts_with("250")) {
    REQUIRE(sink.receives(1));
    CHECK(sink.arrivals()[0].content.find("DKIM-Signature") == std::string::npos);
  } else {
    CHECK(relay.rows().empty());
    CHECK(relay.count("accepted") == 0);
  }
}

TEST_CASE("unsigned mail may be refused") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.dkim.unsigned_mail = conf::Unsigned::reject;
  sign_with(config, dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*@client.example", "client.example",
            "ed");
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  CHECK(first_words(client.send("a@client.example", {"bob@example.net"}, message("a@other.example", "x"))) == "550 5.7.1");
  CHECK(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "y")).starts_with("250"));
  CHECK(sink.receives(1));
}

TEST_CASE("a client that goes away in the middle leaves nothing") {
  const Folder folder;
  const conf::Config config = config_in(folder, 1);
  Relay relay(config, example);
  {
    Client client = relay.client();
    REQUIRE(begin_message(client).starts_with("354"));
    client.wire().write("Subject: half\r\n\r\n" + std::string(400'000, 'x'));
    const auto has_file = [&] {
      const auto files = std::filesystem::directory_iterator(config.spool + "/content");
      return begin(files) != end(files);
    };
    CHECK(eventually(has_file));
  }
  CHECK(eventually([&] { return relay.get("/status").at("connections_in").to_number<int>() == 0; }));
  const auto files = std::filesystem::directory_iterator(config.spool + "/content");
  CHECK(begin(files) == end(files));
  CHECK(relay.rows().empty());
}

TEST_CASE("many clients at once all have their mail taken") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), example);
  std::vector<std::thread> threads;
  std::atomic<int> taken = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&relay, &taken] {
      Client client = relay.client();
      client.ehlo();
      for (int k = 0; k < 5; ++k) {
        if (client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "x")).starts_with("250")) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == 40);
  CHECK(sink.receives(40));
  CHECK(relay.empties());
  CHECK(sink.arrivals().size() == 40);
}

// A route to a smart host that wants a password: from one relay through another to a receiver.
#include <sys/stat.h>

#include <map>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/unit/relay/users.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}});

std::string password_file(const Folder& folder, const std::string& content) {
  const std::string path = folder / "password";
  REQUIRE(base::write_file_durably(path, content, 0600));
  return path;
}

/// A configuration that sends everything to these hosts, with a name and a password.
conf::Config config_with_login(const Folder& folder, std::uint16_t port, std::vector<std::string> hosts, const std::string& name,
                               const std::string& password) {
  conf::Config config = config_in(folder, port);
  config.retry.delays = {std::chrono::hours(1)};
  conf::Route route;
  route.domain = "*";
  route.hosts = std::move(hosts);
  route.username = name;
  route.password_file = password_file(folder, password + "\n");
  config.route.push_back(std::move(route));
  return config;
}

/// A relay that trusts nobody but its users.
class Sister {
 public:
  Sister() {
    conf::Config config = config_in(folder_, sink_.port());
    config.hostname = "sister.example.com";
    config.accept.mynetworks = {base::Cidr::parse("10.0.0.0/8").value()};
    config.accept.users = folder_ / "users";
    REQUIRE(base::write_file_durably(config.accept.users, users_text(), 0600));
    relay_ = std::make_unique<Relay>(config, example);
  }
  Sink& sink() { return sink_; }
  Relay& relay() { return *relay_; }
  std::string place() const { return "[127.0.0.1]:" + std::to_string(relay_->port()); }

 private:
  Folder folder_;
  Sink sink_;
  std::unique_ptr<Relay> relay_;
};

std::string send(const Relay& relay) {
  Client client = relay.client();
  client.ehlo();
  return id_in(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "through the sister")));
}

}  // namespace

TEST_CASE("a route's password opens the smart host, whatever it keeps of it") {
  Sister sister;
  const Folder folder;
  const bool scram = GENERATE(true, false);
  Relay home(config_with_login(folder, 1, {sister.place()}, scram ? "user" : "alice", scram ? "pencil" : "open sesame"));
  send(home);
  CHECK(sister.sink().receives(1));
  CHECK(home.logs("tls=\"TLSv1.3 "));
  // Where there is no verifier for SCRAM the password itself is taken.
  CHECK(sister.relay().count_in_log("535 5.7.8") == (scram ? 0U : 1U));
}

TEST_CASE("a password that is refused lets the mail wait, and says whose it is") {
  Sister sister;
  const Folder folder;
  Relay home(config_with_login(folder, 1, {sister.place()}, "alice", "open barley"));
  const std::string id = send(home);
  CHECK(home.logs("info deferred id=" + id));
  CHECK(home.logs("the server refuses the password of [[route]] alice: 535 5.7.8 the name or the password is wrong"));
  CHECK(eventually([&] { return home.states(id) == "deferred"; }));
  CHECK(home.count_in_log("info bounced") == 0);
}

TEST_CASE("a smart host without AUTH, or without TLS, gets no password and no mail") {
  Sink sink;
  const bool tls = GENERATE(true, false);
  if (tls) sink.offer_tls(Sink::Tls::works);
  sink.offer(tls ? "AUTH CRAM-MD5" : "AUTH PLAIN");
  const Folder folder;
  Relay home(config_with_login(folder, 1, {"[127.0.0.1]:" + std::to_string(sink.port())}, "alice", "open sesame"));
  const std::string id = send(home);
  CHECK(home.logs(tls ? "the server offers none of SCRAM-SHA-256, PLAIN, LOGIN for AUTH" : "the server does not offer STARTTLS"));
  CHECK(eventually([&] { return home.states(id) == "deferred"; }));
  CHECK(sink.count_of("AUTH") == 0);
  CHECK(sink.count_of("MAIL") == 0);
}

TEST_CASE("hosts that DNS names get the mail of a route and not its password") {
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  sink.offer("AUTH PLAIN");
  const Folder folder;
  Relay home(config_with_login(folder, sink.port(), {"mx"}, "alice", "open sesame"), example);
  send(home);
  CHECK(sink.receives(1));
  CHECK(sink.count_of("AUTH") == 0);
}

TEST_CASE("LOGIN is used where there is nothing else") {
  Sink sink;
  sink.offer_tls(Sink::Tls::works);
  sink.offer("AUTH LOGIN");
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "AUTH") return "334 VXNlcm5hbWU6";
    if (said.line == "YWxpY2U=") return "334 UGFzc3dvcmQ6";
    if (said.line == "b3BlbiBzZXNhbWU=") return "235 2.7.0 welcome";
    return std::nullopt;
  });
  const Folder folder;
  Relay home(config_with_login(folder, 1, {"[127.0.0.1]:" + std::to_string(sink.port())}, "alice", "open sesame"));
  send(home);
  CHECK(sink.receives(1));
  CHECK(sink.count_of("b3BlbiBzZXNhbWU=") == 1);
}

TEST_CASE("a password file is one line that nobody else can read") {
  const Folder folder;
  conf::Config config = config_with_login(folder, 1, {"smart.example"}, "alice", "open sesame");
  const std::string path = config.route[0].password_file;
  const std::string words = "route.password_file: " + path;
  for (const char* content : {"", "\n", "one\ntwo\n"}) {
    password_file(folder, content);
    CHECK(why_not_started(config) == words + ": write the password into it, in one line and nothing else");
  }
  password_file(folder, "open sesame\r\n");
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(why_not_started(config).starts_with(words + " can be read or written by others (mode 0644): chmod 0600 "));
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(why_not_started(config).empty());
  config.route[0].password_file = folder / "nowhere";
  CHECK(why_not_started(config).starts_with("route.password_file: cannot read "));
}

TEST_CASE("no connection carries more messages than its server wants") {
  const Folder folder;
  Sink sink;
  sink.offer("LIMITS MAILMAX=2");
  Relay relay(config_in(folder, sink.port()), example);
  for (int i = 0; i < 7; ++i) send(relay);
  CHECK(sink.receives(7));
  std::map<std::size_t, std::size_t> messages;
  for (const Arrival& arrival : sink.arrivals()) ++messages[arrival.connection];
  for (const auto& [connection, count] : messages) CHECK(count <= 2);
}

// Start, stop, restart and reload.
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "queue/store.h"
#include "tests/catch.h"
#include "tests/unit/relay/signed_message.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

const World example = zones({{"example.net", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);

std::string submit(const Relay& relay, const std::string& subject = "x") {
  Client client = relay.client();
  client.ehlo();
  return id_in(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", subject)));
}

std::optional<std::string> refuse_for_now(const Said& said) {
  if (said.verb == "RCPT") return "450 4.2.0 later";
  return std::nullopt;
}

void write_config(const std::string& path, const conf::Config& config) {
  REQUIRE(base::write_file_durably(path, conf::show_config(config), 0600));
}

/// A configuration that may also stand in a file: no port 0.
conf::Config config_for_file(const Folder& folder, std::uint16_t port) {
  conf::Config config = config_in(folder, port);
  config.listen[0].address.port = free_port();
  config.retry.delays = {never};
  return config;
}

}  // namespace

TEST_CASE("what one run left the next one delivers") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {Milliseconds(1000)};
  std::string deferred;
  {
    Relay relay(config, example);
    deferred = submit(relay, "deferred");
    REQUIRE(relay.logs("info deferred id=" + deferred));
    // Accepted while the relay stops: durable, and never attempted.
    Client client = relay.client();
    client.ehlo();
    client.say("MAIL FROM:<a@client.example>");
    client.say("RCPT TO:<bob@example.net>");
    CHECK(client.say("DATA").starts_with("354"));
    relay.begin_stop();
    CHECK(client.send_content(message("a@client.example", "unattempted")).starts_with("250"));
    CHECK(client.wire().read_reply().starts_with("421 4.3.2"));
  }
  const auto reader = queue::open_reader(config.spool).value();
  const auto rows = reader->list({}, queue::QueueId(), 0, 100).value();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id.to_string() == deferred);
  CHECK(rows[0].state == queue::State::deferred);
  CHECK(rows[0].last_reply == "450 4.2.0 later");
  sink.script({});
  Relay relay(config, example);
  CHECK(sink.receives(2));
  CHECK(relay.empties());
  CHECK(relay.logs("info recovered"));
}

TEST_CASE("a spool has one daemon") {
  const Folder folder;
  const conf::Config config = config_in(folder, 1);
  conf::Config second = config;
  second.admin.socket = folder / "other.sock";
  {
    Relay relay(config, example);
    const std::string words = why_not_started(second);
    CHECK(words.find(std::to_string(::getpid())) != std::string::npos);
    CHECK(relay.get("/status").at("hostname").as_string() == "relay.example.com");  // the first one is unharmed
  }
  CHECK(why_not_started(second).empty());
}

TEST_CASE("a daemon that cannot have its address does not start") {
  const Folder folder;
  const Sink other;
  conf::Config config = config_in(folder, 1);
  config.listen[0].address.port = other.port();
  CHECK(why_not_started(config).find("cannot listen on 127.0.0.1:" + std::to_string(other.port())) != std::string::npos);
}

TEST_CASE("a key that others can read is refused") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  sign_with(config, dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).to_pem(), "*", "%", "ed");
  std::filesystem::permissions(config.dkim.sign[0].key, std::filesystem::perms(0644));
  const std::string words = why_not_started(config);
  CHECK(words.find("chmod 0600 " + config.dkim.sign[0].key) != std::string::npos);
}

TEST_CASE("at the end what is in flight is finished and idle clients are told") {
  const Folder folder;
  Sink sink;
  std::atomic<bool> go = false;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.verb == "dot") eventually([&] { return go.load(); });
    return std::nullopt;
  });
  const conf::Config config = config_in(folder, sink.port());
  Relay relay(config, example);
  Client idle = relay.client();
  idle.ehlo();
  submit(relay);
  REQUIRE(eventually([&] { return sink.count_of(".") == 1; }));
  const bool by_signal = GENERATE(true, false);
  if (by_signal) {
    std::raise(SIGTERM);
  } else {
    relay.begin_stop();
  }
  CHECK(idle.wire().read_reply().starts_with("421 4.3.2"));
  CHECK(idle.wire().reaches_end());
  CHECK_FALSE(relay.has_ended());  // it waits for the receiver's answer
  const auto released = std::chrono::steady_clock::now();
  go = true;
  CHECK(eventually([&] { return relay.has_ended(); }));
  CHECK(std::chrono::steady_clock::now() - released < std::chrono::seconds(7));
  CHECK(sink.arrivals().size() == 1);
  relay.stop();
  CHECK(queue::open_reader(config.spool).value()->counts()->messages == 0);
  CHECK_FALSE(std::filesystem::exists(config.admin.socket));
}

TEST_CASE("SIGHUP brings other delays and keys") {
  const Folder folder;
  Sink sink;
  sink.script(refuse_for_now);
  conf::Config config = config_for_file(folder, sink.port());
  const std::string path = folder / "mailferry.toml";
  write_config(path, config);
  Relay relay(config, example, path);
  submit(relay, "before");
  REQUIRE(relay.logs("info deferred"));
  const auto key = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  sign_with(config, key.to_pem(), "*@client.example", "client.example", "new");
  config.retry.delays = {Milliseconds(1000)};
  write_config(path, config);
  std::raise(SIGHUP);
  REQUIRE(relay.logs("info reloaded"));
  const std::string after = submit(relay, "after");
  REQUIRE(relay.logs("info deferred id=" + after));
  sink.script({});
  REQUIRE(sink.receives(1));
  const std::string content = sink.arrivals()[0].content;
  CHECK(content.find("Subject: after") != std::string::npos);
  CHECK(check_signatures(content, {{"new", key.public_key()}}) == std::vector<std::string>{"new pass"});
}

TEST_CASE("SIGHUP with a mistake in the file changes nothing") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_for_file(folder, sink.port());
  const auto key = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256);
  sign_with(config, key.to_pem(), "*@client.example", "client.example", "old");
  const std::string path = folder / "mailferry.toml";
  write_config(path, config);
  Relay relay(config, example, path);
  SECTION("a key that is unknown") {
    REQUIRE(base::write_file_durably(path, "hostname = \"other.example.com\"\nnonsense = 1\n", 0600));
    std::raise(SIGHUP);
    CHECK(relay.logs("error reload-failed"));
    CHECK(relay.log().find("nonsense") != std::string::npos);
  }
  SECTION("a signing key that is gone") {
    std::filesystem::remove(config.dkim.sign[0].key);
    std::raise(SIGHUP);
    CHECK(relay.logs("error reload-failed"));
  }
  submit(relay);
  REQUIRE(sink.receives(1));
  CHECK(check_signatures(sink.arrivals()[0].content, {{"old", key.public_key()}}) == std::vector<std::string>{"old pass"});
  CHECK(sink.commands().front() == "EHLO relay.example.com");
}

TEST_CASE("SIGHUP opens a rotated log and tells what needs a restart") {
  const Folder folder;
  conf::Config config = config_for_file(folder, 1);
  const std::string path = folder / "mailferry.toml";
  write_config(path, config);
  Relay relay(config, example, path);
  std::filesystem::rename(folder / "log", folder / "log.1");
  config.threads = 3;
  config.spool = folder / "elsewhere";
  write_config(path, config);
  std::raise(SIGHUP);
  CHECK(relay.logs("warning reload key=spool"));
  CHECK(relay.logs("warning reload key=threads"));
}

// What must not happen and does: deliveries that do not end, damaged mail, one destination that takes all there is.
#include <atomic>
#include <filesystem>
#include <optional>

#include "queue/content_file.h"
#include "queue/sqlite_database.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}, {"client.example", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);

std::string submit(const Relay& relay, const std::string& to, const std::string& text) {
  Client client = relay.client();
  client.ehlo();
  const std::string reply = client.send("a@client.example", {to}, text);
  REQUIRE(reply.starts_with("250 "));
  return id_in(reply);
}

std::optional<std::string> stall_at_rcpt(const Said& said) {
  if (said.verb == "RCPT") return stall;
  return std::nullopt;
}

}  // namespace

TEST_CASE("a delivery that does not end is cut off and waits for its retry") {
  const Folder folder;
  Sink sink;
  sink.script(stall_at_rcpt);
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example, Pace{.sweeps = Milliseconds(50), .stuck_after = Milliseconds(300)});
  const std::string id = submit(relay, "bob@example.net", message("a@client.example", "x"));
  CHECK(relay.logs("error stuck id=" + id + " mx=mx1.example.net since="));
  CHECK(relay.logs("info deferred id=" + id + " to=<bob@example.net> mx=mx1.example.net"));
  CHECK(holds(config, {"bob@example.net deferred"}));
  CHECK(rows_in(config).front().attempts == 1);
  CHECK(relay.count_in_log("freed") == 0);
}

TEST_CASE("deliveries do not run ahead of a disk that is slower than they are") {
  constexpr std::size_t most_ahead = 1100;  // outcomes that may wait, and what is under way
  constexpr std::size_t all = 1800;
  const Folder folder;
  Sink sink;
  std::atomic<bool> open = false;
  sink.script([&open](const Said& said) -> std::optional<std::string> {
    while (said.verb == "greeting" && !open) std::this_thread::sleep_for(Milliseconds(5));
    return std::nullopt;
  });
  const conf::Config config = config_in(folder, sink.port());
  fill(config, all, [](std::size_t i) { return i % 2 == 0 ? "bob@example.net" : "bob@example.org"; });
  Relay relay(config, example);
  act(relay, queue::Deed::retry);
  {
    auto other = queue::Database::open(config.spool + "/queue.db", queue::Database::Mode::read_write, "");
    REQUIRE(other);
    REQUIRE(other->execute("BEGIN IMMEDIATE"));  // the store waits for it
    open = true;
    CHECK(eventually([&] { return sink.arrivals().size() >= 900; }));
    std::this_thread::sleep_for(Milliseconds(500));
    CHECK(sink.arrivals().size() <= most_ahead);
    REQUIRE(other->execute("COMMIT"));
  }
  CHECK(eventually([&] { return rows_in(config).empty(); }));
  CHECK(sink.arrivals().size() == all);
}

TEST_CASE("a recipient that stays active without a delivery is freed") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {Milliseconds(300)};
  fill(config, 1, [](std::size_t) { return "bob@example.net"; });
  Relay relay(config, example,
              Pace{.sweeps = Milliseconds(50), .stuck_after = Milliseconds(300), .freed_after = Milliseconds(300)});
  const auto row = rows_in(config).front();
  queue::DueRecipient due;
  due.message = row.id;
  due.attempts = row.attempts;
  due.destination = "example.net";
  // A coroutine that is lost looks like this.
  relay.on_loop(
      [&](relay::Daemon& daemon) { REQUIRE(daemon.dispatcher().claim(daemon.dispatcher().look(), {due}).size() == 1); });
  CHECK(relay.logs("error freed id=" + row.id.to_string()));
  CHECK(eventually([&] {
    const auto rows = rows_in(config);
    return rows.empty() || (rows[0].attempts == 2 && rows[0].last_reply == "its delivery did not end");
  }));
  CHECK(sink.receives(1));  // it goes on with its retry
}

TEST_CASE("mail whose content is not what was accepted is set aside, and the rest goes on") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.line == "RCPT TO:<bob@example.net>") return "451 4.3.0 not now";
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {Milliseconds(1000)};
  Relay relay(config, example);
  std::string body;
  while (body.size() < 1U << 19U) body += std::string(70, 'x') + "\r\n";
  const std::string text = message("a@client.example", "large", body);
  const std::string id = submit(relay, "bob@example.net", text);
  REQUIRE(relay.logs("info deferred id=" + id));
  const std::string path = queue::content_path(config.spool, queue::QueueId::parse(id).value());

  SECTION("its file is gone") { std::filesystem::remove(path); }
  SECTION("its file has other octets") {
    std::string octets = base::read_file(path, 1U << 20U).value();
    octets[1000] = 'y';
    REQUIRE(base::write_file_durably(path, octets, 0600));
    sink.script({});
  }
  CHECK(relay.logs("error damaged id=" + id));
  CHECK(holds(config, {}));
  const auto reader = queue::open_reader(config.spool).value();
  REQUIRE(eventually([&] { return reader->quarantined(10).value().size() == 1; }));
  CHECK(reader->quarantined(10).value().front().id.to_string() == id);
  CHECK(relay.count_in_log("info bounced") == 0);
  submit(relay, "carol@example.net", message("a@client.example", "x"));
  CHECK(sink.receives(1));
  CHECK(sink.arrivals().front().rcpts == Strings{"RCPT TO:<carol@example.net>"});
}

TEST_CASE("a destination with much mail that never answers does not delay another") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.line.find("@example.org") != std::string::npos) return stall;
    return std::nullopt;
  });
  const conf::Config config = config_in(folder, sink.port());
  fill(config, 3000, [](std::size_t) { return "dora@example.org"; });
  Relay relay(config, example);
  act(relay, queue::Deed::retry);
  REQUIRE(eventually([&] { return sink.count_of("RCPT TO:<dora@example.org>") == 1; }));
  for (int i = 0; i < 3; ++i) {
    const auto began = std::chrono::steady_clock::now();
    submit(relay, "bob@example.net", message("a@client.example", std::to_string(i)));
    CHECK(sink.receives(static_cast<std::size_t>(i) + 1));
    CHECK(std::chrono::steady_clock::now() - began < Milliseconds(1000));
  }
  sink.end();
}

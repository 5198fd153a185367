// The admin's deeds on waiting mail: whom they touch, whom they do not, and that a stop in the middle loses nothing of them.
#include <algorithm>
#include <atomic>
#include <optional>

#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"

namespace {

using namespace world;
using queue::Deed;
using queue::State;
using Strings = std::vector<std::string>;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}, {"client.example", {"127.0.0.1"}}});
constexpr Milliseconds never = std::chrono::hours(1);
constexpr Milliseconds a_while(400);

std::string submit(const Relay& relay, const std::string& from, const std::string& to) {
  Client client = relay.client();
  client.ehlo();
  const std::string reply = client.send(from, {to}, message(from, "x"));
  REQUIRE(reply.starts_with("250 "));
  return id_in(reply);
}

std::optional<std::string> not_now(const Said& said) {
  if (said.verb == "RCPT") return "451 4.3.0 not now";
  return std::nullopt;
}

/// Three that were tried and wait for an hour.
class Waiting {
 public:
  Waiting() : config_(config_in(folder_, sink_.port())) {
    config_.retry.delays = {never};
    sink_.script(not_now);
    relay_.emplace(config_, example);
    bob_ = submit(*relay_, "a@client.example", "bob@example.net");
    dora_ = submit(*relay_, "a@client.example", "dora@example.org");
    carl_ = submit(*relay_, "c@client.example", "bob@example.net");
    REQUIRE(holds(config_, {"bob@example.net deferred", "dora@example.org deferred", "bob@example.net deferred"}));
    REQUIRE(eventually([&] { return relay_->count_in_log("info deferred id=") == 3; }));
    sink_.script({});
  }

 protected:
  Strings arrived() const {
    Strings rcpts;
    for (const Arrival& arrival : sink_.arrivals()) rcpts.push_back(arrival.rcpts.front());
    std::ranges::sort(rcpts);
    return rcpts;
  }

  Folder folder_;
  Sink sink_;
  conf::Config config_;
  std::optional<Relay> relay_;
  std::string bob_;
  std::string dora_;
  std::string carl_;
};

}  // namespace

TEST_CASE_METHOD(Waiting, "retry sends what it selects at once, the rest waits on") {
  const auto action = act(*relay_, Deed::retry, only("to", "bob@*"));
  CHECK(action.touched == 2);
  CHECK(action.skipped == 0);
  CHECK(sink_.receives(2));
  CHECK(arrived() == Strings{"RCPT TO:<bob@example.net>", "RCPT TO:<bob@example.net>"});
  CHECK(holds(config_, {"dora@example.org deferred"}));
  CHECK(relay_->logs("info action-done id=" + action.id.to_string() + " deed=retry touched=2 skipped=0"));
}

TEST_CASE_METHOD(Waiting, "held mail stays until it is released, and does not expire") {
  CHECK(act(*relay_, Deed::hold, only("from", "c@*")).touched == 1);
  CHECK(holds(config_, {"bob@example.net deferred", "dora@example.org deferred", "bob@example.net held"}));
  CHECK(act(*relay_, Deed::hold, only("from", "c@*")).touched == 0);  // it is
  CHECK(act(*relay_, Deed::retry).touched == 2);
  CHECK(sink_.receives(2));
  std::this_thread::sleep_for(a_while);
  CHECK(holds(config_, {"bob@example.net held"}));
  relay_.reset();

  config_.retry.give_up = Milliseconds(1);
  relay_.emplace(config_, example, Pace{.sweeps = Milliseconds(50)});
  std::this_thread::sleep_for(a_while);
  CHECK(holds(config_, {"bob@example.net held"}));
  CHECK(act(*relay_, Deed::release).touched == 1);
  CHECK(sink_.receives(3));
  CHECK(holds(config_, {}));
}

TEST_CASE_METHOD(Waiting, "what is held keeps its attempts and the words of the last one") {
  act(*relay_, Deed::hold, {});
  for (const queue::ListRow& row : rows_in(config_)) {
    CHECK(row.attempts == 1);
    CHECK(row.last_reply == "451 4.3.0 not now");
    CHECK(row.mx.starts_with("mx1.example."));
  }
}

TEST_CASE_METHOD(Waiting, "bounce returns mail to its sender, with the reason") {
  CHECK(act(*relay_, Deed::bounce, only("domain", "example.org")).touched == 1);
  REQUIRE(sink_.receives(1));
  const Arrival notice = sink_.arrivals().front();
  CHECK(notice.rcpts == Strings{"RCPT TO:<a@client.example>"});
  CHECK(notice.content.find("Final-Recipient: rfc822; dora@example.org\r\nAction: failed\r\n") != std::string::npos);
  CHECK(notice.content.find("administrator") != std::string::npos);
  CHECK(relay_->logs("info bounced id=" + dora_ + " to=<dora@example.org> mx=mx1.example.org"));
  CHECK(holds(config_, {"bob@example.net deferred", "bob@example.net deferred"}));
}

TEST_CASE_METHOD(Waiting, "drop removes mail without a word to anybody but the log") {
  CHECK(act(*relay_, Deed::drop, only("id", bob_)).touched == 1);
  CHECK(relay_->logs("info dropped id=" + bob_ + " to=<bob@example.net>"));
  CHECK(holds(config_, {"dora@example.org deferred", "bob@example.net deferred"}));
  std::this_thread::sleep_for(a_while);
  CHECK(sink_.arrivals().empty());
}

TEST_CASE_METHOD(Waiting, "what was never tried is held, bounced and dropped as well") {
  pause(*relay_, "example.org");
  const std::string fresh = submit(*relay_, "a@client.example", "eve@example.org");
  CHECK(act(*relay_, Deed::hold, only("id", fresh)).touched == 1);
  CHECK(resume(*relay_, "example.org") == 1);
  std::this_thread::sleep_for(a_while);
  CHECK(sink_.arrivals().empty());
  CHECK(act(*relay_, Deed::drop, only("id", fresh)).touched == 1);
  CHECK(rows_in(config_).size() == 3);
}

TEST_CASE("what is being delivered is left alone and counted") {
  const Folder folder;
  Sink sink;
  std::atomic<bool> go_on = false;
  sink.script([&](const Said& said) -> std::optional<std::string> {
    if (said.line != "RCPT TO:<bob@example.net>") return not_now(said);
    eventually([&] { return go_on.load(); });
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {never};
  Relay relay(config, example);
  const std::string active = submit(relay, "a@client.example", "bob@example.net");
  REQUIRE(eventually([&] { return sink.count_of("RCPT TO:<bob@example.net>") == 1; }));
  submit(relay, "a@client.example", "dora@example.org");
  REQUIRE(relay.logs("info deferred id="));
  const Deed deed = GENERATE(Deed::hold, Deed::bounce, Deed::drop);
  const auto action = act(relay, deed);
  CHECK(action.touched == 1);
  CHECK(action.skipped == 1);
  go_on = true;
  CHECK(relay.logs("info delivered id=" + active));
}

TEST_CASE("retry ends the rest of a destination that is back") {
  const Folder folder;
  const std::uint16_t port = free_port();
  conf::Config config = config_in(folder, port);
  config.retry.delays = {never};
  Relay relay(config, example);
  submit(relay, "a@client.example", "bob@example.net");
  submit(relay, "a@client.example", "carol@example.net");
  REQUIRE(holds(config, {"bob@example.net deferred", "carol@example.net deferred"}));
  Sink sink("127.0.0.1", port);
  CHECK(act(relay, Deed::retry, only("to", "bob@*")).touched == 1);
  CHECK(sink.receives(1));
}

TEST_CASE("an action that a stop interrupts goes on with the next start, and touches everyone once") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  constexpr std::size_t count = 4000;
  fill(config, count, [](std::size_t i) { return "user" + std::to_string(i) + "@example.net"; });
  queue::QueueId id;
  {
    Relay relay(config, example);
    id = begin(relay, Deed::hold, only("domain", "example.net"));
    relay.stop();
  }
  {
    const auto reader = queue::open_reader(config.spool).value();
    const auto actions = reader->actions().value();
    REQUIRE(actions.size() == 1);
    CHECK(actions[0].id == id);
    REQUIRE_FALSE(actions[0].finished.has_value());
    const auto rows = rows_in(config);
    const auto held = std::ranges::count(rows, State::held, &queue::ListRow::state);
    CHECK(held == static_cast<std::ptrdiff_t>(actions[0].touched));
    CHECK(held < static_cast<std::ptrdiff_t>(count));
  }
  Relay relay(config, example);
  const auto action = end_of(relay, id);
  CHECK(action.touched == count);
  const auto rows = rows_in(config);
  CHECK(std::ranges::count(rows, State::held, &queue::ListRow::state) == static_cast<std::ptrdiff_t>(count));
  CHECK(sink.connections() == 0);
}

TEST_CASE("mail that comes after an action is not concerned by it") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  fill(config, 2000, [](std::size_t i) { return "user" + std::to_string(i) + "@example.net"; });
  Relay relay(config, example);
  const auto id = begin(relay, Deed::drop, {});
  submit(relay, "a@client.example", "bob@example.net");
  CHECK(end_of(relay, id).touched == 2000);
  CHECK(sink.receives(1));
  CHECK(holds(config, {}));
}

TEST_CASE("actions follow each other in their order: what is held by one is released by the next") {
  const Folder folder;
  Sink sink;
  const conf::Config config = config_in(folder, sink.port());
  fill(config, 1000, [](std::size_t) { return "bob@example.net"; });
  Relay relay(config, example);
  pause(relay, "example.net");
  const auto hold = begin(relay, Deed::hold, {});
  const auto release = begin(relay, Deed::release, {});
  CHECK(end_of(relay, release).touched == 1000);
  CHECK(end_of(relay, hold).touched == 1000);
  const auto rows = rows_in(config);
  CHECK(std::ranges::count(rows, State::deferred, &queue::ListRow::state) == 1000);
}

// What the schedule hands out: turns, limits, refills from the store, its window.
#include "queue/schedule.h"

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/queue/schedule_steps.h"

namespace {

using namespace std::chrono_literals;
using namespace steps;

}  // namespace

TEST_CASE("an accepted message goes at once, all recipients of a destination in one job") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example"), due(1, 1, "b.example"), due(1, 2, "a.example")}, start).empty());
  const auto first = job(schedule.next(start));
  CHECK(first.destination == "a.example");
  REQUIRE(first.recipients.size() == 2);
  CHECK(first.recipients[0].index == 0);
  CHECK(first.recipients[1].index == 2);
  CHECK(job(schedule.next(start)).destination == "b.example");
  CHECK(waits(schedule.next(start)));
  CHECK(schedule.is_active(QueueId(1), 2));
  schedule.finish(first, records(first, State::delivered), start);
  CHECK_FALSE(schedule.is_active(QueueId(1), 2));
}

TEST_CASE("a job holds no more recipients than a transaction") {
  auto limits = options();
  limits.recipients_per_transaction = 3;
  Schedule schedule(limits, 1);
  std::vector<DueRecipient> many;
  for (std::uint32_t i = 0; i < 7; ++i) many.push_back(due(1, i, "a.example"));
  CHECK(schedule.add(many, start).empty());
  CHECK(job(schedule.next(start)).recipients.size() == 3);
  CHECK(job(schedule.next(start)).recipients.size() == 3);
  CHECK(job(schedule.next(start)).recipients.size() == 1);
  CHECK(waits(schedule.next(start)));
}

TEST_CASE("destinations take turns however much mail one of them has") {
  Schedule schedule(options(), 1);
  std::vector<DueRecipient> many;
  for (std::uint64_t i = 0; i < 50; ++i) many.push_back(due(i, 0, "big.example"));
  CHECK(schedule.add(many, start).empty());
  CHECK(schedule.add({due(100, 0, "small.example"), due(101, 0, "small.example")}, start).empty());
  std::vector<std::string> turns;
  for (int i = 0; i < 4; ++i) turns.push_back(job(schedule.next(start)).destination);
  CHECK(turns == std::vector<std::string>{"big.example", "small.example", "big.example", "small.example"});
}

TEST_CASE("connections are limited per destination and in all") {
  auto limits = options();
  limits.connections = 3;
  limits.connections_per_destination = 2;
  Schedule schedule(limits, 1);
  std::vector<DueRecipient> many;
  for (std::uint64_t i = 0; i < 10; ++i) many.push_back(due(i, 0, "a.example"));
  CHECK(schedule.add(many, start).empty());
  CHECK(job(schedule.next(start)).destination == "a.example");
  CHECK(job(schedule.next(start)).destination == "a.example");
  CHECK(waits(schedule.next(start)));
  CHECK(schedule.add({due(20, 0, "b.example"), due(21, 0, "c.example")}, start).empty());
  CHECK(job(schedule.next(start)).destination == "b.example");
  CHECK(waits(schedule.next(start)));
  CHECK(schedule.active_connections() == 3);
  schedule.release("b.example");
  CHECK(job(schedule.next(start)).destination == "c.example");

  SECTION("an open connection takes the next message without a new lease") {
    schedule.release("c.example");
    CHECK(schedule.next_for("a.example", start).has_value());
    CHECK(schedule.active_connections() == 2);
  }
  SECTION("but ends when all are in use and another destination has none") {
    CHECK(schedule.add({due(30, 0, "d.example")}, start).empty());
    CHECK_FALSE(schedule.next_for("a.example", start).has_value());
    schedule.release("a.example");
    CHECK(job(schedule.next(start)).destination == "d.example");
    CHECK(schedule.next_for("a.example", start).has_value());
  }
  SECTION("nothing is left for it") { CHECK_FALSE(schedule.next_for("b.example", start).has_value()); }
}

TEST_CASE("deferred recipients come back by a refill at their time") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example")}, start).empty());
  const auto first = job(schedule.next(start));
  schedule.finish(first, records(first, State::deferred, start + 60s), start);
  schedule.release("a.example");
  CHECK(wait(schedule.next(start)) == start + 60s);
  CHECK(wait(schedule.next(start + 59s)) == start + 60s);
  CHECK(refill(schedule.next(start + 60s)).destination == "a.example");
  CHECK_FALSE(wait(schedule.next(start + 60s)).has_value());  // one refill at a time
  schedule.refilled("a.example", {due(1, 0, "a.example", start + 60s)}, true, start + 1h, start + 60s);
  CHECK(job(schedule.next(start + 60s)).recipients.size() == 1);
  CHECK(wait(schedule.next(start + 60s)) == start + 1h);
}

TEST_CASE("rows that are not due yet tell the next time") {
  Schedule schedule(options(), 1);
  schedule.know({{"a.example", 2, start}});
  CHECK(refill(schedule.next(start)).limit >= 2);
  schedule.refilled("a.example", {due(1, 0, "a.example"), due(2, 0, "a.example", start + 7min)}, true, std::nullopt, start);
  CHECK(job(schedule.next(start)).message == QueueId(1));
  CHECK(wait(schedule.next(start)) == start + 7min);
}

TEST_CASE("a stale refill hands nobody out twice") {
  Schedule schedule(options(), 1);
  const auto stale = std::vector<DueRecipient>{due(1, 0, "a.example"), due(2, 0, "a.example"), due(3, 0, "a.example")};
  schedule.know({{"a.example", 3, start}});
  refill(schedule.next(start));
  schedule.refilled("a.example", {stale[0], stale[1]}, false, std::nullopt, start);
  refill(schedule.next(start + 1s));  // more is wanted, and its rows are read now, before what follows
  const auto first = job(schedule.next(start + 1s));
  CHECK(first.message == QueueId(1));
  CHECK(job(schedule.next(start + 1s)).message == QueueId(2));

  SECTION("while it is active") {
    schedule.refilled("a.example", stale, true, std::nullopt, start + 1s);
    CHECK(job(schedule.next(start + 1s)).message == QueueId(3));
    CHECK(waits(schedule.next(start + 1s)));
  }
  SECTION("when it was delivered meanwhile") {
    schedule.finish(first, records(first, State::delivered), start + 1s);
    schedule.refilled("a.example", stale, true, std::nullopt, start + 1s);
    CHECK(job(schedule.next(start + 1s)).message == QueueId(3));
    CHECK(waits(schedule.next(start + 1s)));
  }
  SECTION("when it was deferred meanwhile: its new time is kept though the rows know a later one") {
    schedule.finish(first, records(first, State::deferred, start + 60s), start + 1s);
    schedule.refilled("a.example", stale, true, start + 1h, start + 1s);
    CHECK(job(schedule.next(start + 1s)).message == QueueId(3));
    CHECK(wait(schedule.next(start + 1s)) == start + 60s);
    CHECK(refill(schedule.next(start + 60s)).destination == "a.example");
    schedule.refilled("a.example", {due(1, 0, "a.example", start + 60s)}, true, std::nullopt, start + 60s);
    CHECK(job(schedule.next(start + 60s)).message == QueueId(1));
  }
  SECTION("when the admin dropped it meanwhile") {
    schedule.forget(QueueId(3));
    schedule.refilled("a.example", stale, true, std::nullopt, start + 1s);
    CHECK(waits(schedule.next(start + 1s)));
  }
}

TEST_CASE("a refill that failed is asked again, not at once") {
  Schedule schedule(options(), 1);
  schedule.know({{"a.example", 1, start}});
  refill(schedule.next(start));
  schedule.refilled("a.example", {}, false, std::nullopt, start);
  const auto until = wait(schedule.next(start));
  REQUIRE(until.has_value());
  CHECK(*until > start);
  CHECK(refill(schedule.next(*until)).destination == "a.example");
}

TEST_CASE("the window is bounded, and what does not fit is handed back") {
  auto limits = options();
  limits.window_per_destination = 20;
  limits.window = 30;
  Schedule schedule(limits, 1);
  const auto fill = [&](const std::string& destination, std::uint64_t from) {
    std::vector<DueRecipient> many;
    for (std::uint64_t i = 0; i < 25; ++i) many.push_back(due(from + i, 0, destination));
    return schedule.add(many, start).size();
  };
  CHECK(fill("a.example", 0) == 5);
  CHECK(fill("b.example", 100) == 15);
  CHECK(fill("c.example", 200) == 15);  // the window of all is full: a few each, so that nobody starves
  CHECK(schedule.window_size() == 40);

  SECTION("what waits in the store comes before fresh mail") {
    schedule.know({{"a.example", 5, start}});
    while (!waits(schedule.next(start))) {
    }
    CHECK(schedule.add({due(900, 0, "a.example")}, start).size() == 1);
  }
}

TEST_CASE("older mail in the store is fetched although fresh mail never ends") {
  auto limits = options();
  limits.window_per_destination = 20;
  limits.connections_per_destination = 1;
  Schedule schedule(limits, 1);
  std::uint64_t fresh = 1000;
  const auto stream = [&] {
    for (int i = 0; i < 3; ++i) static_cast<void>(schedule.add({due(fresh++, 0, "a.example")}, start));
  };
  for (int i = 0; i < 10; ++i) stream();
  auto current = job(schedule.next(start));
  schedule.know({{"a.example", 1, start}});
  bool fetched = false;
  for (int turn = 0; turn < 40 && !fetched; ++turn) {
    stream();
    fetched = std::holds_alternative<Refill>(schedule.next(start));
    schedule.finish(current, records(current, State::delivered), start);
    const auto more = schedule.next_for("a.example", start);
    if (more) current = *more;
  }
  CHECK(fetched);
}

TEST_CASE("a dropped message leaves every window") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example"), due(1, 1, "b.example"), due(2, 0, "b.example")}, start).empty());
  schedule.forget(QueueId(1));
  CHECK(job(schedule.next(start)).message == QueueId(2));
  CHECK(waits(schedule.next(start)));
  CHECK(schedule.window_size() == 0);
  CHECK(schedule.known_destinations() == 1);
}

TEST_CASE("many destinations are cheap, and forgotten when nothing is left") {
  Schedule schedule(options(), 1);
  constexpr std::uint64_t count = 20000;
  std::vector<DueRecipient> many;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = "domain-" + std::to_string(i) + ".example";
    many.push_back(due(2 * i, 0, name));
    many.push_back(due(2 * i + 1, 0, name));
  }
  CHECK(schedule.add(std::move(many), start).empty());
  const auto began = std::chrono::steady_clock::now();
  std::size_t jobs = 0;
  for (auto step = schedule.next(start);; step = schedule.next(start)) {
    const auto* current = std::get_if<DeliveryJob>(&step);
    if (current == nullptr) break;
    schedule.finish(*current, {}, start);
    schedule.release(current->destination);
    ++jobs;
  }
  CHECK(jobs == 2 * count);
  CHECK(schedule.known_destinations() == 0);
  // Generous for sanitizers on a busy machine; a scan over all destinations in next() would take minutes.
  CHECK(std::chrono::steady_clock::now() - began < 60s);
}

TEST_CASE("the senders of a destination take turns, so that a single mail does not wait behind a bulk") {
  Schedule schedule(options(), 1);
  const auto from = [](std::uint64_t message, std::uint32_t sender) {
    DueRecipient recipient = due(message, 0, "a.example");
    recipient.sender = sender;
    return recipient;
  };
  std::vector<DueRecipient> bulk;
  for (std::uint64_t message = 1; message <= 100; ++message) bulk.push_back(from(message, 7));
  CHECK(schedule.add(bulk, start).empty());
  CHECK(schedule.add({from(200, 9)}, start).empty());
  CHECK(schedule.add({from(201, 9)}, start).empty());
  CHECK(schedule.add({from(300, queue::null_sender)}, start).empty());
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 6; ++i) order.push_back(job(schedule.next(start)).message.value());
  CHECK(order == std::vector<std::uint64_t>{300, 1, 200, 2, 201, 3});
}

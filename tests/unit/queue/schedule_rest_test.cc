// What comes back to the schedule: destinations that rest, recipients that are claimed, active or given back.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "queue/schedule.h"
#include "tests/catch.h"
#include "tests/unit/queue/schedule_steps.h"

namespace {

using namespace std::chrono_literals;
using namespace steps;

}  // namespace

TEST_CASE("a dead destination rests, and is tried by one connection afterwards") {
  Schedule schedule(options(), 7);
  std::vector<DueRecipient> many;
  for (std::uint64_t i = 0; i < 5; ++i) many.push_back(due(i, 0, "dead.example"));
  CHECK(schedule.add(many, start).empty());
  const auto first = job(schedule.next(start));
  const auto second = job(schedule.next(start));
  auto back = schedule.rest("dead.example", start, delays);
  CHECK(back.size() == 3);  // to be recorded as deferred
  CHECK(schedule.rest("dead.example", start + 1s, delays).empty());
  const auto until = schedule.rests_until("dead.example");
  CHECK(near(until, start, 1min));
  for (auto& late : schedule.add({due(50, 0, "dead.example")}, start + 1s)) back.push_back(std::move(late));
  CHECK(back.size() == 4);
  CHECK_FALSE(schedule.next_for("dead.example", start + 1s).has_value());
  schedule.finish(first, records(first, State::deferred, *until), start + 1s);
  schedule.finish(second, records(second, State::deferred, *until), start + 1s);
  schedule.release("dead.example");
  schedule.release("dead.example");
  schedule.parked(back, start + 2s);
  CHECK(wait(schedule.next(start + 2s)) == until);

  const Time again = *until;
  CHECK(refill(schedule.next(again)).limit <= 10);
  auto rows = many;
  rows.push_back(due(50, 0, "dead.example"));
  schedule.refilled("dead.example", rows, true, std::nullopt, again);
  const auto probe = job(schedule.next(again));
  CHECK(waits(schedule.next(again)));

  SECTION("alive: one connection more for every success, until it has as many as any") {
    schedule.alive("dead.example");
    CHECK_FALSE(schedule.rests_until("dead.example").has_value());
    for (std::uint64_t i = 60; i < 90; ++i) CHECK(schedule.add({due(i, 0, "dead.example")}, again).empty());
    for (std::size_t successes = 1; successes < 15; ++successes) {
      while (!waits(schedule.next(again))) {
      }
      CHECK(schedule.active_connections() == std::min<std::size_t>(successes + 1, 10));
      schedule.alive("dead.example");
    }
  }
  SECTION("dead again: a longer rest, and what the store knows is not handed back") {
    CHECK(schedule.rest("dead.example", again, delays).empty());
    CHECK(near(schedule.rests_until("dead.example"), again, 5min));
    schedule.finish(probe, records(probe, State::deferred, again + 5min), again);
    schedule.release("dead.example");
    const auto next = wait(schedule.next(again));
    CHECK(next == schedule.rests_until("dead.example"));
    CHECK(refill(schedule.next(*next)).destination == "dead.example");
  }
  SECTION("the admin wakes it") {
    CHECK(schedule.rest("dead.example", again, delays).empty());
    schedule.finish(probe, records(probe, State::deferred, again + 5min), again);
    schedule.release("dead.example");
    CHECK(waits(schedule.next(again)));
    schedule.wake("dead.example");
    refill(schedule.next(again));
    schedule.refilled("dead.example", many, true, std::nullopt, again);
    CHECK(job(schedule.next(again)).destination == "dead.example");
    CHECK(waits(schedule.next(again)));
  }
}

TEST_CASE("a rest is remembered while what was handed back is being recorded") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example"), due(2, 0, "a.example")}, start).empty());
  const auto probe = job(schedule.next(start));
  const auto back = schedule.rest("a.example", start, delays);
  REQUIRE(back.size() == 1);
  schedule.finish(probe, records(probe, State::failed), start);
  schedule.release("a.example");
  CHECK(waits(schedule.next(start)));
  CHECK(schedule.known_destinations() == 1);
  schedule.parked(back, start);
  refill(schedule.next(start + 2min));
  schedule.refilled("a.example", {}, true, std::nullopt, start + 2min);
  CHECK(schedule.known_destinations() == 0);
}

TEST_CASE("what has expired is claimed, unless it is being delivered") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example"), due(2, 0, "a.example")}, start).empty());
  CHECK(job(schedule.next(start)).message == QueueId(1));
  const auto claimed =
      schedule.claim(schedule.look(), {due(1, 0, "a.example"), due(2, 0, "a.example"), due(3, 0, "b.example")}, start);
  REQUIRE(claimed.size() == 2);
  CHECK(claimed[0].message == QueueId(2));
  CHECK(schedule.is_active(QueueId(3), 0));
  CHECK(waits(schedule.next(start)));
  DeliveryJob done;
  done.destination = "b.example";
  done.message = QueueId(3);
  done.recipients = {claimed[1]};
  schedule.finish(done, records(done, State::failed), start);
  CHECK_FALSE(schedule.is_active(QueueId(3), 0));
}

TEST_CASE("what was finished while its row was read is not claimed") {
  Schedule schedule(options(), 1);
  CHECK(schedule.add({due(1, 0, "a.example"), due(2, 0, "a.example")}, start).empty());
  const auto early = schedule.look();
  const auto first = job(schedule.next(start));
  const auto second = job(schedule.next(start));
  schedule.finish(first, records(first, State::delivered), start);
  const auto late = schedule.look();
  schedule.finish(second, records(second, State::deferred, start + 1min), start);
  const std::vector<DueRecipient> rows = {due(1, 0, "a.example"), due(2, 0, "a.example"), due(3, 0, "a.example")};
  const auto from_late = schedule.claim(late, {rows[0], rows[1]}, start);
  REQUIRE(from_late.size() == 1);
  CHECK(from_late[0].message == QueueId(1));  // its row says what it is by now
  const auto from_early = schedule.claim(early, {rows[1], rows[2]}, start);
  REQUIRE(from_early.size() == 1);
  CHECK(from_early[0].message == QueueId(3));
}

TEST_CASE("who is active, and since when, until the outcome is known") {
  Schedule schedule(options(), 1);
  CHECK(schedule.active().empty());
  auto tried = due(1, 4, "a.example");
  tried.attempts = 2;
  CHECK(schedule.add({tried}, start).empty());
  const auto current = job(schedule.next(start + 3s));
  REQUIRE(schedule.active().size() == 1);
  CHECK(schedule.active()[0].key == queue::RecipientKey{QueueId(1), 4});
  CHECK(schedule.active()[0].since == start + 3s);
  CHECK(schedule.active()[0].attempts == 2);
  CHECK(schedule.active()[0].destination == "a.example");
  schedule.conclude(current);
  REQUIRE(schedule.active().size() == 1);
  CHECK(schedule.active()[0].since == Time::max());
  schedule.finish(current, records(current, State::delivered), start + 9s);
  CHECK(schedule.active().empty());
}

TEST_CASE("what is given back is active until the store has it as deferred") {
  Schedule schedule(options(), 1);
  CHECK(schedule.rest("a.example", start, delays).empty());
  const auto back = schedule.add({due(1, 0, "a.example")}, start);
  REQUIRE(back.size() == 1);
  CHECK(schedule.is_active(QueueId(1), 0));
  CHECK(schedule.claim(schedule.look(), back, start).empty());
  schedule.parked(back, start);
  CHECK_FALSE(schedule.is_active(QueueId(1), 0));
  CHECK(near(wait(schedule.next(start)), start, 1min));
  CHECK(refill(schedule.next(start + 2min)).destination == "a.example");
}

TEST_CASE("retry times follow their delays with 10 % of jitter") {
  Schedule schedule(options(), 3);
  std::set<Time> seen;
  for (int i = 0; i < 200; ++i) {
    CHECK(near(schedule.retry_at(1, start, delays), start, 1min));
    CHECK(near(schedule.retry_at(2, start, delays), start, 5min));
    CHECK(near(schedule.retry_at(3, start, delays), start, 1h));
    CHECK(near(schedule.retry_at(99, start, delays), start, 1h));
    CHECK(near(schedule.retry_at(0, start, delays), start, 1min));
    CHECK(near(schedule.retry_at(7, start, {}), start, 1min));
    seen.insert(schedule.retry_at(3, start, delays));
  }
  CHECK(seen.size() > 100);
}

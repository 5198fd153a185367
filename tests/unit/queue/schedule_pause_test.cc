// Paused destinations: by their own name, and found out by their hosts.
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "queue/schedule.h"
#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using queue::DeliveryJob;
using queue::DueRecipient;
using queue::QueueId;
using queue::Refill;
using queue::Schedule;
using queue::State;
using queue::Time;
using queue::Wait;

const Time start{std::chrono::hours(500000)};
const std::vector<base::Duration> delays = {1min, 5min, 1h};

DueRecipient due(std::uint64_t message, const std::string& destination) {
  return {QueueId(message), 0, 0, start, start + 120h, destination};
}

std::optional<std::string> next_destination(Schedule& schedule, Time now) {
  const auto step = schedule.next(now);
  if (const auto* job = std::get_if<DeliveryJob>(&step)) return job->destination;
  return std::nullopt;
}

bool asks_for(Schedule& schedule, const std::string& destination, Time now) {
  const auto step = schedule.next(now);
  const auto* refill = std::get_if<Refill>(&step);
  return refill != nullptr && refill->destination == destination;
}

bool waits(Schedule& schedule, Time now) {
  const auto step = schedule.next(now);
  return std::holds_alternative<Wait>(step);
}

}  // namespace

TEST_CASE("a paused destination gives back what waits and gets nothing, others go on") {
  Schedule schedule({}, 1);
  CHECK(schedule.add({due(1, "mail.a.example"), due(2, "mail.a.example"), due(3, "b.example")}, start).empty());
  CHECK(next_destination(schedule, start) == "mail.a.example");
  const auto back = schedule.pause("*.A.example", start);
  REQUIRE(back.size() == 1);
  CHECK(back[0].message == QueueId(2));
  REQUIRE(schedule.paused_by("mail.a.example") != nullptr);
  CHECK(*schedule.paused_by("mail.a.example") == "*.A.example");
  CHECK(*schedule.paused_by("www.a.example") == "*.A.example");  // nothing is known of it yet
  CHECK(schedule.paused_by("b.example") == nullptr);
  CHECK_FALSE(schedule.next_for("mail.a.example", start).has_value());
  CHECK(next_destination(schedule, start) == "b.example");
  CHECK(waits(schedule, start));

  SECTION("fresh mail is given back") {
    CHECK(schedule.add({due(7, "mail.a.example")}, start).size() == 1);
    CHECK(schedule.add({due(8, "new.a.example")}, start).size() == 1);
    CHECK(waits(schedule, start + 1h));
  }
  SECTION("what the store has is not fetched, and no time is waited for") {
    schedule.parked(back, start);
    schedule.know({{"mail.a.example", 5, start}, {"other.a.example", 5, start + 1min}});
    const auto step = schedule.next(start + 1h);
    REQUIRE(std::holds_alternative<Wait>(step));
    CHECK_FALSE(std::get<Wait>(step).until.has_value());
  }
  SECTION("resumed, all of it comes") {
    schedule.parked(back, start);
    schedule.know({{"other.a.example", 5, start + 1min}});
    schedule.resume("*.A.example", start + 1h);
    CHECK(schedule.paused_by("mail.a.example") == nullptr);
    CHECK(schedule.pause_matching("mail.a.example") == nullptr);
    CHECK(asks_for(schedule, "mail.a.example", start + 1h) != asks_for(schedule, "mail.a.example", start + 1h));
    CHECK(schedule.add({due(9, "fresh.a.example")}, start + 1h).empty());
  }
  SECTION("resumed while another pattern holds it still") {
    schedule.parked(back, start);
    CHECK(schedule.pause("mail.*", start).empty());
    schedule.resume("*.A.example", start);
    CHECK(*schedule.paused_by("mail.a.example") == "mail.*");
    CHECK(waits(schedule, start));
    schedule.resume("mail.*", start);
    CHECK(asks_for(schedule, "mail.a.example", start));
  }
}

TEST_CASE("a job under way when the pause comes ends as it ends, and its retry waits") {
  Schedule schedule({}, 1);
  CHECK(schedule.add({due(1, "a.example")}, start).empty());
  const auto step = schedule.next(start);
  const auto& job = std::get<DeliveryJob>(step);
  CHECK(schedule.pause("a.example", start).empty());
  queue::DeliveryRecord record;
  record.message = QueueId(1);
  record.state = State::deferred;
  record.next_attempt = start + 1min;
  schedule.finish(job, {record}, start + 1s);
  schedule.release("a.example");
  CHECK(waits(schedule, start + 1h));
  schedule.resume("a.example", start + 1h);
  CHECK(asks_for(schedule, "a.example", start + 1h));
}

TEST_CASE("a refill on its way when the pause comes brings nothing, and is asked again after it") {
  Schedule schedule({}, 1);
  schedule.know({{"a.example", 1, start}});
  CHECK(asks_for(schedule, "a.example", start));
  CHECK(schedule.pause("a.example", start).empty());
  schedule.refilled("a.example", {due(1, "a.example")}, true, std::nullopt, start);
  CHECK(waits(schedule, start));
  CHECK(schedule.window_size() == 0);
  schedule.resume("a.example", start);
  CHECK(asks_for(schedule, "a.example", start));
}

TEST_CASE("a destination is paused when one of its hosts is") {
  Schedule schedule({}, 1);
  CHECK(schedule.pause("*.google.example", start).empty());
  CHECK(schedule.pause_matching("mx1.Google.example") != nullptr);
  CHECK(schedule.add({due(1, "a.example"), due(2, "a.example")}, start).empty());
  CHECK(next_destination(schedule, start) == "a.example");
  const auto back = schedule.pause_by_host("a.example", "*.google.example", start);
  CHECK(back.size() == 1);
  CHECK(waits(schedule, start + 1h));
  CHECK(schedule.paused_by_hosts() == std::vector<std::pair<std::string, std::string>>{{"a.example", "*.google.example"}});
  schedule.parked(back, start);
  schedule.resume("*.google.example", start + 1h);
  CHECK(schedule.paused_by_hosts().empty());
  CHECK(asks_for(schedule, "a.example", start + 1h));
}

TEST_CASE("the pause that a destination was found in may be over by then") {
  Schedule schedule({}, 1);
  CHECK(schedule.add({due(1, "a.example"), due(2, "a.example")}, start).empty());
  CHECK(schedule.pause_by_host("a.example", "*.google.example", start).empty());
  CHECK(schedule.paused_by("a.example") == nullptr);
  CHECK(next_destination(schedule, start) == "a.example");
}

TEST_CASE("a paused destination that rests is quiet, and forgotten when nothing waits for it") {
  Schedule schedule({}, 1);
  CHECK(schedule.add({due(1, "a.example")}, start).empty());
  const auto step = schedule.next(start);
  const auto& job = std::get<DeliveryJob>(step);
  CHECK(schedule.rest("a.example", start, delays).empty());
  CHECK(schedule.pause("a.example", start).empty());
  schedule.finish(job, {}, start);
  schedule.release("a.example");
  CHECK(waits(schedule, start + 1h));
  CHECK(schedule.known_destinations() == 0);
}

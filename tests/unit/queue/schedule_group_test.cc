// Destinations with the same hosts: shared limits, turns, rests and slow times. Time is a parameter.
#include <map>

#include "queue/schedule.h"
#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using queue::Allowance;
using queue::DeliveryJob;
using queue::DueRecipient;
using queue::GroupLimits;
using queue::QueueId;
using queue::Schedule;
using queue::Time;
using queue::Wait;

const Time start{std::chrono::hours(500000)};
const base::Rate per_minute{60, 1min};

queue::ScheduleOptions options() {
  queue::ScheduleOptions limits;
  limits.first_connections = limits.connections_per_destination;
  return limits;
}

/// A message with one recipient; messages of a destination have ids of their own.
void add(Schedule& schedule, std::uint64_t message, const std::string& destination, Time now = start) {
  const DueRecipient due{QueueId(message), 0, 0, now, now + 120h, destination, 0};
  CHECK(schedule.add({due}, now).empty());
}

/// Jobs that may begin now; each joins its group as a carrier would.
std::vector<DeliveryJob> begin_all(Schedule& schedule, const std::string& group, const GroupLimits& limits, Time now) {
  std::vector<DeliveryJob> jobs;
  for (;;) {
    auto next = schedule.next(now);
    auto* job = std::get_if<DeliveryJob>(&next);
    if (job == nullptr) return jobs;
    const auto joining = schedule.join(job->destination, group, limits, now);
    if (joining.admitted) {
      jobs.push_back(std::move(*job));
    } else {
      schedule.finish(*job, {}, now);
      schedule.parked(schedule.add(job->recipients, now), now);
      schedule.release(job->destination);
    }
  }
}

void end(Schedule& schedule, const DeliveryJob& job, Time now) {
  schedule.alive(job.destination);
  schedule.finish(job, {}, now);
  schedule.release(job.destination);
}

/// The group is open: as many connections as its limit.
void open_up(Schedule& schedule, const std::string& group, const GroupLimits& limits) {
  add(schedule, 1, "opener.example");
  auto jobs = begin_all(schedule, group, limits, start);
  REQUIRE(jobs.size() == 1);
  for (std::size_t i = 0; i < limits.connections; ++i) schedule.alive("opener.example");
  schedule.finish(jobs.front(), {}, start);
  add(schedule, 2, "opener.example");  // keeps the destination, and with it the group
}

}  // namespace

TEST_CASE("destinations of a group share its connections") {
  Schedule schedule(options(), 1);
  const GroupLimits limits{3, std::nullopt};
  open_up(schedule, "gmail", limits);
  for (std::uint64_t i = 10; i < 20; ++i) add(schedule, i, "d" + std::to_string(i) + ".example");
  // All of them are new, so that each is looked up before it is known where it belongs.
  const auto jobs = begin_all(schedule, "gmail", limits, start);
  CHECK(jobs.size() == 2);  // the opener has a connection
  schedule.release("opener.example");
  CHECK(begin_all(schedule, "gmail", limits, start).size() == 1);
}

TEST_CASE("a group that is not known opens up with good replies") {
  Schedule schedule(options(), 1);
  const GroupLimits limits{5, std::nullopt};
  for (std::uint64_t i = 1; i <= 30; ++i) add(schedule, i, "a.example");
  auto jobs = begin_all(schedule, "g", limits, start);
  CHECK(jobs.size() >= 2);  // what was being looked up already
  for (const auto& job : jobs) end(schedule, job, start);
  jobs = begin_all(schedule, "g", limits, start);
  CHECK(jobs.size() <= 5);
  CHECK(jobs.size() >= 3);
}

TEST_CASE("the destinations of a group take turns") {
  Schedule schedule(options(), 1);
  const GroupLimits limits{1, std::nullopt};
  std::uint64_t id = 0;
  for (int round = 0; round < 5; ++round) {
    for (const char* name : {"a.example", "b.example", "c.example"}) add(schedule, ++id, name);
  }
  std::map<std::string, int> served;
  std::string order;
  Time now = start;
  for (int i = 0; i < 100 && served.size() < 3; ++i) {
    now += 1s;
    for (const auto& job : begin_all(schedule, "g", limits, now)) {
      ++served[job.destination];
      order += job.destination[0];
      end(schedule, job, now);
    }
  }
  CHECK(served.size() == 3);
  CAPTURE(order);
  CHECK(order.size() <= 8);  // nobody was served five times before another had a turn
}

TEST_CASE("an open connection ends for the sake of a destination in the group that has none") {
  Schedule schedule(options(), 1);
  const GroupLimits limits{1, std::nullopt};
  for (std::uint64_t i = 1; i <= 5; ++i) add(schedule, i, "a.example");
  auto jobs = begin_all(schedule, "g", limits, start);
  REQUIRE_FALSE(jobs.empty());
  for (std::size_t i = 1; i < jobs.size(); ++i) end(schedule, jobs[i], start);
  CHECK(schedule.next_for("a.example", start));
  add(schedule, 100, "b.example");
  CHECK(begin_all(schedule, "g", limits, start).empty());
  CHECK(std::holds_alternative<Wait>(schedule.next(start)));
  CHECK_FALSE(schedule.next_for("a.example", start));
}

TEST_CASE("a resting group gets nothing until its time, and then one connection first") {
  Schedule schedule(options(), 1);
  const GroupLimits limits{5, std::nullopt};
  open_up(schedule, "g", limits);
  schedule.release("opener.example");
  for (std::uint64_t i = 10; i < 20; ++i) add(schedule, i, "a.example");
  const auto back = schedule.rest_group("g", start + 10min, start);
  CHECK(back.size() == 1);  // what waited in memory for the opener goes to the store
  schedule.parked(back, start);
  auto jobs = begin_all(schedule, "g", limits, start + 1min);
  CHECK(jobs.empty());
  CHECK(schedule.allowance_of("g")->rests(start + 9min));
  CHECK_FALSE(schedule.allowance_of("g")->rests(start + 10min));
  CHECK(schedule.allowance_of("g")->connections(start + 10min) == 1);
}

TEST_CASE("the admin ends a group's rest") {
  Schedule schedule(options(), 1);
  CHECK(schedule.rest_group("g", start + 10min, start).empty());
  CHECK(schedule.allowance_of("g")->rests(start));
  schedule.wake_group("g");
  CHECK(std::holds_alternative<Wait>(schedule.next(start)));
  CHECK((schedule.allowance_of("g") == nullptr || !schedule.allowance_of("g")->rests(start)));
}

TEST_CASE("groups that nobody belongs to are forgotten") {
  Schedule schedule(options(), 1);
  CHECK(schedule.rest_group("g", start + 10min, start).empty());
  schedule.next(start + 10min);
  CHECK(schedule.groups().empty());
}

TEST_CASE("never more than the rate within its period, and the whole of it is used") {
  Allowance allowance;
  const base::Rate rate = GENERATE(base::Rate{60, 1min}, base::Rate{1, 1min}, base::Rate{7, 1s}, base::Rate{1000, 24h});
  allowance.configure(GroupLimits{1, rate});
  std::vector<Time> sent;
  for (Time now = start; now < start + 3 * rate.period; now += rate.period / static_cast<std::int64_t>(rate.events * 20)) {
    if (!allowance.admits(now, 0)) continue;
    allowance.spend(now);
    sent.push_back(now);
  }
  CHECK(sent.size() >= rate.events * 2);
  for (std::size_t i = rate.events; i < sent.size(); ++i) {
    CAPTURE(i);
    REQUIRE(sent[i] - sent[i - rate.events] >= rate.period * 99 / 100);
  }
}

TEST_CASE("a transaction that came to nothing does not count") {
  Allowance allowance;
  allowance.configure(GroupLimits{1, base::Rate{1, 1min}});
  allowance.spend(start);
  CHECK_FALSE(allowance.admits(start, 0));
  allowance.give_back();
  CHECK(allowance.admits(start, 0));
}

TEST_CASE("a slow time is one connection and its own rate, whatever the limits") {
  Allowance allowance;
  allowance.configure(GroupLimits{10, per_minute});
  allowance.slow(start, start + 90min, base::Rate{1, 1min});
  CHECK(allowance.connections(start) == 1);
  CHECK_FALSE(allowance.admits(start, 0));
  CHECK(allowance.next_time(start) == start + 1min);
  CHECK(allowance.admits(start + 1min, 0));
  CHECK_FALSE(allowance.admits(start + 1min, 1));
  CHECK_FALSE(allowance.slow_until(start + 90min));
  CHECK(allowance.connections(start + 90min) == 1);
}

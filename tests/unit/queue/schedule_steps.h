// What the tests of the schedule make and read: recipients, records of what became of them, steps.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "queue/schedule.h"
#include "tests/catch.h"

namespace steps {

using queue::DeliveryJob;
using queue::DeliveryRecord;
using queue::DueRecipient;
using queue::QueueId;
using queue::Refill;
using queue::Schedule;
using queue::State;
using queue::Time;
using queue::Wait;
using Step = std::variant<DeliveryJob, Refill, Wait>;

inline const Time start{std::chrono::hours(500000)};

inline const std::vector<base::Duration> delays = {std::chrono::minutes(1), std::chrono::minutes(5), std::chrono::hours(1)};

/// Destinations that are open to all connections from the beginning.
inline queue::ScheduleOptions options() {
  queue::ScheduleOptions limits;
  limits.first_connections = limits.connections_per_destination;
  return limits;
}

inline DueRecipient due(std::uint64_t message, std::uint32_t index, const std::string& destination, Time when = start) {
  return {QueueId(message), index, 0, when, start + std::chrono::hours(120), destination, 0};
}

inline DeliveryRecord record(const DueRecipient& recipient, State state, Time next = start) {
  DeliveryRecord made;
  made.message = recipient.message;
  made.index = recipient.index;
  made.state = state;
  made.attempts = recipient.attempts + 1;
  made.next_attempt = next;
  return made;
}

inline std::vector<DeliveryRecord> records(const DeliveryJob& job, State state, Time next = start) {
  std::vector<DeliveryRecord> made;
  made.reserve(job.recipients.size());
  for (const auto& recipient : job.recipients) made.push_back(record(recipient, state, next));
  return made;
}

inline DeliveryJob job(const Step& step) {
  REQUIRE(std::holds_alternative<DeliveryJob>(step));
  return std::get<DeliveryJob>(step);
}
inline Refill refill(const Step& step) {
  REQUIRE(std::holds_alternative<Refill>(step));
  return std::get<Refill>(step);
}
inline std::optional<Time> wait(const Step& step) {
  REQUIRE(std::holds_alternative<Wait>(step));
  return std::get<Wait>(step).until;
}
inline bool waits(const Step& step) { return std::holds_alternative<Wait>(step); }

inline bool near(std::optional<Time> time, Time from, base::Duration delay) {
  return time && *time >= from + delay * 9 / 10 && *time <= from + delay * 11 / 10;
}

}  // namespace steps

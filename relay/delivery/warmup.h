// How much a new address sends to one receiver in a day: receivers mistrust an address that is suddenly loud. Pure: time is a
// parameter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "queue/store.h"

namespace relay::delivery {

/// Messages that one receiver gets on that day, the first being 1; nothing: as many as there are.
std::optional<std::uint64_t> warmup_plan(std::uint64_t day);
/// Mail over the plan waits no longer.
constexpr base::Duration longest_warmup_wait = std::chrono::hours(4);

/// What was sent to one receiver on one day.
struct SentToday {
  base::Time day;
  std::uint64_t messages = 0;
};

class Warmup {
 public:
  /// `since` as delivery.warmup; empty: no warm-up.
  void configure(const std::string& since);
  bool is_on(base::Time now) const { return plan(now).has_value(); }
  /// Today's place, from 1; 0: it has not begun, or there is none.
  std::uint64_t day(base::Time now) const;
  /// Today's limit for each receiver.
  std::optional<std::uint64_t> plan(base::Time now) const;
  std::uint64_t sent(const std::string& group, base::Time now) const;
  bool is_over(const std::string& group, base::Time now) const;
  /// One more. Returned: what to remember, now and then, so that a restart loses a few of them at most.
  std::optional<queue::Remembered> count(const std::string& group, base::Time now);
  void take_up(const queue::Remembered& thing);
  static base::Time tomorrow(base::Time now);
  const std::map<std::string, SentToday>& all() const { return sent_; }

 private:
  std::optional<base::Time> since_;
  std::map<std::string, SentToday> sent_;
};

}  // namespace relay::delivery

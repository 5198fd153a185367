// Admission by even spacing with a burst (the generic cell rate algorithm).
#include "queue/allowance.h"

#include <algorithm>

namespace queue {

/// A tenth of the rate may go at once, so that a single mail to a quiet receiver does not wait; what is left is spaced.
Allowance::Spacing Allowance::spacing(Time now) const {
  const std::optional<base::Rate> rate = slow_until(now) ? slow_rate_ : limits_.rate;
  if (!rate || rate->events == 0) return {};
  const auto events = static_cast<base::Duration::rep>(rate->events);
  const auto burst = std::max<base::Duration::rep>(events / 10, 1);
  const auto spaced = std::max<base::Duration::rep>(events - burst, 1);
  Spacing spacing;
  spacing.interval = rate->period / spaced;
  spacing.burst = spacing.interval * (burst - 1);
  return spacing;
}

std::size_t Allowance::connections(Time now) const {
  if (rests(now)) return 0;
  if (slow_until(now)) return 1;
  return std::max<std::size_t>(std::min(allowed_, limits_.connections), 1);
}

bool Allowance::admits(Time now, std::size_t connections) const {
  return connections < this->connections(now) && next_at_ <= now + spacing(now).burst;
}

Time Allowance::next_time(Time now) const {
  if (rests(now)) return rest_until_;
  const Time by_rate = next_at_ - spacing(now).burst;
  if (by_rate > now) return by_rate;
  return slow_until(now).value_or(Time::max());
}

void Allowance::spend(Time now) {
  const Spacing space = spacing(now);
  if (space.interval.count() > 0) next_at_ = std::max(next_at_, now) + space.interval;
}

void Allowance::give_back() {
  if (next_at_ != Time::min()) next_at_ -= spacing(next_at_).interval;
}

void Allowance::rest(Time until) {
  rest_until_ = until;
  allowed_ = 1;
}

void Allowance::slow(Time now, Time until, const base::Rate& rate) {
  slow_until_ = until;
  slow_rate_ = rate;
  allowed_ = 1;
  next_at_ = now + spacing(now).interval;
}

std::optional<Time> Allowance::slow_until(Time now) const {
  if (slow_until_ <= now) return std::nullopt;
  return slow_until_;
}

void Allowance::wake() {
  rest_until_ = Time::min();
  slow_until_ = Time::min();
  next_at_ = Time::min();
}

bool Allowance::alive() {
  if (allowed_ >= limits_.connections) return false;
  ++allowed_;
  return true;
}

Time Allowance::plain_at() const { return std::max({rest_until_, slow_until_, next_at_}); }

}  // namespace queue

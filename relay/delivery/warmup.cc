// The plan, and the counts of a day in UTC.
#include "relay/delivery/warmup.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace relay::delivery {
namespace {

/// From day to day by about a half more, as large receivers advise; after three weeks an address is known.
constexpr std::array<std::uint64_t, 21> plan_by_day = {50,    75,     100,    150,    250,    400,    600,
                                                       900,   1'300,  2'000,  3'000,  4'500,  6'500,  9'000,
                                                       13000, 19'000, 27'000, 38'000, 54'000, 76'000, 100'000};
/// So many counts are written to the store together.
constexpr std::uint64_t counts_at_once = 10;
constexpr std::size_t most_groups = 10'000;

base::Time day_of(base::Time now) { return std::chrono::floor<std::chrono::days>(now); }

}  // namespace

std::optional<std::uint64_t> warmup_plan(std::uint64_t day) {
  if (day == 0 || day > plan_by_day.size()) return std::nullopt;
  return plan_by_day.at(day - 1);
}

void Warmup::configure(const std::string& since) {
  const auto date = base::parse_date(since);
  since_ = date ? std::optional(*date) : std::nullopt;
}

std::uint64_t Warmup::day(base::Time now) const {
  if (!since_ || now < *since_) return 0;
  return static_cast<std::uint64_t>((day_of(now) - *since_) / std::chrono::days(1)) + 1;
}

std::optional<std::uint64_t> Warmup::plan(base::Time now) const {
  if (!since_) return std::nullopt;
  return warmup_plan(std::max<std::uint64_t>(day(now), 1));  // who sends before the day begins with its first
}

std::uint64_t Warmup::sent(const std::string& group, base::Time now) const {
  const auto found = sent_.find(group);
  return found == sent_.end() || found->second.day != day_of(now) ? 0 : found->second.messages;
}

bool Warmup::is_over(const std::string& group, base::Time now) const {
  const auto limit = plan(now);
  return limit && sent(group, now) >= *limit;
}

std::optional<queue::Remembered> Warmup::count(const std::string& group, base::Time now) {
  if (!is_on(now)) return std::nullopt;
  if (sent_.size() >= most_groups && !sent_.contains(group)) return std::nullopt;
  SentToday& today = sent_[group];
  if (today.day != day_of(now)) today = SentToday{day_of(now), 0};
  ++today.messages;
  const bool is_due = today.messages % counts_at_once == 1 || today.messages + counts_at_once >= plan(now).value_or(0);
  if (!is_due) return std::nullopt;
  return queue::Remembered{"warmup", group, fmt::format("{} {}", base::iso_time(today.day).substr(0, 10), today.messages)};
}

void Warmup::take_up(const queue::Remembered& thing) {
  const std::string_view text = thing.text;
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return;
  const auto day = base::parse_date(text.substr(0, blank));
  const auto messages = base::parse_number(text.substr(blank + 1));
  if (day && messages) sent_[thing.name] = SentToday{*day, *messages};
}

base::Time Warmup::tomorrow(base::Time now) { return day_of(now) + std::chrono::days(1); }

}  // namespace relay::delivery

// Spelling of durations, sizes and rates.
#include "base/units.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace base {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<DurationUnit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::int64_t longest_duration = 3660LL * 86'400'000LL;

struct ByteUnit {
  std::string_view name;
  std::uint64_t octets;
};
constexpr std::array<ByteUnit, 9> byte_units{{{"TiB", 1ULL << 40U},
                                              {"GiB", 1ULL << 30U},
                                              {"MiB", 1ULL << 20U},
                                              {"KiB", 1ULL << 10U},
                                              {"TB", 1'000'000'000'000ULL},
                                              {"GB", 1'000'000'000ULL},
                                              {"MB", 1'000'000ULL},
                                              {"KB", 1000ULL},
                                              {"B", 1ULL}}};

struct Quantity {
  std::uint64_t number;
  std::string_view unit;
};

Result<Quantity> split_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = parse_number(text.substr(0, digits));
  if (!number) return fail(Kind::invalid, fmt::format("\"{}\" does not start with a number", printable(text)));
  return Quantity{*number, trim(text.substr(digits))};
}

}  // namespace

Time now() { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

Result<Duration> parse_duration(std::string_view text) {
  auto quantity = split_quantity(text);
  if (!quantity) return std::unexpected(quantity.error());
  if (quantity->unit.empty() && quantity->number == 0) return Duration(0);
  for (const DurationUnit& unit : duration_units) {
    if (unit.name != quantity->unit) continue;
    if (quantity->number > static_cast<std::uint64_t>(longest_duration / unit.milliseconds)) {
      return fail(Kind::invalid, fmt::format("\"{}\" is longer than ten years", text));
    }
    return Duration(static_cast<std::int64_t>(quantity->number) * unit.milliseconds);
  }
  return fail(Kind::invalid,
              fmt::format("\"{}\" is not a duration; write it like \"30s\", \"5m\", \"4h\" or \"5d\"", printable(text)));
}

std::string to_string(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  for (const DurationUnit& unit : duration_units) {
    if (count % unit.milliseconds == 0) return fmt::format("{}{}", count / unit.milliseconds, unit.name);
  }
  return fmt::format("{}ms", count);
}

std::string age_text(Duration duration) {
  const std::int64_t seconds = std::max<std::int64_t>(0, duration.count() / 1000);
  const std::int64_t days = seconds / 86400;
  const std::int64_t hours = seconds / 3600 % 24;
  const std::int64_t minutes = seconds / 60 % 60;
  if (days > 0) return fmt::format("{}d {}h", days, hours);
  if (hours > 0) return fmt::format("{}h {}m", hours, minutes);
  if (minutes > 0) return fmt::format("{}m {}s", minutes, seconds % 60);
  return fmt::format("{}s", seconds);
}

Result<Bytes> parse_bytes(std::string_view text) {
  auto quantity = split_quantity(text);
  if (!quantity) return std::unexpected(quantity.error());
  std::uint64_t octets = 0;
  if (quantity->unit.empty()) octets = 1;
  for (const ByteUnit& unit : byte_units) {
    if (equal_ignoring_case(unit.name, quantity->unit)) octets = unit.octets;
  }
  if (octets == 0)
    return fail(Kind::invalid, fmt::format("\"{}\" is not a size; write it like \"50MiB\" or \"256KiB\"", printable(text)));
  if (quantity->number > (1ULL << 62U) / octets) return fail(Kind::invalid, fmt::format("\"{}\" is too large", text));
  return Bytes{quantity->number * octets};
}

std::string to_string(Bytes bytes) {
  for (const ByteUnit& unit : byte_units) {
    const bool binary = unit.name.size() == 3;
    if (binary && bytes.count != 0 && bytes.count % unit.octets == 0)
      return fmt::format("{}{}", bytes.count / unit.octets, unit.name);
  }
  return fmt::format("{}", bytes.count);
}

Result<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    auto number = parse_number(text.substr(0, slash));
    const std::string_view unit = text.substr(slash + 1);
    if (number && *number > 0 && unit.size() == 1 && unit != "ms") {
      for (const DurationUnit& known : duration_units) {
        if (known.name == unit) return Rate{*number, Duration(known.milliseconds)};
      }
    }
  }
  return fail(Kind::invalid, fmt::format("\"{}\" is not a rate; write it like \"100/m\" or \"500/h\"", printable(text)));
}

std::string to_string(const Rate& rate) {
  for (const DurationUnit& unit : duration_units) {
    if (unit.milliseconds == rate.period.count()) return fmt::format("{}/{}", rate.events, unit.name);
  }
  return fmt::format("{}/{}", rate.events, to_string(rate.period));
}

std::string iso_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<Time> parse_date(std::string_view text) {
  constexpr std::string_view form = "0000-00-00";
  const auto number = [text](std::size_t at, std::size_t length) { return parse_number(text.substr(at, length)); };
  if (text.size() == form.size() && text[4] == '-' && text[7] == '-') {
    const auto year = number(0, 4);
    const auto month = number(5, 2);
    const auto day = number(8, 2);
    if (year && month && day) {
      const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                             std::chrono::month(static_cast<unsigned>(*month)),
                                             std::chrono::day(static_cast<unsigned>(*day)));
      if (date.ok() && *year >= 2000) return Time(std::chrono::sys_days(date));
    }
  }
  return fail(Kind::invalid, fmt::format("\"{}\" is no day; write it like \"2026-12-01\"", printable(text)));
}

}  // namespace base

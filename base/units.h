// Time, sizes and rates: the types, and their spelling in the configuration ("5m", "50MiB", "500/h").
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<std::chrono::milliseconds>;  ///< wall clock; decisions take it as a parameter

/// The wall clock. Only the shell (relay/) and the programs call it; decisions are given a Time.
Time now();

/// "30s", "5m", "4h", "5d", "250ms"; a bare "0" is zero. Nothing negative, nothing over 10 years.
Result<Duration> parse_duration(std::string_view text);
/// The shortest exact spelling: "90s" stays "90s", "120s" becomes "2m".
std::string to_string(Duration duration);
/// For people: at most two units, "3h 12m", "4d 1h", "12s".
std::string age_text(Duration duration);

/// A number of octets.
struct Bytes {
  std::uint64_t count = 0;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};
/// "50MiB", "256KiB", "1GiB", "2MB" (powers of ten without the i), "1024" (octets); at most 2^62.
Result<Bytes> parse_bytes(std::string_view text);
/// The shortest exact spelling: "50MiB", "1536" .
std::string to_string(Bytes bytes);

/// So many events in each period.
struct Rate {
  std::uint64_t events = 0;
  Duration period{0};
  friend bool operator==(const Rate&, const Rate&) = default;
};
/// "N/s", "N/m", "N/h", "N/d"; N at least 1.
Result<Rate> parse_rate(std::string_view text);
std::string to_string(const Rate& rate);

/// RFC 3339 in UTC with seconds: "2026-11-24T12:39:34Z".
std::string iso_time(Time time);
/// The beginning of a day in UTC: "2026-12-01". Kind::invalid.
Result<Time> parse_date(std::string_view text);

}  // namespace base

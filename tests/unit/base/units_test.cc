// Durations, sizes, rates and times as the configuration and the logs spell them.
#include "base/units.h"

#include "tests/catch.h"

using base::Bytes;
using base::Duration;
using base::Rate;
using namespace std::chrono_literals;

TEST_CASE("a duration has a number and a unit") {
  const auto [text, duration] = GENERATE(table<std::string, Duration>({{"30s", 30s},
                                                                       {"5m", 5min},
                                                                       {"4h", 4h},
                                                                       {"5d", 120h},
                                                                       {"250ms", 250ms},
                                                                       {"0", 0s},
                                                                       {"0s", 0s},
                                                                       {"5 m", 5min},
                                                                       {"3660d", 3660 * 24h}}));
  CHECK(base::parse_duration(text) == duration);
}

TEST_CASE("what is no duration is refused") {
  const std::string bad = GENERATE(as<std::string>{}, "", "5", "m", "-5m", "5M", "5 minutes", "1.5h", "3661d",
                                   "99999999999999999999s", "18446744073709551615ms", "5m5s");
  CHECK_FALSE(base::parse_duration(bad).has_value());
}

TEST_CASE("a duration is printed in its largest exact unit") {
  CHECK(base::to_string(Duration(90s)) == "90s");
  CHECK(base::to_string(Duration(120s)) == "2m");
  CHECK(base::to_string(Duration(48h)) == "2d");
  CHECK(base::to_string(Duration(1500ms)) == "1500ms");
  CHECK(base::to_string(Duration(0)) == "0s");
}

TEST_CASE("an age has at most two units") {
  CHECK(base::age_text(12s) == "12s");
  CHECK(base::age_text(65s) == "1m 5s");
  CHECK(base::age_text(192min) == "3h 12m");
  CHECK(base::age_text(97h) == "4d 1h");
  CHECK(base::age_text(-5s) == "0s");
}

TEST_CASE("a size has a number and a unit of octets") {
  const auto [text, octets] = GENERATE(table<std::string, std::uint64_t>({{"1024", 1024},
                                                                          {"50MiB", 52428800},
                                                                          {"256kib", 262144},
                                                                          {"1GiB", 1ULL << 30U},
                                                                          {"2MB", 2000000},
                                                                          {"7B", 7},
                                                                          {"4194304TiB", 1ULL << 62U}}));
  CHECK(base::parse_bytes(text) == Bytes{octets});
  const std::string bad =
      GENERATE(as<std::string>{}, "", "MiB", "-1", "1.5MiB", "5M", "5 mega", "4194305TiB", "18446744073709551615");
  CHECK_FALSE(base::parse_bytes(bad).has_value());
}

TEST_CASE("a size is printed in its largest exact unit") {
  CHECK(base::to_string(Bytes{52428800}) == "50MiB");
  CHECK(base::to_string(Bytes{1536}) == "1536");
  CHECK(base::to_string(Bytes{0}) == "0");
}

TEST_CASE("a rate has a number and a period") {
  CHECK(base::parse_rate("500/h") == Rate{500, 1h});
  CHECK(base::parse_rate("1/s") == Rate{1, 1s});
  CHECK(base::to_string(Rate{100, 1min}) == "100/m");
  CHECK(base::to_string(Rate{2, 24h}) == "2/d");
  const std::string bad = GENERATE(as<std::string>{}, "", "500", "/h", "0/h", "-1/h", "5/ms", "5/hour", "5/", "5/h/h");
  CHECK_FALSE(base::parse_rate(bad).has_value());
}

TEST_CASE("what was printed is read as the same value") {
  for (const Duration duration : {Duration(1ms), Duration(90s), Duration(3600s), Duration(86400s), Duration(0)}) {
    CHECK(base::parse_duration(base::to_string(duration)) == duration);
  }
  for (const Bytes bytes : {Bytes{0}, Bytes{1000}, Bytes{1ULL << 20U}, Bytes{3ULL << 40U}}) {
    CHECK(base::parse_bytes(base::to_string(bytes)) == bytes);
  }
}

TEST_CASE("a time is written as RFC 3339 has it") {
  CHECK(base::iso_time(base::Time(Duration(1795523974123))) == "2026-11-24T12:39:34Z");
  CHECK(base::iso_time(base::Time(Duration(0))) == "1970-01-01T00:00:00Z");
  CHECK(base::iso_time(base::Time(Duration(-1))) == "1969-12-31T23:59:59Z");
}

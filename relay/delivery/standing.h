// Where a destination stands with us: whatever makes its mail wait, in values and in sentences. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/delivery/fallbacks.h"
#include "relay/delivery/refusals.h"
#include "relay/explanation.h"

namespace relay::delivery {

struct Standing {
  std::string destination;
  std::string paused_by;  ///< the admin's pattern; empty: not paused
  std::optional<base::Time> rests_until;
  std::string rest_reason;
  std::string group;  ///< empty: its hosts were not asked for yet
  std::optional<base::Time> group_rests_until;
  std::optional<base::Time> group_slow_until;
  std::size_t connections = 0;       ///< that the group may have now
  std::size_t most_connections = 0;  ///< its limit
  std::optional<base::Rate> rate;
  std::optional<Block> block;
  std::optional<Fallback> fallback;
  std::optional<std::uint64_t> warmup_limit;  ///< today's, for its group
  std::uint64_t warmup_sent = 0;
};

/// What a receiver lets us do now, where that is less than its limits.
struct CurrentLimit {
  std::string_view word;  ///< "blocked", "rests", "slow" or "warm-up"
  std::optional<base::Time> until;
  std::size_t connections = 0;
  std::size_t most_connections = 0;
  Sentence reason;
};
/// Nothing: it is as usual.
std::optional<CurrentLimit> limit_of(const Standing& standing, base::Time now);

/// The limits of all receivers and of single destinations that are limited, for use on any thread.
struct CurrentLimits {
  std::map<std::string, CurrentLimit, std::less<>> all;            ///< by group, or by destination where it alone is blocked
  std::map<std::string, std::string, std::less<>> of_destination;  ///< whose of these counts
};

/// Why its mail waits and what would make it go, at this time; empty: nothing is in the way.
std::vector<Sentence> reasons_to_wait(const Standing& standing, base::Time now);

}  // namespace relay::delivery

// Where a destination stands with us: whatever makes its mail wait, in values and in sentences. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

/// Why its mail waits and what would make it go, at this time; empty: nothing is in the way.
std::vector<Sentence> reasons_to_wait(const Standing& standing, base::Time now);

}  // namespace relay::delivery

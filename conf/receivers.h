// What is known of the large receivers: their limits, and what their replies mean. The table is conf/receivers.toml.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"

namespace conf {

/// A receiver whose hosts share their limits, however many domains they serve.
struct Profile {
  std::string name;             ///< "gmail": what [[reply]] provider names
  std::string title;            ///< "Gmail": for people
  std::vector<std::string> mx;  ///< patterns on the MX host
  std::uint64_t connections = 10;
  std::uint64_t messages_per_connection = 100;
  std::optional<base::Rate> rate;  ///< transactions; unset: no limit
  std::optional<DeliveryTls> tls;  ///< unset: as [delivery]
};

struct Receivers {
  std::vector<Profile> profiles;
  std::vector<ReplyRule> replies;  ///< the first match wins
};

/// From the first to the last, both included; they differ in their third number only.
struct StatusRange {
  std::uint16_t level = 0;
  std::uint16_t subject = 0;
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};
/// "5.7.1" or "4.7.500-4.7.699"; Kind::invalid.
Result<StatusRange> parse_status_range(std::string_view text);

/// The built-in table.
const Receivers& receivers();
/// A table of that form; a rule may name several profiles, with commas between. Errors as those of parse_config().
Result<Receivers> parse_receivers(std::string_view text, const std::string& name);

/// The profile of an MX host, or null.
const Profile* profile_of(std::string_view mx);

}  // namespace conf

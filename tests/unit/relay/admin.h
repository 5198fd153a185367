// What tests of the admin API share: two receivers, and mail that waits for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/relay/world.h"

namespace admin {

inline const world::World example = world::zones({{"example.net", {"127.0.0.1"}}, {"example.org", {"127.0.0.1"}}});
inline constexpr world::Milliseconds never = std::chrono::hours(1);

inline std::optional<std::string> refuse_for_now(const world::Said& said) {
  if (said.verb == "RCPT") return "450 4.2.0 later";
  return std::nullopt;
}

inline std::string submit(const world::Relay& relay, const std::string& from, const std::vector<std::string>& to) {
  world::Client client = relay.client();
  client.ehlo();
  return world::id_in(client.send(from, to, world::message(from, "x")));
}

}  // namespace admin

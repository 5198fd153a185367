// What the words of a reply say to programs: how long to wait, where to read more. Pure; the words are a stranger's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace relay {

/// The last of "in 300 seconds", "after 1 hour", "for 5 minutes", "in 00:05:00", "5分钟后", where the words also say that the
/// mail may come again; 1 s to 24 h.
std::optional<base::Duration> wait_in(std::string_view words);

/// The first http or https address, printable ASCII of at most 300 octets; empty: none, or a longer one.
std::string link_in(std::string_view words);

}  // namespace relay

// What the words of a reply say to programs: codes in their midst, how long to wait, where to read more. Pure; the words are a
// stranger's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "mail/reply.h"

namespace relay {

/// Enhanced status codes 4.x.x and 5.x.x, at most eight: "5.7.1", "(#5.7.1)"; "5.7.1.9" is an address.
std::vector<mail::EnhancedStatus> statuses_in(std::string_view words);

/// The last of "in 300 seconds", "after 1 hour", "for 5 minutes", "in 00:05:00", "5分钟后", where the words also say that the
/// mail may come again; 1 s to 24 h.
std::optional<base::Duration> wait_in(std::string_view words);

/// The first http or https address, printable ASCII of at most 300 octets; empty: none, or a longer one.
std::string link_in(std::string_view words);

}  // namespace relay

// Who lives on this host: the local domains, and where their aliases lead.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/config.h"

namespace conf {

/// hostname, localhost, local.destinations; any case. The empty domain of the bare "postmaster" (RFC 5321 4.5.1) too.
bool is_local_domain(const Config& config, std::string_view domain);

/// The mailbox to which a local part's mail goes: that of `postmaster`, or what its alias leads to in the end. Nothing for a name
/// that nobody has, or whose aliases lead in a circle.
std::optional<std::string> resolve_local(const Config& config, std::string_view local_part);

}  // namespace conf

// Leaving root: a relay that was started as root becomes the service user before it opens anything.
#pragma once

#include <string>

#include "base/result.h"
#include "conf/config.h"

namespace relay {

/// The user of the service.
inline constexpr const char* service_user = "mailferry";

/// Started as root, and the user exists: its folders are made for it, and the process becomes it for good, with nothing left but
/// the right to bind low ports (CAP_NET_BIND_SERVICE). Called before any thread. Not root: nothing happens. Words that are not
/// empty are a warning: root stays root, since there is no such user.
/// Kind::invalid names what belongs to somebody else, and the chown.
base::Result<std::string> leave_root(const conf::Config& config, const std::string& user);

}  // namespace relay

// Which [[route]] and [[shape]] hold for a delivery.
#pragma once

#include <string_view>

#include "conf/config.h"

namespace conf {

/// The first [[route]] whose pattern matches the destination, or null.
const Route* route_for(const Config& config, std::string_view destination);

/// Whether the [[shape]] is about deliveries to the destination by this MX host. No host (empty): one for `mx` is about none.
bool covers(const Shape& shape, std::string_view destination, std::string_view mx);

}  // namespace conf

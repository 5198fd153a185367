// Patterns against names.
#include "conf/matching.h"

#include <algorithm>

#include "base/text.h"

namespace conf {

const Route* route_for(const Config& config, std::string_view destination) {
  const auto route = std::ranges::find_if(
      config.route, [destination](const Route& candidate) { return base::matches_pattern(candidate.domain, destination); });
  return route == config.route.end() ? nullptr : &*route;
}

bool covers(const Shape& shape, std::string_view destination, std::string_view mx) {
  if (!shape.domain.empty()) return base::matches_pattern(shape.domain, destination);
  return !mx.empty() && base::matches_pattern(shape.mx, mx);
}

}  // namespace conf

// Pauses are few: they are tried one after the other.
#include "queue/pauses.h"

#include <algorithm>

#include "base/text.h"

namespace queue {

const std::string* Pauses::match(std::string_view name) const {
  const auto found =
      std::ranges::find_if(patterns_, [name](const std::string& pattern) { return base::matches_pattern(pattern, name); });
  return found == patterns_.end() ? nullptr : &*found;
}

const std::string* Pauses::find(const std::string& pattern) const {
  const auto found = patterns_.find(pattern);
  return found == patterns_.end() ? nullptr : &*found;
}

}  // namespace queue

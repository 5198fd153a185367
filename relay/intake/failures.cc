// Counting failures within a window that begins with the first.
#include "relay/intake/failures.h"

#include <algorithm>

namespace relay::intake {
void AuthFailures::add(const base::IpAddress& client, Clock::time_point now) {
  const base::IpAddress site = base::site_of(client);
  if (counts_.size() >= most_clients && !counts_.contains(site)) {
    counts_.erase(std::ranges::min_element(counts_, {}, [](const auto& entry) { return entry.second.first; }));
  }
  Count& count = counts_[site];
  if (count.failures == 0 || now - count.first >= window) count = Count{0, now};
  ++count.failures;
}

bool AuthFailures::are_too_many(const base::IpAddress& client, Clock::time_point now) const {
  const auto found = counts_.find(base::site_of(client));
  return found != counts_.end() && found->second.failures >= most && now - found->second.first < window;
}

}  // namespace relay::intake

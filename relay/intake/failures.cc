// Counting failures within a window that begins with the first.
#include "relay/intake/failures.h"

#include <algorithm>

namespace relay::intake {
namespace {

/// A site has a /64 to itself and may use each address of it once.
base::IpAddress site_of(const base::IpAddress& client) {
  if (!client.is_v6()) return client;
  std::array<std::uint8_t, 16> octets = client.octets();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return base::IpAddress::v6(octets);
}

}  // namespace

void AuthFailures::add(const base::IpAddress& client, Clock::time_point now) {
  const base::IpAddress site = site_of(client);
  if (counts_.size() >= most_clients && !counts_.contains(site)) {
    counts_.erase(std::ranges::min_element(counts_, {}, [](const auto& entry) { return entry.second.first; }));
  }
  Count& count = counts_[site];
  if (count.failures == 0 || now - count.first >= window) count = Count{0, now};
  ++count.failures;
}

bool AuthFailures::are_too_many(const base::IpAddress& client, Clock::time_point now) const {
  const auto found = counts_.find(site_of(client));
  return found != counts_.end() && found->second.failures >= most && now - found->second.first < window;
}

}  // namespace relay::intake

// Who failed to authenticate lately, by address: guessing passwords is made slow.
#pragma once

#include <map>

#include "base/net.h"
#include "relay/await.h"

namespace relay::intake {

/// Bounded: past `most_clients` the one whose failures are oldest is forgotten. An IPv6 client is its /64. On the loop alone.
class AuthFailures {
 public:
  static constexpr int most = 10;  ///< within `window`
  static constexpr std::chrono::minutes window{10};
  static constexpr std::size_t most_clients = 10'000;

  void add(const base::IpAddress& client, Clock::time_point now);
  bool are_too_many(const base::IpAddress& client, Clock::time_point now) const;

 private:
  struct Count {
    int failures = 0;
    Clock::time_point first;
  };
  std::map<base::IpAddress, Count> counts_;
};

}  // namespace relay::intake

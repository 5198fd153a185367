// Whether IPv6 may be used where IPv4 can: large receivers refuse mail from an IPv6 address without a PTR that leads back to it.
#pragma once

#include <memory>
#include <string>

#include "relay/services.h"

namespace relay::delivery {

/// On the loop alone.
class Ipv6Check {
 public:
  explicit Ipv6Check(Services& services) : services_(services) {}

  /// With delivery.bind_ipv6: what DNS says of it, asked at first use and once a day; nobody is sure meanwhile. Without it the
  /// source address is the kernel's choice, and ip_versions alone decides: only what puts IPv6 first wants it.
  Task<bool> allows(std::shared_ptr<const Settings> settings);

 private:
  Task<void> look(std::string address);

  Services& services_;
  std::string asked_for_;
  Clock::time_point next_look_;
  bool confirmed_ = false;
};

}  // namespace relay::delivery

// The hosts to try for a destination: routes, MX look-up, addresses; cached on the loop so that a hit costs no hop.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/mx.h"
#include "relay/delivery/ipv6_check.h"
#include "relay/questions.h"
#include "relay/services.h"

namespace relay::delivery {

/// On the loop alone.
class Hosts {
 public:
  /// Addresses for one attempt: with all of them silent it takes five minutes.
  static constexpr std::size_t most_tried = 10;

  explicit Hosts(Services& services) : services_(services), ipv6_(services), random_(std::random_device{}()) {}

  /// In the order to try them, at least one and at most `most_tried`: those that did not answer lately come last.
  /// Kind::refused: there is no way to this destination (RFC 5321 5.1, RFC 7505);
  /// Kind::temporary: DNS does not say.
  Task<base::Result<std::vector<dns::Candidate>>> find(std::shared_ptr<const Settings> settings, std::string destination);
  /// The same of the fallback of the destination's route.
  Task<base::Result<std::vector<dns::Candidate>>> find_fallback(std::shared_ptr<const Settings> settings,
                                                                std::string destination);

 private:
  struct Found {
    std::vector<dns::Candidate> candidates;
    base::Duration ttl{0};
  };
  struct Cached {
    std::vector<dns::Candidate> candidates;
    Clock::time_point until;
  };

  Task<std::vector<dns::Candidate>> to_try(std::shared_ptr<const Settings> settings, std::vector<dns::Candidate> candidates);
  Task<base::Result<Found>> look_up(std::shared_ptr<const Settings> settings, std::string destination);
  Task<base::Result<Found>> by_mx(std::shared_ptr<const Settings> settings, std::string domain);
  Task<base::Result<Found>> by_names(std::shared_ptr<const Settings> settings, std::vector<std::string> names,
                                     std::string domain);
  Task<base::Result<Found>> addresses(std::shared_ptr<const Settings> settings, std::vector<std::string> hosts,
                                      std::uint16_t port);

  Services& services_;
  Ipv6Check ipv6_;
  std::mt19937_64 random_;
  std::unordered_map<std::string, Cached> cache_;
  std::shared_ptr<const Settings> cached_for_;  // a reload changes routes and versions
};

/// Whether the route names this host itself, in hosts or in fallback. What "mx" finds is named by DNS, which anybody may answer.
bool names_host(const conf::Route& route, const dns::Candidate& host);

}  // namespace relay::delivery

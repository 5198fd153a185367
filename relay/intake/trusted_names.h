// The host names of accept.mynetworks: which addresses they have now, looked up again and again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "relay/intake/access.h"
#include "relay/intake/limits.h"
#include "relay/services.h"

namespace relay::intake {

/// One name and what DNS says of it. Pure: time is a parameter.
class NamedHost {
 public:
  /// Of A records, and as many of AAAA; the others are not trusted.
  static constexpr std::size_t most_addresses = 32;

  struct Failure {
    std::string words;
    base::Time at;
  };

  /// A look-up. That there is no address is an answer too, which ends the trust at once: strangers get 450, so it costs no mail.
  /// Where DNS fails, what it said last of that type of record holds for `keep`.
  void take(const base::Result<dns::Answer>& a, const base::Result<dns::Answer>& aaaa, base::Time now, base::Duration keep);

  /// Sorted, each once.
  const std::vector<base::IpAddress>& addresses() const { return addresses_; }
  /// How long the last look-up is good for.
  base::Duration ttl() const { return ttl_; }
  std::optional<base::Time> looked_up() const { return looked_up_; }
  /// The last one, which may be over.
  const std::optional<Failure>& failure() const { return failure_; }
  bool is_failing() const { return failure_ && failure_->at == looked_up_; }

 private:
  class Half {
   public:
    void take(const base::Result<dns::Answer>& answer, base::Time now, base::Duration keep);
    std::vector<base::IpAddress> addresses;

   private:
    base::Time answered_;
  };

  Half ipv4_;
  Half ipv6_;
  std::vector<base::IpAddress> addresses_;
  base::Duration ttl_{0};
  std::optional<base::Time> looked_up_;
  std::optional<Failure> failure_;
};

/// All of them, those of the current settings. On the loop alone.
class TrustedNames {
 public:
  TrustedNames(Services& services, const Limits& limits);
  TrustedNames(const TrustedNames&) = delete;
  TrustedNames& operator=(const TrustedNames&) = delete;

  void start();
  /// There are new settings.
  void reload();
  /// For a client that would be trusted if one of the names had its address now: they are looked up afresh, once for all who ask
  /// meanwhile. Comes back at once when that was done a moment ago, and after dns.timeout in any case.
  Task<void> look_again();

  const HostAddresses& addresses() const { return addresses_; }
  const std::map<std::string, NamedHost>& hosts() const { return hosts_; }

 private:
  Task<void> run();
  Task<void> look_up();
  void drop_others();
  void gather();
  void tell(const std::string& name, const NamedHost& before, const NamedHost& host);
  void rest();

  Services& services_;
  const Limits& limits_;
  std::map<std::string, NamedHost> hosts_;
  HostAddresses addresses_;
  Timer pause_;     // between look-ups
  Timer answered_;  // never runs out: it is cancelled when a look-up is over
  bool looking_ = true;
  bool outdated_ = false;  // the look-up that is under way
  Clock::time_point looked_up_;
};

}  // namespace relay::intake

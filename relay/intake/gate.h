// Who may come in now: connections counted in all, per client and per minute. Time is a parameter; no sockets here.
#pragma once

#include <chrono>
#include <map>

#include "base/net.h"
#include "conf/config.h"
#include "relay/intake/access.h"
#include "relay/intake/limits.h"

namespace relay::intake {

enum class Verdict : std::uint8_t {
  enter,
  full,     ///< accept.connections, or for a stranger what is left beside the reserve
  crowded,  ///< accept.connections_per_client, strangers only
  hasty,    ///< too many new connections in a minute, strangers only
};

/// On the loop alone. Strangers with IPv6 are counted by /64: one customer has at least so much.
class Gate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Addresses remembered in one minute; while there are more, the newcomers are not counted by the minute.
  static constexpr std::size_t most_remembered = 50'000;

  explicit Gate(const Limits& limits) : limits_(limits) {}

  /// Slots that strangers never take, out of `connections`: a tenth, at least ten, at most half.
  static std::uint64_t reserve(std::uint64_t connections);

  /// Counts towards the minute also when the answer is no.
  Verdict ask(const base::IpAddress& client, Trust trust, const conf::Accept& accept, Time now);
  void enter(const base::IpAddress& client, Trust trust);
  void leave(const base::IpAddress& client, Trust trust);

  std::uint64_t inside() const { return strangers_ + trusted_; }

 private:
  bool is_hasty(const base::IpAddress& network, Time now);

  Limits limits_;
  std::uint64_t strangers_ = 0;
  std::uint64_t trusted_ = 0;
  std::map<base::IpAddress, std::uint64_t> inside_;  // strangers
  std::map<base::IpAddress, std::uint64_t> newcomers_;
  Time minute_ends_{};
};

/// A place inside, given back at the end.
class Visit {
 public:
  Visit(Gate& gate, const base::IpAddress& client, Trust trust) : gate_(gate), client_(client), trust_(trust) {
    gate_.enter(client_, trust_);
  }
  ~Visit() { gate_.leave(client_, trust_); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  /// The same connection is known as somebody else now (AUTH, a client certificate, XCLIENT).
  void become(const base::IpAddress& client, Trust trust);

 private:
  Gate& gate_;
  base::IpAddress client_;
  Trust trust_;
};

}  // namespace relay::intake

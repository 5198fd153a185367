// How much may go to the hosts that several destinations share: connections, a rate, a rest, and how they open up. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace queue {

using base::Time;

/// What a receiver's hosts are given at most.
struct GroupLimits {
  std::size_t connections = 10;
  std::optional<base::Rate> rate;  ///< of transactions
  friend bool operator==(const GroupLimits&, const GroupLimits&) = default;
};

class Allowance {
 public:
  void configure(const GroupLimits& limits) { limits_ = limits; }
  const GroupLimits& limits() const { return limits_; }

  /// May one more transaction begin, with so many connections at work.
  bool admits(Time now, std::size_t connections) const;
  /// When the passing of time alone may change what admits() says; Time::max(): it will not.
  Time next_time(Time now) const;
  /// A transaction begins; give_back() when it came to nothing.
  void spend(Time now);
  void give_back();

  /// Nothing until then, and after it one connection until alive().
  void rest(Time until);
  bool rests(Time now) const { return rest_until_ > now; }
  Time rest_until() const { return rest_until_; }
  /// Until then so many transactions over one connection.
  void slow(Time now, Time until, const base::Rate& rate);
  std::optional<Time> slow_until(Time now) const;
  /// The rest or the slow time ends by the admin's will; still one connection first.
  void wake();
  /// A transaction worked: one connection more, up to the limit. Whether that changed anything.
  bool alive();

  std::size_t connections(Time now) const;
  /// From then on there is nothing to remember.
  Time plain_at() const;

 private:
  /// Transactions are spaced by this, but for a small burst: together never more than the rate in any one period.
  struct Spacing {
    base::Duration interval{0};
    base::Duration burst{0};
  };
  Spacing spacing(Time now) const;

  /// To begin with, until replies are good.
  static constexpr std::size_t first_connections = 2;

  GroupLimits limits_;
  std::size_t allowed_ = first_connections;  ///< connections
  Time next_at_ = Time::min();               ///< when the next transaction is due if they are spaced evenly
  Time rest_until_ = Time::min();
  Time slow_until_ = Time::min();
  base::Rate slow_rate_;
};

}  // namespace queue

// How many recipients each sender has had lately (accept.sender_rate): a stolen mailbox must not burn the address that we send
// from.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/units.h"

namespace relay::intake {

enum class RateVerdict : std::uint8_t {
  within,
  first_excess,  ///< the first of this period: time to tell somebody
  excess,
};

/// Each sender's period begins with its first message. Pure; bounded: of more senders than these the oldest periods are
/// forgotten.
class SenderRates {
 public:
  explicit SenderRates(std::size_t most = 20'000) : most_(most) {}

  /// `sender`: client and reverse-path. What exceeds the rate is not counted, so that a smaller message may still pass.
  RateVerdict count(const std::string& sender, std::uint64_t recipients, const base::Rate& rate, base::Time now);
  std::size_t size() const { return periods_.size(); }

 private:
  struct Period {
    base::Time begun;
    std::uint64_t recipients = 0;
    bool exceeded = false;
  };
  struct Begun {
    base::Time when;
    std::string sender;
  };
  void forget_oldest();

  std::size_t most_;
  std::unordered_map<std::string, Period> periods_;
  std::deque<Begun> order_;  ///< by time; one for each period
};

}  // namespace relay::intake

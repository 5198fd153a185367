// Counting in periods.
#include "relay/intake/sender_rates.h"

#include <utility>

namespace relay::intake {

RateVerdict SenderRates::count(const std::string& sender, std::uint64_t recipients, const base::Rate& rate, base::Time now) {
  // A clock that was set back ends every period.
  const auto is_over = [&](base::Time begun) { return now - begun >= rate.period || now < begun; };
  while (!order_.empty() && is_over(order_.front().when)) forget_oldest();
  auto [found, is_new] = periods_.try_emplace(sender, Period{now});
  if (is_new) {
    order_.push_back(Begun{now, sender});
    if (order_.size() > most_) forget_oldest();
  }
  Period& period = found->second;
  if (period.recipients + recipients <= rate.events) {
    period.recipients += recipients;
    return RateVerdict::within;
  }
  return std::exchange(period.exceeded, true) ? RateVerdict::excess : RateVerdict::first_excess;
}

void SenderRates::forget_oldest() {
  periods_.erase(order_.front().sender);
  order_.pop_front();
}

}  // namespace relay::intake

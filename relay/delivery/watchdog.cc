// Deliveries that do not end. Every wait of an attempt has its limit, so that this should never have anything to do.
#include <fmt/format.h>

#include "relay/delivery/dispatcher.h"

namespace relay::delivery {
namespace {

/// After its connection was closed an attempt ends at once; what is active for so much longer has lost its coroutine.
constexpr base::Duration after_cut(5 * 60'000);

}  // namespace

Dispatcher::UnderWay::UnderWay(Dispatcher& dispatcher, const queue::DeliveryJob& job, Attempt& attempt)
    : dispatcher_(dispatcher), key_{job.message, job.recipients.front().index} {
  dispatcher_.under_way_[key_] = &attempt;
}

Dispatcher::UnderWay::~UnderWay() { dispatcher_.under_way_.erase(key_); }

void Dispatcher::watch(base::Duration limit) {
  const base::Time now = base::now();
  stuck_ = 0;
  for (const queue::ActiveRecipient& active : schedule_.active()) {
    if (active.since == base::Time::max() || now - active.since < limit) continue;
    ++stuck_;
    const auto attempt = under_way_.find(active.key);
    if (attempt != under_way_.end() && cut_off_.insert(active.key).second) {
      services_.log.error("stuck")
          .with("id", active.key.message.to_string())
          .with("mx", attempt->second->candidate().host)
          .with("since", base::iso_time(active.since));
      attempt->second->abort();
    } else if (now - active.since >= limit + after_cut) {
      services_.log.error("freed").with("id", active.key.message.to_string()).with("since", base::iso_time(active.since));
      queue::DueRecipient due;
      due.message = active.key.message;
      due.index = active.key.index;
      due.destination = active.destination;
      put_off(queue::DeliveryJob{active.destination, active.key.message, {std::move(due)}}, "its delivery did not end");
    }
  }
}

}  // namespace relay::delivery

// Deliveries that do not end. Every wait of an attempt has its limit, so that this should never have anything to do.
#include <fmt/format.h>

#include "relay/delivery/dispatcher.h"

namespace relay::delivery {

Dispatcher::UnderWay::UnderWay(Dispatcher& dispatcher, const queue::DeliveryJob& job, Attempt& attempt)
    : dispatcher_(dispatcher), key_{job.message, job.recipients.front().index} {
  dispatcher_.under_way_[key_] = &attempt;
}

Dispatcher::UnderWay::~UnderWay() { dispatcher_.under_way_.erase(key_); }

void Dispatcher::watch(base::Duration limit, base::Duration grace) {
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
    } else if (now - active.since >= limit + grace) {
      free(active);
    }
  }
}

/// It counts as an attempt, so that mail which hangs every time does not hang all the time.
void Dispatcher::free(const queue::ActiveRecipient& active) {
  services_.log.error("freed").with("id", active.key.message.to_string()).with("since", base::iso_time(active.since));
  queue::DueRecipient due;
  due.message = active.key.message;
  due.index = active.key.index;
  due.attempts = active.attempts;
  due.expires = base::Time::max();  // the sweep of what has expired knows better
  due.destination = active.destination;
  queue::DeliveryJob job{active.destination, active.key.message, {due}};
  const queue::Outcome outcome{queue::Verdict::deferred, queue::Scope::message, false};
  Records records(1, judge(due, outcome, "its delivery did not end", retry_times(job, {}, std::nullopt)));
  finish(std::move(job), std::move(records), {}, nullptr);
}

}  // namespace relay::delivery

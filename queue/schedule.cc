// What happens to the schedule: recipients come and go, destinations rest, wake, are paused. How it keeps its books stands in
// schedule_books.cc.
#include "queue/schedule.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace queue {
namespace {

/// Refills at work at once: the reader is one thread, and what it brings needs room.
constexpr std::size_t refills_at_once = 16;
/// After a Refill that brought nothing though it was not complete: reading failed.
constexpr base::Duration refill_pause{5000};

/// Where no delays are configured.
constexpr base::Duration usual_delay = std::chrono::minutes(1);

ScheduleOptions usable(ScheduleOptions options) {
  for (std::size_t* limit : {&options.connections, &options.connections_per_destination, &options.recipients_per_transaction,
                             &options.window_per_destination, &options.window}) {
    *limit = std::max<std::size_t>(*limit, 1);
  }
  return options;
}

}  // namespace

std::size_t Schedule::KeyHash::operator()(const Key& key) const {
  return std::hash<std::uint64_t>()(key.message.value() * 0x9e3779b97f4a7c15U + key.index);
}

bool Schedule::ByMessage::operator()(const std::pair<QueueId, Destination*>& a, const std::pair<QueueId, Destination*>& b) const {
  if (a.first != b.first) return a.first < b.first;
  return std::less<>()(a.second, b.second);
}

class Schedule::Look {
 public:
  Keys finished;
};

Schedule::Schedule(ScheduleOptions options, std::uint64_t seed) : options_(usable(options)), random_(seed) {}

void Schedule::configure(ScheduleOptions options) { options_ = usable(options); }

std::vector<DueRecipient> Schedule::add(std::vector<DueRecipient> recipients, Time now) {
  std::vector<DueRecipient> back;
  for (auto& recipient : recipients) {
    const Key key{recipient.message, recipient.index};
    Destination& place = destination(recipient.destination);
    if (!active_.contains(key) && !holds(place, key)) {
      if (admits(place, now)) {
        put(place, recipient, Source::accepted);
      } else {
        activate(place, recipient, never);
        back.push_back(std::move(recipient));
      }
    }
    review(place, now);
  }
  return back;
}

void Schedule::parked(const std::vector<DueRecipient>& recipients, Time now) {
  for (const auto& recipient : recipients) {
    Destination& place = destination(recipient.destination);
    deactivate({recipient.message, recipient.index});
    defer(place, recipient.next_attempt);
    review(place, now);
  }
}

void Schedule::know(const std::vector<DestinationRow>& rows) {
  for (const auto& row : rows) {
    Destination& place = destination(row.name);
    defer(place, row.earliest);
    review_soon(place);
  }
}

void Schedule::refilled(const std::string& destination, std::vector<DueRecipient> recipients, bool complete,
                        std::optional<Time> next_due, Time now) {
  Destination* place = find(destination);
  if (place == nullptr || !place->refilling) return;
  const auto meanwhile = std::exchange(place->refilling, nullptr);
  std::erase(refills_, place);
  Time due = complete ? next_due.value_or(never) : now;
  // A row that was read before the record of an attempt came in shows the recipient as it was: it must not go out again.
  std::erase_if(recipients, [&](const DueRecipient& recipient) {
    const Key key{recipient.message, recipient.index};
    if (meanwhile->finished.contains(key) || meanwhile->dropped.contains(key.message)) return true;
    return active_.contains(key) || holds(*place, key);
  });
  std::size_t taken = 0;
  for (const auto& recipient : recipients) {
    if (recipient.next_attempt > now) {
      due = std::min(due, recipient.next_attempt);
    } else if (stands_still(*place, now) || room(*place) == 0) {
      due = std::min(due, now);
    } else {
      put(*place, recipient, Source::store);
      ++taken;
    }
  }
  // Nothing new, and no reason why: reading failed. Asking again at once would go round and round.
  if (!complete && taken == 0 && meanwhile->finished.empty()) due = now + refill_pause;
  place->store_due = std::min(due, meanwhile->earliest);
  review(*place, now);
}

std::variant<DeliveryJob, Refill, Wait> Schedule::next(Time now) {
  for (;;) {
    run_timers(now);
    if (!hungry_.empty() && refills_.size() < refills_at_once) return start_refill(*hungry_.front());
    while (!ready_.empty() && leases_ < options_.connections) {
      Destination& place = *ready_.front();
      if (has_turn(place, now)) return start_job(place, now);
      review(place, now);  // others of its group were faster
    }
    const Time when = next_timer();
    if (when > now) return when == never ? Wait{} : Wait{when};
  }
}

DeliveryJob Schedule::start_job(Destination& place, Time now) {
  set_ready(place, Listed::no);  // and behind the others again, by review()
  DeliveryJob job = take_job(place, now);
  ++place.leases;
  ++leases_;
  if (place.group != nullptr) ++place.group->leases;
  review(place, now);
  return job;
}

std::optional<DeliveryJob> Schedule::next_for(const std::string& destination, Time now) {
  Destination* place = find(destination);
  if (place == nullptr || place->groups.empty() || place->leases > lease_limit(*place, now)) return std::nullopt;
  if ((leases_ >= options_.connections && starving_ > 0) || yields(*place, now)) return std::nullopt;
  DeliveryJob job = take_job(*place, now);
  review(*place, now);
  return job;
}

void Schedule::conclude(const DeliveryJob& job) {
  for (const auto& recipient : job.recipients) {
    const auto active = active_.find({recipient.message, recipient.index});
    if (active != active_.end()) active->second.since = never;
  }
}

void Schedule::finish(const DeliveryJob& job, const std::vector<DeliveryRecord>& records, Time now) {
  Destination& place = destination(job.destination);
  for (const auto& recipient : job.recipients) deactivate({recipient.message, recipient.index});
  for (const auto& record : records) {
    if (record.state == State::deferred) defer(place, record.next_attempt);
  }
  review(place, now);
}

void Schedule::release(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr || place->leases == 0) return;
  --place->leases;
  --leases_;
  if (place->is_ready && place->leases == 0) ++starving_;
  if (place->group != nullptr) {
    --place->group->leases;
    if (place->is_waiting && place->leases == 0) ++place->group->starving;
    if (!place->group->waiting.empty()) review_soon(*place->group);
  }
  review_soon(*place);
}

std::vector<DueRecipient> Schedule::rest(const std::string& destination, Time now, const std::vector<base::Duration>& delays) {
  Destination& place = this->destination(destination);
  if (place.rest_until <= now) place.rest_until = retry_at(++place.failures, now, delays);
  place.allowed = 1;
  auto back = empty_window(place, now);
  review(place, now);
  return back;
}

void Schedule::alive(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr) return;
  if (place->group != nullptr) {
    if (place->group->allowance.alive()) review_soon(*place->group);
  }
  if (place->failures == 0 && place->allowed == 0) return;
  place->failures = 0;
  place->rest_until = Time::min();
  if (++place->allowed >= options_.connections_per_destination) place->allowed = 0;
  review_soon(*place);
}

void Schedule::wake(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr) return;
  place->rest_until = Time::min();
  if (place->group != nullptr) wake_group(*place->group->name);
  review_soon(*place);
}

std::optional<Time> Schedule::rests_until(const std::string& destination) const {
  const auto place = destinations_.find(destination);
  if (place == destinations_.end() || place->second.rest_until == Time::min()) return std::nullopt;
  return place->second.rest_until;
}

std::vector<DueRecipient> Schedule::pause(const std::string& pattern, Time now) {
  const std::string* mark = pauses_.add(pattern);
  std::vector<Destination*> places;
  for (auto& [name, place] : destinations_) {
    if (place.paused_by == nullptr && pauses_.match(name) == mark) places.push_back(&place);
  }
  std::vector<DueRecipient> back;
  for (Destination* place : places) std::ranges::move(stop(*place, mark, now), std::back_inserter(back));
  return back;
}

std::vector<DueRecipient> Schedule::pause_by_host(const std::string& destination, const std::string& pattern, Time now) {
  const std::string* mark = pauses_.find(pattern);
  Destination& place = this->destination(destination);
  if (mark == nullptr || place.paused_by != nullptr) return {};
  place.by_host = true;
  return stop(place, mark, now);
}

void Schedule::resume(const std::string& pattern, Time now) {
  const std::string* mark = pauses_.find(pattern);
  if (mark == nullptr) return;
  std::vector<Destination*> places;
  for (auto& [name, place] : destinations_) {
    if (place.paused_by == mark) places.push_back(&place);
  }
  pauses_.remove(pattern);
  for (Destination* place : places) {
    place->paused_by = pauses_.match(*place->name);
    place->by_host = false;
    review(*place, now);
  }
}

const std::string* Schedule::paused_by(const std::string& destination) const {
  const auto place = destinations_.find(destination);
  return place == destinations_.end() ? pauses_.match(destination) : place->second.paused_by;
}

std::vector<std::pair<std::string, std::string>> Schedule::paused_by_hosts() const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, place] : destinations_) {
    if (place.by_host) found.emplace_back(name, *place.paused_by);
  }
  return found;
}

std::shared_ptr<Schedule::Look> Schedule::look() {
  std::erase_if(looks_, [](const std::weak_ptr<Look>& look) { return look.expired(); });
  auto look = std::make_shared<Look>();
  looks_.push_back(look);
  return look;
}

std::vector<DueRecipient> Schedule::claim(const std::shared_ptr<Look>& since, std::vector<DueRecipient> recipients, Time now) {
  std::vector<DueRecipient> claimed;
  for (auto& recipient : recipients) {
    const Key key{recipient.message, recipient.index};
    if (active_.contains(key) || since->finished.contains(key)) continue;
    Destination& place = destination(recipient.destination);
    take_out(place, key);
    activate(place, recipient, now);
    review_soon(place);
    claimed.push_back(std::move(recipient));
  }
  return claimed;
}

void Schedule::forget(QueueId message) {
  for (Destination* place : refills_) place->refilling->dropped.insert(message);
  auto held = groups_.lower_bound({message, nullptr});
  while (held != groups_.end() && held->first.first == message) {
    Destination& place = *held->first.second;
    const auto group = (held++)->second;
    erase_group(place, group);
    review_soon(place);
  }
}

Time Schedule::retry_at(std::uint32_t attempts, Time now, const std::vector<base::Duration>& delays) {
  const std::size_t step = std::max<std::uint32_t>(attempts, 1) - 1;
  const base::Duration delay = delays.empty() ? usual_delay : delays[std::min(step, delays.size() - 1)];
  std::uniform_int_distribution<base::Duration::rep> jitter(-delay.count() / 10, delay.count() / 10);
  return now + delay + base::Duration(jitter(random_));
}

std::vector<ActiveRecipient> Schedule::active() const {
  std::vector<ActiveRecipient> all;
  all.reserve(active_.size());
  for (const auto& [key, active] : active_) {
    all.push_back(ActiveRecipient{key, active.since, active.attempts, *active.place->name});
  }
  return all;
}

/// Jobs under way end as they end.
std::vector<DueRecipient> Schedule::stop(Destination& place, const std::string* pattern, Time now) {
  place.paused_by = pattern;
  auto back = empty_window(place, now);
  review(place, now);
  return back;
}

bool Schedule::activate(Destination& place, const DueRecipient& recipient, Time since) {
  const Key key{recipient.message, recipient.index};
  if (!active_.try_emplace(key, Active{since, recipient.attempts, &place}).second) return false;
  ++place.active;
  return true;
}

/// Whoever reads rows at this moment may read the recipient as it was.
bool Schedule::deactivate(const Key& key) {
  const auto active = active_.find(key);
  if (active == active_.end()) return false;
  Destination& place = *active->second.place;
  active_.erase(active);
  --place.active;
  if (place.refilling) place.refilling->finished.insert(key);
  for (const auto& look : looks_) {
    if (const auto open = look.lock()) open->finished.insert(key);
  }
  return true;
}

}  // namespace queue

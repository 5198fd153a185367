// The schedule's bookkeeping: windows, turns, rests, refills. review() is the one place that decides what a destination may do.
#include "queue/schedule.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace queue {
namespace {

/// What a destination may hold however full the window of all is, and while it is only probed: nobody starves behind others.
constexpr std::size_t guaranteed_window = 10;
/// Refills at work at once: the reader is one thread, and what it brings needs room.
constexpr std::size_t refills_at_once = 16;
/// After a Refill that brought nothing though it was not complete: reading failed.
constexpr base::Duration refill_pause{5000};

ScheduleOptions usable(ScheduleOptions options) {
  if (options.delays.empty()) options.delays.emplace_back(std::chrono::minutes(1));
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

Schedule::Schedule(ScheduleOptions options, std::uint64_t seed) : options_(usable(std::move(options))), random_(seed) {}

std::vector<DueRecipient> Schedule::add(std::vector<DueRecipient> recipients, Time now) {
  std::vector<DueRecipient> back;
  for (auto& recipient : recipients) {
    const Key key{recipient.message, recipient.index};
    Destination& place = destination(recipient.destination);
    if (!active_.contains(key) && !holds(place, key)) {
      if (admits(place, now)) {
        put(place, recipient, Origin::accepted);
      } else {
        back.push_back(std::move(recipient));
      }
    }
    review(place, now);
  }
  return back;
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
    } else if (place->rest_until > now || room(*place) == 0) {
      due = std::min(due, now);
    } else {
      put(*place, recipient, Origin::store);
      ++taken;
    }
  }
  // Nothing new, and no reason why: reading failed. Asking again at once would go round and round.
  if (!complete && taken == 0 && meanwhile->finished.empty()) due = now + refill_pause;
  place->store_due = std::min(due, meanwhile->earliest);
  review(*place, now);
}

std::variant<DeliveryJob, Refill, Wait> Schedule::next(Time now) {
  run_timers(now);
  if (!hungry_.empty() && refills_.size() < refills_at_once) return start_refill(*hungry_.front());
  if (!ready_.empty() && leases_ < options_.connections) {
    Destination& place = *ready_.front();
    set_ready(place, Listed::no);  // and behind the others again, by review()
    DeliveryJob job = take_job(place);
    ++place.leases;
    ++leases_;
    review(place, now);
    return job;
  }
  if (timers_.empty()) return Wait{};
  return Wait{timers_.begin()->first};
}

std::optional<DeliveryJob> Schedule::next_for(const std::string& destination, Time now) {
  Destination* place = find(destination);
  if (place == nullptr || place->groups.empty() || place->leases > lease_limit(*place, now)) return std::nullopt;
  if (leases_ >= options_.connections && starving_ > 0) return std::nullopt;
  DeliveryJob job = take_job(*place);
  review(*place, now);
  return job;
}

void Schedule::finish(const DeliveryJob& job, const std::vector<DeliveryRecord>& records, Time now) {
  Destination& place = destination(job.destination);
  for (const auto& recipient : job.recipients) {
    const Key key{recipient.message, recipient.index};
    if (active_.erase(key) == 0) continue;
    --place.active;
    if (place.refilling) place.refilling->finished.insert(key);
  }
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
  review_soon(*place);
}

std::vector<DueRecipient> Schedule::rest(const std::string& destination, Time now) {
  Destination& place = this->destination(destination);
  if (place.rest_until <= now) place.rest_until = retry_at(++place.failures, now);
  auto back = empty_window(place, now);
  review(place, now);
  return back;
}

void Schedule::alive(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr || place->failures == 0) return;
  place->failures = 0;
  place->rest_until = Time::min();
  review_soon(*place);
}

void Schedule::wake(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr) return;
  place->rest_until = Time::min();
  review_soon(*place);
}

std::optional<Time> Schedule::rests_until(const std::string& destination) const {
  const auto place = destinations_.find(destination);
  if (place == destinations_.end() || place->second.rest_until == Time::min()) return std::nullopt;
  return place->second.rest_until;
}

std::vector<DueRecipient> Schedule::claim(std::vector<DueRecipient> recipients) {
  std::vector<DueRecipient> claimed;
  for (auto& recipient : recipients) {
    const Key key{recipient.message, recipient.index};
    if (!active_.insert(key).second) continue;
    Destination& place = destination(recipient.destination);
    take_out(place, key);
    ++place.active;
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

Time Schedule::retry_at(std::uint32_t attempts, Time now) {
  const std::size_t step = std::min<std::size_t>(std::max<std::uint32_t>(attempts, 1) - 1, options_.delays.size() - 1);
  const base::Duration delay = options_.delays[step];
  std::uniform_int_distribution<base::Duration::rep> jitter(-delay.count() / 10, delay.count() / 10);
  return now + delay + base::Duration(jitter(random_));
}

bool Schedule::is_active(QueueId message, std::uint32_t index) const { return active_.contains(Key{message, index}); }

Schedule::Destination& Schedule::destination(const std::string& name) {
  const auto [place, fresh] = destinations_.try_emplace(name);
  if (fresh) place->second.name = &place->first;
  return place->second;
}

Schedule::Destination* Schedule::find(const std::string& name) {
  const auto place = destinations_.find(name);
  return place == destinations_.end() ? nullptr : &place->second;
}

std::size_t Schedule::lease_limit(const Destination& place, Time now) const {
  if (place.rest_until > now) return 0;
  return place.failures > 0 ? 1 : options_.connections_per_destination;
}

std::size_t Schedule::room(const Destination& place) const {
  const std::size_t floor = std::min(guaranteed_window, options_.window_per_destination);
  const std::size_t capacity = place.failures > 0 ? floor : options_.window_per_destination;
  if (place.in_window >= capacity) return 0;
  const std::size_t of_all = window_ < options_.window ? options_.window - window_ : 0;
  const std::size_t promised = place.in_window < floor ? floor - place.in_window : 0;
  return std::min(capacity - place.in_window, std::max(of_all, promised));
}

/// May a freshly accepted recipient enter the window. Where older ones wait in the store it queues up behind them, but for the
/// part of the window below the mark at which a Refill is asked: else fresh mail would keep it full for ever.
bool Schedule::admits(const Destination& place, Time now) const {
  if (place.rest_until > now || room(place) == 0) return false;
  return place.store_due > now || place.in_window < refill_mark();
}

bool Schedule::wants_refill(const Destination& place, Time now) const {
  if (place.store_due > now || place.refilling || place.rest_until > now) return false;
  return place.in_window <= refill_mark() && room(place) > 0;
}

bool Schedule::holds(Destination& place, const Key& key) const {
  const auto group = groups_.find({key.message, &place});
  if (group == groups_.end()) return false;
  return std::ranges::binary_search(group->second->entries, key.index, {}, &Entry::index);
}

void Schedule::put(Destination& place, const DueRecipient& recipient, Origin origin) {
  auto [group, fresh] = groups_.try_emplace({recipient.message, &place});
  if (fresh) group->second = place.groups.insert(place.groups.end(), Group{recipient.message, {}});
  auto& entries = group->second->entries;
  const auto behind = std::ranges::lower_bound(entries, recipient.index, {}, &Entry::index);
  entries.insert(behind, Entry{recipient.index, recipient.attempts, recipient.next_attempt, recipient.expires, origin});
  ++place.in_window;
  ++window_;
}

void Schedule::take_out(Destination& place, const Key& key) {
  if (!holds(place, key)) return;
  const auto group = groups_.find({key.message, &place})->second;
  group->entries.erase(std::ranges::lower_bound(group->entries, key.index, {}, &Entry::index));
  --place.in_window;
  --window_;
  if (group->entries.empty()) erase_group(place, group);
}

void Schedule::erase_group(Destination& place, std::list<Group>::iterator group) {
  place.in_window -= static_cast<std::uint32_t>(group->entries.size());
  window_ -= group->entries.size();
  groups_.erase({group->message, &place});
  place.groups.erase(group);
}

DueRecipient Schedule::due_recipient(const Group& group, const Entry& entry, const Destination& place) {
  return {group.message, entry.index, entry.attempts, entry.next_attempt, entry.expires, *place.name};
}

/// The store keeps those that it knows as deferred; the others are returned.
std::vector<DueRecipient> Schedule::empty_window(Destination& place, Time now) {
  std::vector<DueRecipient> back;
  while (!place.groups.empty()) {
    const auto group = place.groups.begin();
    for (const Entry& entry : group->entries) {
      if (entry.origin == Origin::store) {
        defer(place, now);
      } else {
        back.push_back(due_recipient(*group, entry, place));
      }
    }
    erase_group(place, group);
  }
  return back;
}

DeliveryJob Schedule::take_job(Destination& place) {
  const auto group = place.groups.begin();
  auto& entries = group->entries;
  const std::size_t count = std::min(entries.size(), options_.recipients_per_transaction);
  DeliveryJob job;
  job.destination = *place.name;
  job.message = group->message;
  job.recipients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    job.recipients.push_back(due_recipient(*group, entries[i], place));
    active_.insert(Key{group->message, entries[i].index});
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
  place.in_window -= static_cast<std::uint32_t>(count);
  window_ -= count;
  place.active += static_cast<std::uint32_t>(count);
  if (entries.empty()) erase_group(place, group);
  return job;
}

Refill Schedule::start_refill(Destination& place) {
  set_hungry(place, Listed::no);
  place.refilling = std::make_unique<Refilling>();
  refills_.push_back(&place);
  return Refill{*place.name, place.in_window + place.active + room(place)};
}

void Schedule::defer(Destination& place, Time due) {
  place.store_due = std::min(place.store_due, due);
  if (place.refilling) place.refilling->earliest = std::min(place.refilling->earliest, due);
}

void Schedule::run_timers(Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) review(*timers_.begin()->second, now);
}

/// What may this destination do now, and when is the next time to ask. Forgets it when nothing is left of it, so that callers do
/// not touch it afterwards.
void Schedule::review(Destination& place, Time now) {
  const bool resting = place.rest_until > now;
  const bool ready = !place.groups.empty() && place.leases < lease_limit(place, now);
  set_ready(place, ready ? Listed::yes : Listed::no);
  set_hungry(place, wants_refill(place, now) ? Listed::yes : Listed::no);
  Time when = never;
  if (resting) {
    when = place.rest_until;
  } else if (place.store_due > now) {
    when = place.store_due;
  }
  set_timer(place, when);
  const bool idle = place.groups.empty() && place.active == 0 && place.leases == 0 && !place.refilling;
  if (idle && !resting && place.store_due == never) destinations_.erase(destinations_.find(*place.name));
}

/// For calls that are given no time: the next next() does it first.
void Schedule::review_soon(Destination& place) { set_timer(place, Time::min()); }

void Schedule::set_ready(Destination& place, Listed listed) {
  if (place.is_ready == (listed == Listed::yes)) return;
  place.is_ready = !place.is_ready;
  if (place.is_ready) {
    place.turn = ready_.insert(ready_.end(), &place);
    if (place.leases == 0) ++starving_;
  } else {
    ready_.erase(place.turn);
    if (place.leases == 0) --starving_;
  }
}

void Schedule::set_hungry(Destination& place, Listed listed) {
  if (place.is_hungry == (listed == Listed::yes)) return;
  place.is_hungry = !place.is_hungry;
  if (place.is_hungry) {
    place.refill_turn = hungry_.insert(hungry_.end(), &place);
  } else {
    hungry_.erase(place.refill_turn);
  }
}

void Schedule::set_timer(Destination& place, Time when) {
  if (place.timer == when) return;
  if (place.timer != never) timers_.erase({place.timer, &place});
  place.timer = when;
  if (when != never) timers_.insert({when, &place});
}

}  // namespace queue

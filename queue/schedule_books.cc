// The schedule's books: windows, turns, timers. review() is the one place that decides what a destination may do.
#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "queue/schedule.h"

namespace queue {
namespace {

/// What a destination may hold however full the window of all is, and while it is only probed: nobody starves behind others.
constexpr std::size_t guaranteed_window = 10;
/// Whose turns are remembered, before those that have had theirs are forgotten.
constexpr std::size_t most_senders = 2000;

}  // namespace

Schedule::Destination& Schedule::destination(const std::string& name) {
  const auto [place, fresh] = destinations_.try_emplace(name);
  if (fresh) {
    place->second.name = &place->first;
    place->second.paused_by = pauses_.match(name);
    if (options_.first_connections < options_.connections_per_destination) {
      place->second.allowed = static_cast<std::uint32_t>(options_.first_connections);
    }
  }
  return place->second;
}

Schedule::Destination* Schedule::find(const std::string& name) {
  const auto place = destinations_.find(name);
  return place == destinations_.end() ? nullptr : &place->second;
}

std::size_t Schedule::lease_limit(const Destination& place, Time now) const {
  if (stands_still(place, now)) return 0;
  if (place.failures > 0) return 1;
  const std::size_t most = options_.connections_per_destination;
  return place.allowed > 0 ? std::min<std::size_t>(place.allowed, most) : most;
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
  if (stands_still(place, now) || room(place) == 0) return false;
  return place.store_due > now || place.in_window < refill_mark();
}

bool Schedule::wants_refill(const Destination& place, Time now) const {
  if (place.store_due > now || place.refilling || stands_still(place, now)) return false;
  return place.in_window <= refill_mark() && room(place) > 0;
}

bool Schedule::holds(Destination& place, const Key& key) const {
  const auto group = groups_.find({key.message, &place});
  if (group == groups_.end()) return false;
  return std::ranges::binary_search(group->second->entries, key.index, {}, &Entry::index);
}

void Schedule::put(Destination& place, const DueRecipient& recipient, Source source) {
  auto [group, fresh] = groups_.try_emplace({recipient.message, &place});
  if (fresh) {
    const std::uint64_t round = round_for(place, recipient.sender);
    auto behind = place.groups.end();
    while (behind != place.groups.begin() && std::prev(behind)->round > round) --behind;
    group->second = place.groups.insert(behind, Group{recipient.message, round, {}});
  }
  auto& entries = group->second->entries;
  const auto behind = std::ranges::lower_bound(entries, recipient.index, {}, &Entry::index);
  entries.insert(behind, Entry{recipient.index, recipient.attempts, recipient.next_attempt, recipient.expires, source});
  ++place.in_window;
  ++window_;
}

/// So a single mail goes before the rest of a bulk that came first.
std::uint64_t Schedule::round_for(Destination& place, std::uint32_t sender) {
  if (!place.rounds) place.rounds = std::make_unique<Rounds>();
  Rounds& rounds = *place.rounds;
  if (sender == null_sender) return rounds.now;
  if (rounds.last.size() >= most_senders) std::erase_if(rounds.last, [&](const auto& sent) { return sent.second <= rounds.now; });
  std::uint64_t& last = rounds.last[sender];
  last = std::max(last, rounds.now) + 1;
  return last;
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
  if (place.groups.empty()) place.rounds.reset();
}

DueRecipient Schedule::due_recipient(const Group& group, const Entry& entry, const Destination& place) {
  return {group.message, entry.index, entry.attempts, entry.next_attempt, entry.expires, *place.name};
}

/// The store keeps those that it knows as deferred; the others are returned, active until parked().
std::vector<DueRecipient> Schedule::empty_window(Destination& place, Time now) {
  std::vector<DueRecipient> back;
  while (!place.groups.empty()) {
    const auto group = place.groups.begin();
    for (const Entry& entry : group->entries) {
      if (entry.source == Source::store) {
        defer(place, now);
      } else {
        back.push_back(due_recipient(*group, entry, place));
        activate(place, back.back(), never);
      }
    }
    erase_group(place, group);
  }
  return back;
}

DeliveryJob Schedule::take_job(Destination& place, Time now) {
  if (place.group != nullptr) place.group->allowance.spend(now);
  const auto group = place.groups.begin();
  place.rounds->now = std::max(place.rounds->now, group->round);
  auto& entries = group->entries;
  const std::size_t count = std::min(entries.size(), options_.recipients_per_transaction);
  DeliveryJob job;
  job.destination = *place.name;
  job.message = group->message;
  job.recipients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    job.recipients.push_back(due_recipient(*group, entries[i], place));
    activate(place, job.recipients.back(), now);
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
  place.in_window -= static_cast<std::uint32_t>(count);
  window_ -= count;
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
  while (!group_timers_.empty() && group_timers_.begin()->first <= now) review(*group_timers_.begin()->second, now);
  while (!timers_.empty() && timers_.begin()->first <= now) review(*timers_.begin()->second, now);
}

/// What may this destination do now, and when is the next time to ask. Forgets it when nothing is left of it, so that callers do
/// not touch it afterwards.
void Schedule::review(Destination& place, Time now) {
  const bool resting = place.rest_until > now;
  const bool could = !place.groups.empty() && place.leases < lease_limit(place, now);
  const bool turn = could && has_turn(place, now);
  set_waiting(place, could && !turn ? Listed::yes : Listed::no);
  set_ready(place, turn ? Listed::yes : Listed::no);
  set_hungry(place, wants_refill(place, now) ? Listed::yes : Listed::no);
  Time when = never;
  if (resting) {
    when = place.rest_until;
  } else if (!stands_still(place, now) && place.store_due > now) {
    when = place.store_due;  // the end of a group's rest is the group's to look after
  }
  set_timer(place, when);
  const bool idle = place.groups.empty() && place.active == 0 && place.leases == 0 && !place.refilling;
  if (!idle || resting || place.store_due != never) return;
  leave_group(place);
  destinations_.erase(destinations_.find(*place.name));
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
    if (place.group != nullptr && !place.group->waiting.empty()) review_soon(*place.group);  // its turn may be another's
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

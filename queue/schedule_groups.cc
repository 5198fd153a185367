// Groups of destinations with the same hosts: who belongs to which, whose turn it is, rests and slow times of all of them.
#include <algorithm>

#include "queue/schedule.h"

namespace queue {

Schedule::Joining Schedule::join(const std::string& destination, const std::string& group, const GroupLimits& limits, Time now) {
  Destination& place = this->destination(destination);
  MxGroup& joined = mx_group(group);
  joined.allowance.configure(limits);
  Joining joining;
  if (place.group == &joined) {
    joining.admitted = joined.leases <= joined.allowance.connections(now);
  } else {
    joining.admitted = joined.allowance.admits(now, joined.leases);
    leave_group(place);
    place.group = &joined;
    joined.members.insert(&place);
    joined.leases += place.leases;
    for (std::size_t i = 0; i < place.leases; ++i) joined.allowance.spend(now);
  }
  if (!joining.admitted) joined.allowance.give_back();
  if (stands_still(place, now)) joining.back = empty_window(place, now);
  review_soon(joined);
  review(place, now);
  return joining;
}

const std::string* Schedule::group_of(const std::string& destination) const {
  const auto place = destinations_.find(destination);
  return place == destinations_.end() || place->second.group == nullptr ? nullptr : place->second.group->name;
}

std::vector<std::string> Schedule::destinations_of(const std::string& group) const {
  std::vector<std::string> names;
  const MxGroup* known = find_group(group);
  if (known == nullptr) return names;
  names.reserve(known->members.size());
  for (const Destination* place : known->members) names.push_back(*place->name);
  return names;
}

const Allowance* Schedule::allowance_of(const std::string& group) const {
  const MxGroup* known = find_group(group);
  return known == nullptr ? nullptr : &known->allowance;
}

std::vector<std::string> Schedule::groups() const {
  std::vector<std::string> names;
  names.reserve(mx_groups_.size());
  for (const auto& [name, group] : mx_groups_) names.push_back(name);
  return names;
}

std::vector<DueRecipient> Schedule::rest_group(const std::string& group, Time until, Time now) {
  MxGroup& resting = mx_group(group);
  resting.allowance.rest(until);
  resting.rested = true;
  std::vector<DueRecipient> back;
  const std::vector<Destination*> members(resting.members.begin(), resting.members.end());
  for (Destination* place : members) {
    std::ranges::move(empty_window(*place, now), std::back_inserter(back));
    review(*place, now);
  }
  review_soon(resting);
  return back;
}

void Schedule::slow_group(const std::string& group, Time until, const base::Rate& rate, Time now) {
  MxGroup& slowed = mx_group(group);
  slowed.allowance.slow(now, until, rate);
  review_soon(slowed);
}

void Schedule::wake_group(const std::string& group) {
  const auto known = mx_groups_.find(group);
  if (known == mx_groups_.end()) return;
  known->second.allowance.wake();
  review_soon(known->second);
}

void Schedule::give_back_turn(const std::string& destination) {
  Destination* place = find(destination);
  if (place == nullptr || place->group == nullptr) return;
  place->group->allowance.give_back();
  review_soon(*place->group);
}

Schedule::MxGroup& Schedule::mx_group(const std::string& name) {
  const auto [group, fresh] = mx_groups_.try_emplace(name);
  if (fresh) group->second.name = &group->first;
  return group->second;
}

const Schedule::MxGroup* Schedule::find_group(const std::string& name) const {
  const auto group = mx_groups_.find(name);
  return group == mx_groups_.end() ? nullptr : &group->second;
}

void Schedule::leave_group(Destination& place) {
  if (place.group == nullptr) return;
  MxGroup& group = *place.group;
  set_waiting(place, Listed::no);
  group.members.erase(&place);
  group.leases -= place.leases;
  place.group = nullptr;
  review_soon(group);
}

bool Schedule::has_turn(const Destination& place, Time now) {
  return place.group == nullptr || place.group->allowance.admits(now, place.group->leases);
}

/// An open connection ends for the sake of one in the group that has none; and when the group may not go on.
bool Schedule::yields(const Destination& place, Time now) {
  if (place.group == nullptr) return false;
  const MxGroup& group = *place.group;
  if (!group.allowance.admits(now, group.leases - 1)) return true;
  return group.starving > 0;
}

void Schedule::set_waiting(Destination& place, Listed listed) {
  if (place.is_waiting == (listed == Listed::yes)) return;
  place.is_waiting = !place.is_waiting;
  MxGroup& group = *place.group;
  if (place.is_waiting) {
    place.wait_turn = group.waiting.insert(group.waiting.end(), &place);
    if (place.leases == 0) ++group.starving;
    review_soon(group);
  } else {
    group.waiting.erase(place.wait_turn);
    if (place.leases == 0) --group.starving;
  }
}

void Schedule::set_timer(MxGroup& group, Time when) {
  if (group.timer == when) return;
  if (group.timer != never) group_timers_.erase({group.timer, &group});
  group.timer = when;
  if (when != never) group_timers_.insert({when, &group});
}

/// As many of those that wait get their turn as may start now; next() looks again at each. Forgets a group when nothing is left
/// of it.
void Schedule::review(MxGroup& group, Time now) {
  const bool rests = group.allowance.rests(now);
  if (group.rested && !rests) {
    group.rested = false;
    const std::vector<Destination*> members(group.members.begin(), group.members.end());
    for (Destination* place : members) review(*place, now);
  }
  for (std::size_t i = group.leases; !group.waiting.empty() && group.allowance.admits(now, i); ++i) {
    Destination& place = *group.waiting.front();
    set_waiting(place, Listed::no);
    set_ready(place, Listed::yes);
  }
  const bool looks_again = rests || !group.waiting.empty();
  set_timer(group, looks_again ? group.allowance.next_time(now) : never);
  if (!group.members.empty()) return;
  set_timer(group, std::max(group.allowance.plain_at(), now));
  if (group.timer > now) return;
  set_timer(group, never);
  mx_groups_.erase(mx_groups_.find(*group.name));
}

Time Schedule::next_timer() const {
  const Time first = timers_.empty() ? never : timers_.begin()->first;
  return group_timers_.empty() ? first : std::min(first, group_timers_.begin()->first);
}

}  // namespace queue

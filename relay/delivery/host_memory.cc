// Troubles of hosts, each with its time.
#include "relay/delivery/host_memory.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace relay::delivery {
namespace {

struct Span {
  std::chrono::minutes first;
  std::chrono::minutes longest;
};

Span span_of(Trouble trouble) {
  using std::chrono::minutes;
  switch (trouble) {
    case Trouble::tls: return {minutes(15), minutes(60)};
    case Trouble::dead: return {minutes(1), minutes(15)};
    case Trouble::chunks: return {minutes(24 * 60), minutes(24 * 60)};
  }
  return {minutes(1), minutes(1)};
}

std::chrono::minutes length(Trouble trouble, std::uint32_t times) {
  const Span span = span_of(trouble);
  std::chrono::minutes time = span.first;
  for (std::uint32_t i = 1; i < times && time < span.longest; ++i) time *= 2;
  return std::min(time, span.longest);
}

}  // namespace

std::string_view name_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::tls: return "tls";
    case Trouble::dead: return "dead";
    case Trouble::chunks: return "chunks";
  }
  return "";
}

void HostMemory::add(const dns::Candidate& host, Trouble trouble, Time now) {
  const Key key = key_of(host, trouble);
  const auto known = entries_.find(key);
  // It counts as in a row while the end of the last time is not long past.
  const bool again = known != entries_.end() && now < known->second.until + span_of(trouble).longest;
  const std::uint32_t times = again ? known->second.times + 1 : 1;
  if (known == entries_.end()) make_room(now);
  entries_.insert_or_assign(key, Entry{host, trouble, times, now + length(trouble, times)});
}

void HostMemory::remove(const dns::Candidate& host, Trouble trouble) { entries_.erase(key_of(host, trouble)); }

bool HostMemory::has(const dns::Candidate& host, Trouble trouble, Time now) const {
  const auto known = entries_.find(key_of(host, trouble));
  return known != entries_.end() && now < known->second.until;
}

std::vector<dns::Candidate> HostMemory::in_order(std::vector<dns::Candidate> candidates, Time now) const {
  std::vector<dns::Candidate> dead;
  std::erase_if(candidates, [&](const dns::Candidate& host) {
    const bool is_dead = has(host, Trouble::dead, now);
    if (is_dead) dead.push_back(host);
    return is_dead;
  });
  std::ranges::move(dead, std::back_inserter(candidates));
  return candidates;
}

std::vector<HostMemory::Entry> HostMemory::entries(Time now) const {
  std::vector<Entry> list;
  for (const auto& [key, entry] : entries_) {
    if (now < entry.until) list.push_back(entry);
  }
  return list;
}

std::size_t HostMemory::forget(std::string_view host) {
  return std::erase_if(entries_, [host](const auto& kept) {
    const dns::Candidate& known = kept.second.host;
    return base::equal_ignoring_case(known.host, host) || known.address.to_string() == host;
  });
}

void HostMemory::make_room(Time now) {
  if (entries_.size() < most_entries) return;
  std::erase_if(entries_, [now](const auto& kept) { return kept.second.until <= now; });
  if (entries_.size() < most_entries) return;
  entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& kept) { return kept.second.until; }));
}

}  // namespace relay::delivery

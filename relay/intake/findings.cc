// Two lists in the order of their use, and one index.
#include "relay/intake/findings.h"

#include <fmt/format.h>

namespace relay::intake {
namespace {

/// The local part in its case: to its host another case may be another mailbox.
std::string key_of(std::string_view route, const mail::Mailbox& mailbox) {
  return fmt::format("{}\n{}", route, mailbox.to_string());
}

/// No mailbox has it: there is no @ in it.
std::string key_of_all(std::string_view route, const mail::Mailbox& mailbox) {
  return fmt::format("{}\n{}", route, mailbox.domain());
}

}  // namespace

std::optional<Finding> Findings::find(std::string_view route, const mail::Mailbox& mailbox, Time now) {
  const Entry* own = look(key_of(route, mailbox));
  if (own != nullptr && now < own->ask_again) return own->finding;
  const Entry* all = look(key_of_all(route, mailbox));
  if (all == nullptr || now >= all->ask_again) return std::nullopt;
  return is_known(own, now) ? own->finding : all->finding;
}

Finding Findings::add(std::string_view route, const mail::Mailbox& mailbox, Finding finding, Time now) {
  std::string key = key_of(route, mailbox);
  if (finding.standing == Standing::unsure) {
    if (finding.of_all) put(key_of_all(route, mailbox), finding, now);
    if (Entry* own = look(key); is_known(own, now)) {
      own->ask_again = now + limits_.unsure_for;
      return own->finding;
    }
    if (finding.of_all) return finding;
  }
  put(std::move(key), finding, now);
  return finding;
}

bool Findings::is_known(const Entry* entry, Time now) const {
  return entry != nullptr && entry->finding.standing == Standing::known && now < entry->heard + limits_.known_at_most;
}

Findings::Entry* Findings::look(std::string_view key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  Entries& half = half_of(place->second->finding.standing);
  half.splice(half.begin(), half, place->second);
  return &*place->second;
}

void Findings::put(std::string key, Finding finding, Time now) {
  if (const auto place = places_.find(key); place != places_.end()) {
    const auto entry = place->second;
    places_.erase(place);  // its key is the entry's
    half_of(entry->finding.standing).erase(entry);
  }
  const auto counts_for = [&] {
    switch (finding.standing) {
      case Standing::known: return limits_.known_for;
      case Standing::unknown: return limits_.unknown_for;
      case Standing::unsure: return limits_.unsure_for;
    }
    return limits_.unsure_for;
  };
  const Time ask_again = now + counts_for();
  Entries& half = half_of(finding.standing);
  half.push_front(Entry{std::move(key), std::move(finding), now, ask_again});
  places_.emplace(half.front().key, half.begin());
  forget_the_oldest(half);
}

void Findings::forget_the_oldest(Entries& half) {
  if (half.size() <= most_of_a_half) return;
  places_.erase(half.back().key);
  half.pop_back();
}

}  // namespace relay::intake

// What the hosts of relay_domains have said of recipients, as long as it counts. Pure: time is a parameter.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mail/address.h"
#include "relay/intake/limits.h"

namespace relay::intake {

enum class Standing : std::uint8_t {
  known,    ///< its host takes mail for it
  unknown,  ///< its host refuses it for good
  unsure,   ///< no host has said either
};

class Finding {
 public:
  Standing standing = Standing::unsure;
  std::string words;    ///< the host's, or why it could not be heard; printable ASCII, at most 200 octets
  bool of_all = false;  ///< no host could be asked about anybody: it holds for the whole domain
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Bounded: those known and all others in two halves, so that no dictionary of names pushes out those known; in each the one that
/// was asked for longest ago goes first. Under 1 KiB each.
class Findings {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most_of_a_half = 10'000;

  explicit Findings(const Limits& limits) : limits_(limits) {}
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;

  /// What counts now without asking again. `route` is where the domain's mail goes: with another one nothing is known.
  std::optional<Finding> find(std::string_view route, const mail::Mailbox& mailbox, Time now);
  /// Takes the answer in, and gives what counts now: one that is unsure leaves in force that the recipient was known.
  Finding add(std::string_view route, const mail::Mailbox& mailbox, Finding finding, Time now);

  std::size_t size() const { return places_.size(); }

 private:
  struct Entry {
    std::string key;
    Finding finding;
    Time heard;
    Time ask_again;
  };
  using Entries = std::list<Entry>;  // the one used last is in front

  Entry* look(std::string_view key);
  void put(std::string key, Finding finding, Time now);
  void forget_the_oldest(Entries& half);
  Entries& half_of(Standing standing) { return standing == Standing::known ? known_ : others_; }
  bool is_known(const Entry* entry, Time now) const;

  Limits limits_;
  Entries known_;
  Entries others_;
  std::unordered_map<std::string_view, Entries::iterator> places_;  // by the keys of the entries
};

}  // namespace relay::intake

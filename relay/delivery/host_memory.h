// What is remembered of single hosts for a while: whose TLS does not work, who does not answer, who does not know BDAT.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dns/mx.h"

namespace relay::delivery {

enum class Trouble : std::uint8_t {
  tls,     ///< the handshake failed or stalled, and without TLS the host was well: 15 minutes, later up to an hour
  dead,    ///< no connection: a minute, later up to 15
  chunks,  ///< offers CHUNKING and does not know BDAT: a day
};
std::string_view name_of(Trouble trouble);

/// Pure: time is a parameter. Bounded; what ends first is forgotten for the new. On the loop alone.
class HostMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most_entries = 10'000;

  struct Entry {
    dns::Candidate host;
    Trouble trouble = Trouble::tls;
    std::uint32_t times = 0;  ///< in a row
    Time until;
  };

  /// Once more: each time in a row counts for twice as long.
  void add(const dns::Candidate& host, Trouble trouble, Time now);
  /// It is over: the host has shown so.
  void remove(const dns::Candidate& host, Trouble trouble);
  bool has(const dns::Candidate& host, Trouble trouble, Time now) const;
  /// The dead ones behind the others; the order stays otherwise.
  std::vector<dns::Candidate> in_order(std::vector<dns::Candidate> candidates, Time now) const;

  /// Of what counts now, by address.
  std::vector<Entry> entries(Time now) const;
  /// Of a host by its name or address; how much there was.
  std::size_t forget(std::string_view host);
  void clear() { entries_.clear(); }

 private:
  /// A host is an address and a port, whatever names lead there.
  struct Key {
    base::IpAddress address;
    std::uint16_t port = 0;
    Trouble trouble = Trouble::tls;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  static Key key_of(const dns::Candidate& host, Trouble trouble) { return Key{host.address, host.port, trouble}; }
  void make_room(Time now);

  std::map<Key, Entry> entries_;
};

}  // namespace relay::delivery

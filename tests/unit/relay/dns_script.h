// What DNS says of a few hosts, changed, counted and held back by a test while the relay runs.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dns/resolver.h"
#include "tests/unit/relay/world.h"

namespace world {

using Told = dns::Result<dns::Answer>;

Told found(const std::vector<std::string>& addresses, base::Duration ttl = std::chrono::hours(1));
Told nothing();
Told no_name();
Told broken();

/// The answers to questions for A records past the cache; there are none of AAAA. Thread-safe.
class Script {
 public:
  void set(const std::string& name, Told answer);
  /// Questions, of A and AAAA.
  int asked();
  /// Answers wait from now on.
  void hold();
  void release();
  /// Asks this script past the cache; all else it knows from a table.
  std::unique_ptr<dns::Resolver> resolver(const World& others = {});

 private:
  class Resolver;
  struct Held {
    std::string name;
    dns::RecordType type;
    dns::Callback done;
  };

  void take(const std::string& name, dns::RecordType type, dns::Callback done);
  void count();

  std::mutex mutex_;
  std::map<std::string, Told> answers_;
  std::deque<Held> held_;
  int asked_ = 0;
  bool holding_ = false;
};

}  // namespace world

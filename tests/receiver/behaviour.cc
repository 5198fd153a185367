// The words in which the tables of behaviours are written.
#include "tests/receiver/behaviour.h"

#include <algorithm>
#include <iterator>

namespace receiver {

Deed says(Step at, const std::string& line) { return Deed{at, Does::says, line + "\r\n"}; }
Deed sends(Step at, const std::string& octets) { return Deed{at, Does::says, octets}; }
Deed closes(Step at, const std::string& words) { return Deed{at, Does::closes, words}; }
Deed resets(Step at, const std::string& words) { return Deed{at, Does::resets, words}; }
Deed stalls(Step at, const std::string& words) { return Deed{at, Does::stalls, words}; }
Deed freezes(Step at) { return Deed{at, Does::freezes, {}}; }
Deed drips(Step at, const std::string& words) { return Deed{at, Does::drips, words}; }
Deed floods(Step at, const std::string& words) { return Deed{at, Does::floods, words}; }

Deed times(std::size_t count, Deed deed) {
  deed.times = count;
  return deed;
}

Deed once(Deed deed) { return times(1, std::move(deed)); }

Deed after(std::size_t messages, Deed deed) {
  deed.after = messages;
  return deed;
}

End delivered(Over over) { return End{Became::delivered, {}, 1, over}; }
End delivered_at_most(std::size_t times) { return End{Became::delivered, {}, times}; }
End bounced(const std::string& reply) { return End{Became::bounced, reply}; }
End waits(const std::string& reply) { return End{Became::waiting, reply}; }

std::vector<Behaviour> joined(std::vector<std::vector<Behaviour>> tables) {
  std::vector<Behaviour> all;
  for (std::vector<Behaviour>& table : tables) std::ranges::move(table, std::back_inserter(all));
  return all;
}

std::vector<Behaviour> all_behaviours() {
  return joined({at_the_door(), under_tls(), at_the_login(), with_implicit_tls(), in_transactions()});
}

}  // namespace receiver

// The sums that the tables keep beside their rows (totals, destinations, uses of replies): gathered in memory while a transaction
// runs and written once at its end. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "queue/sqlite_statements.h"
#include "queue/store.h"

namespace queue {

struct Totals {
  Counts counts;
  std::uint64_t newest_id = 0;
};

/// What the sums depend on, and what a record changes.
struct RecipientRow {
  std::uint32_t number = 0;
  State state = State::queued;
  std::uint32_t attempts = 0;
  std::int64_t next_attempt = 0;
  std::int64_t reply = 0;  ///< 0: none
  std::string destination;
};

class Sums {
 public:
  /// Begins with the totals of the last commit.
  explicit Sums(const Totals& committed) : totals_(committed) {}

  void message_enters(QueueId id);
  void message_leaves();
  void message_is_set_aside();
  void enter(const RecipientRow& row);
  void leave(const RecipientRow& row);

  /// Into the tables, before the commit.
  Result<void> write(WriterTables& tables);
  const Totals& totals() const { return totals_; }

 private:
  Totals totals_;
  std::map<std::string, std::int64_t> destinations_;        ///< touched ones, with the change of their deferred recipients
  std::unordered_map<std::int64_t, std::int64_t> replies_;  ///< change of uses
};

}  // namespace queue

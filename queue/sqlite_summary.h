// What waits, counted in groups by one pass over the queue database. Internal to the queue folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/sqlite_replies.h"
#include "queue/store.h"

namespace queue {

class SummaryGroups;
struct SummaryGroup;

/// One thread at a time; the database must outlive it.
class SqliteSummary {
 public:
  /// `most_names` get a group of their own.
  explicit SqliteSummary(Database& database, std::size_t most_names = 100'000) : database_(database), most_names_(most_names) {}
  SqliteSummary(const SqliteSummary&) = delete;
  SqliteSummary& operator=(const SqliteSummary&) = delete;
  Result<void> prepare();

  /// As Reader has it. Each part of the pass is one state of the database, all of it together need not be.
  Result<std::vector<SummaryRow>> summary(SummaryBy by, std::size_t limit);

 private:
  /// From the row behind (message, number) on; moves them. Tells how many rows there were.
  Result<std::uint64_t> count_part(SummaryBy by, SummaryGroups& groups, std::int64_t& message, std::int64_t& number);
  Result<SummaryRow> describe(const std::string& name, const SummaryGroup& group);

  Database& database_;
  const std::size_t most_names_;
  Statement recipients_;
  Statement senders_;
  Statement received_;
  ReplyTable replies_;
};

}  // namespace queue

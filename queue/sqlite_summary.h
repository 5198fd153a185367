// What waits, counted in groups by one pass over the queue database. Internal to the queue folder.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/sqlite_replies.h"
#include "queue/sqlite_summary_pass.h"
#include "queue/store.h"

namespace queue {

/// One thread at a time; the database must outlive it.
class SqliteSummary {
 public:
  using Open = std::function<Result<Database>()>;

  /// `another` opens the database once more: two threads read the halves of a large queue. `most_names` get a group of their own.
  SqliteSummary(Database& database, Open another, std::size_t most_names = 100'000)
      : database_(database), another_(std::move(another)), most_names_(most_names) {}
  SqliteSummary(const SqliteSummary&) = delete;
  SqliteSummary& operator=(const SqliteSummary&) = delete;
  Result<void> prepare();

  /// As Reader has it. Each part of the pass is one state of the database, all of it together need not be.
  Result<std::vector<SummaryRow>> summary(SummaryBy by, std::size_t limit);

 private:
  Result<void> count(SummaryBy by, SummaryGroups& groups);
  Result<void> count_half(SummaryBy by, SummaryGroups& groups, SummaryRange range);
  Result<SummaryRow> describe(const std::string& name, const SummaryGroup& group);

  Database& database_;
  const Open another_;
  const std::size_t most_names_;
  Statement begin_;
  Statement end_;
  Statement messages_;
  Statement middle_;
  Statement received_;
  ReplyTable replies_;
};

}  // namespace queue

// Housekeeping of the database file between groups: checkpoints, and giving free pages back. Internal to the queue folder.
#pragma once

#include <chrono>
#include <optional>

#include "queue/sqlite_statements.h"

namespace queue {

/// Belongs to one open connection.
class SqliteSpace {
 public:
  /// Runs a checkpoint when the log has grown enough, and a step of giving space back when much is free. A step takes a few
  /// milliseconds at most, and there is a pause between two. Tells when it wants to be called again.
  Result<std::optional<std::chrono::milliseconds>> tidy(WriterTables& tables);

 private:
  using Clock = std::chrono::steady_clock;

  Result<void> checkpoint_when_due(WriterTables& tables);
  Result<void> checkpoint(WriterTables& tables);
  Result<void> look(WriterTables& tables);
  /// One step; no transaction is open afterwards, whatever happened.
  Result<void> give_back(WriterTables& tables);

  int checkpointed_at_ = 0;      ///< pages in the log at the last checkpoint
  int checkpoint_pages_ = 1000;  ///< so many more, and the next one follows
  Clock::time_point look_at_;
  Clock::time_point next_step_;
  bool giving_back_ = false;
};

}  // namespace queue

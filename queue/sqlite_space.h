// Housekeeping of the database file between groups: checkpoints, and giving free pages back. Internal to the queue folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "queue/sqlite_statements.h"

namespace queue {

/// Belongs to one open connection, whose tables must outlive it.
class SqliteSpace {
 public:
  explicit SqliteSpace(WriterTables& tables);

  /// Runs a checkpoint when the log has grown enough, and a step of giving space back when much is free. A step takes a few
  /// milliseconds, the one that writes a nearly empty queue anew some tens, and there is a pause between two. Tells when it wants
  /// to be called again.
  Result<std::optional<std::chrono::milliseconds>> tidy();
  /// Cuts off at once what would have been cut off in steps; before the connection closes.
  Result<void> finish();

 private:
  using Clock = std::chrono::steady_clock;

  struct Pages {
    std::int64_t all = 0;
    std::int64_t free = 0;
    std::int64_t used = 0;      ///< by tables and indexes
    std::int64_t too_long = 0;  ///< octets of the file behind its last page
  };

  Result<Pages> count();
  Result<void> checkpoint_when_due();
  Result<void> checkpoint();
  /// Looks how much is free, and does the next step.
  Result<void> look();
  /// Frees pages at the end of the file.
  Result<void> give_back();
  Result<std::int64_t> free_some();
  /// Frees all at once by writing anew what is in use.
  Result<void> rewrite();
  /// Cuts pages off the end that were freed before.
  Result<void> cut();
  /// Runs `change` so that its commit is not synced by itself; no transaction is open afterwards, whatever happened.
  template <class Change>
  Result<void> unsynced(Change change);

  WriterTables& tables_;
  int checkpointed_at_ = 0;      ///< pages in the log at the last checkpoint
  int checkpoint_pages_ = 1000;  ///< so many more, and the next one follows
  Clock::time_point look_at_;
  Clock::time_point next_step_;
  Clock::time_point rewrite_at_;  ///< not before
  Clock::duration rewrite_pause_{};
  bool giving_back_ = false;
  bool cutting_ = false;  ///< the file may be longer than its pages
};

}  // namespace queue

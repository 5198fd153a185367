// Reading rows of a prepared statement, and several statements in one transaction. Internal to the queue folder.
#pragma once

#include <vector>

#include "queue/sqlite_database.h"

namespace queue {

/// One state of the database for several statements, until the end of the scope.
class Snapshot {
 public:
  Snapshot(Statement& begin, Statement& end) : end_(end), begun_(begin.run()) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    if (begun_) static_cast<void>(end_.run());
  }
  const Result<void>& begun() const { return begun_; }

 private:
  Statement& end_;
  Result<void> begun_;
};

/// What `make` makes of each row.
template <class Value, class Make>
Result<std::vector<Value>> all_rows(Statement& statement, Make make) {
  std::vector<Value> values;
  const ResetAtEnd reset(statement);
  for (;;) {
    const auto row = statement.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return values;
    values.push_back(make(statement));
  }
}

}  // namespace queue

// Finding rows by a filter in the queue database. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "queue/filter.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_replies.h"
#include "queue/store.h"

namespace queue {

/// One thread at a time; the database must outlive it.
class SqliteList {
 public:
  explicit SqliteList(Database& database) : database_(database) {}
  SqliteList(const SqliteList&) = delete;
  SqliteList& operator=(const SqliteList&) = delete;
  /// Makes the predicates known to the database: once, before anything else.
  Result<void> prepare();

  /// As Reader has them.
  Result<std::vector<ListRow>> list(const Filter& filter, QueueId after, std::uint32_t after_index, std::size_t limit);
  Result<std::vector<ListRow>> recipients(QueueId id);

 private:
  /// A key as it stands in the tables.
  struct Place {
    std::int64_t message = 0;
    std::int64_t number = 0;
  };
  struct Search;

  Result<void> add_predicates();
  Result<Search> search_for(const Filter& filter, std::size_t limit);
  /// The recipients of a message behind this one.
  Result<void> look_at_rest(Search& search, Place after);
  /// The messages behind `after` and up to `last`, in parts: a long transaction would keep the writer from starting its log anew.
  Result<void> look(Search& search, std::int64_t after, std::int64_t last);
  Result<void> look_at_part(Search& search, std::int64_t after, std::int64_t last);
  /// The last message of the next part, or `last`.
  Result<std::int64_t> end_of_part(Search& search, std::int64_t after, std::int64_t last, std::uint64_t part);
  /// What a statement with bound parameters finds, added to the rows of the search.
  Result<void> collect(Search& search, Statement& find);

  Database& database_;
  Statement begin_;
  Statement end_;
  Statement row_;
  Statement rows_of_message_;
  ReplyTable replies_;
  // What the predicates judge by, and need.
  Filter filter_;
  std::optional<ReplyMemory<bool>> verdicts_;
  Result<void> failure_;
  std::string buffer_;
};

/// What a search reads: messages behind one, up to another, or the rest of a message.
enum class Reach : std::uint8_t { messages, rest_of_message };
/// The SELECT that finds the keys of a filter's rows. Parameters: 1 the message before (or whose rest it is), 2 the recipient
/// before the rest, 3 the last message, 4 the limit, 5, 6 local part and domain of the recipient, 7 domain of the recipient, 8, 9
/// local part and domain of the sender.
std::string list_sql(const Filter& filter, Reach reach);
/// The SELECT of a message so many rows further: 1 the message before, 2 the rows.
std::string part_sql(const Filter& filter);

}  // namespace queue

// Finding rows by a filter in the queue database. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "queue/filter.h"
#include "queue/sqlite_database.h"
#include "queue/store.h"

namespace queue {

/// Which replies a filter means. Receivers say the same to very many: a verdict is remembered for some.
class ReplyVerdicts {
 public:
  explicit ReplyVerdicts(Statement& read_reply) : read_reply_(read_reply) {}
  void begin(const Filter& filter);
  bool wanted(std::int64_t reply);
  /// Of reading a reply; taken away by the call.
  Result<void> take_failure();

 private:
  bool judge(std::int64_t reply);

  Statement& read_reply_;
  std::string mx_;                      ///< pattern
  std::string part_;                    ///< in lower case
  std::vector<std::int64_t> verdicts_;  ///< by the last bits of the reply's number: the number * 2 + the verdict, 0: none
  Result<void> failure_;
};

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
  /// A key as it stands in the tables, so that the place before a message's first recipient is one too.
  struct Place {
    std::int64_t message = 0;
    std::int64_t number = -1;
  };
  struct Search;

  Result<void> add_predicates();
  Result<Search> search_for(const Filter& filter);
  /// What lies behind `from` and up to the message `last`, in parts: a long transaction would keep the writer from starting its
  /// log anew.
  Result<void> look(Search& search, Place from, std::int64_t last, std::size_t limit, std::vector<ListRow>& rows);
  /// The last message of the next part, or `last`.
  Result<std::int64_t> end_of_part(Search& search, Place from, std::int64_t last, std::uint64_t part);
  Result<void> look_at_part(Search& search, Place from, std::int64_t last, std::size_t limit, std::vector<ListRow>& rows);
  Result<void> describe(const std::vector<Place>& found, std::vector<ListRow>& rows);

  Database& database_;
  Statement begin_;
  Statement end_;
  Statement row_;
  Statement rows_of_message_;
  Statement read_reply_;
  ReplyVerdicts verdicts_{read_reply_};
  Filter filter_;       ///< what the predicates judge by
  std::string buffer_;  ///< of the predicates: an address
};

/// The SELECT that finds the keys of a filter's rows. Parameters: 1, 2 the key before the first, 3 the last message, 4 the limit,
/// 5, 6 local part and domain of the recipient, 7 domain of the recipient, 8, 9 local part and domain of the sender.
std::string list_sql(const Filter& filter);
/// The SELECT of a message so many rows further: 1 the message before, 2 the rows.
std::string part_sql(const Filter& filter);

}  // namespace queue

// Reading the queue: for the dispatcher's windows, for people, and with the
// daemon stopped.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "queue/sender_number.h"
#include "queue/sqlite_list.h"
#include "queue/sqlite_load.h"
#include "queue/sqlite_records.h"
#include "queue/sqlite_rows.h"
#include "queue/sqlite_schema.h"
#include "queue/sqlite_snapshot.h"
#include "queue/sqlite_summary.h"
#include "queue/store.h"

namespace queue {
namespace {

/// Expired recipients that are found one by one; with more of them the table is
/// read in its order.
constexpr std::size_t few_expired = 10'000;
/// Recipients that expiring() looks at.
constexpr std::uint64_t most_expiring = 100'000;

struct ReaderTables {
  explicit ReaderTables(Database& opened) : database(opened) {}
  Database& database;
  Statement begin;
  Statement end;
  Statement destinations;
  Statement due;
  Statement queued;
  Statement expired_deferred;
  Statement expired_queued;
  Statement expired_of_message;
  Statement expired;
  Statement waiting;
  Statement expiring;
  Statement totals;
};

struct Text {
  Statement ReaderTables::* statement;
  std::string sql;
};

// INDEXED BY turns a plan that would read the whole table into an error, which
// the tests see. Where the table itself is named as the index, it is to be read
// in its own order.
std::vector<Text> texts() {
  const std::string recipients =
      "SELECT message, number, attempts, next_attempt, expires, destination "
      "FROM recipient ";
  const auto with_senders = [](std::string_view index) {
    return fmt::format(
        "SELECT recipient.message, number, attempts, next_attempt, expires, destination, sender_local_part, sender_domain "
        "FROM recipient INDEXED BY {} LEFT JOIN message ON message.id=recipient.message ",
        index);
  };
  return {
      {&ReaderTables::begin, "BEGIN"},
      {&ReaderTables::end, "COMMIT"},
      {&ReaderTables::destinations, "SELECT name, recipients, earliest FROM destination ORDER BY name"},
      {&ReaderTables::due, with_senders("recipient_due") + "WHERE state=1 AND destination=? AND next_attempt<=? "
                                                           "ORDER BY next_attempt LIMIT ?"},
      {&ReaderTables::queued, with_senders("recipient_queued") + "WHERE state=0 AND recipient.message>? "
                                                                 "ORDER BY recipient.message, number"},
      {&ReaderTables::expired_deferred,
       "SELECT message FROM recipient INDEXED BY recipient_expiry WHERE "
       "state=1 AND expires<=? LIMIT ?"},
      {&ReaderTables::expired_queued,
       "SELECT DISTINCT message FROM recipient INDEXED BY recipient_queued "
       "WHERE state=0 AND message>? AND expires<=? "
       "ORDER BY message LIMIT ?"},
      {&ReaderTables::expired_of_message, recipients + "WHERE message=? AND state IN (0, 1) AND expires<=? ORDER "
                                                       "BY message, number"},
      {&ReaderTables::expired, recipients + "INDEXED BY sqlite_autoindex_recipient_1 WHERE message>? "
                                            "AND state IN (0, 1) AND expires<=? "
                                            "ORDER BY message, number"},
      {&ReaderTables::waiting, recipients + "INDEXED BY sqlite_autoindex_recipient_1 WHERE message>? AND "
                                            "message<=? "
                                            "AND state IN (0, 1) AND warned=0 ORDER BY message, number"},
      {&ReaderTables::expiring, recipients + "INDEXED BY recipient_expiry WHERE state=1 AND expires>=? "
                                             "AND expires<? ORDER BY expires LIMIT ?"},
      {&ReaderTables::totals, "SELECT messages, recipients, held, quarantined, newest_id FROM totals"},
  };
}

DueRecipient due_recipient(const Statement& row) {
  RecipientValues values;
  values.number = row.integer(1);
  values.attempts = row.integer(2);
  values.next_attempt = row.integer(3);
  values.expires = row.integer(4);
  values.destination = row.text(5);
  return due_recipient_of(row.integer(0), values);
}

DueRecipient due_recipient_with_sender(const Statement& row) {
  DueRecipient recipient = due_recipient(row);
  recipient.sender = sender_number(sender_text(row.text_or_null(6), row.text_or_null(7)));
  return recipient;
}

/// Rows in the order of their keys until there are `limit` and a message ends:
/// so the next page can begin behind its id.
Result<void> whole_messages(Statement& statement, std::size_t limit, std::vector<DueRecipient>& found,
                            DueRecipient (*read)(const Statement&) = due_recipient) {
  const ResetAtEnd reset(statement);
  for (;;) {
    const auto row = statement.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    const bool same_message = !found.empty() && found.back().message == QueueId(statement.unsigned_integer(0));
    if (found.size() >= limit && !same_message) return {};
    found.push_back(read(statement));
  }
}

class SqliteReader : public Reader {
 public:
  SqliteReader(const std::string& spool, std::string_view vfs, Database database)
      : database_(std::move(database)),
        load_(database_, spool),
        summary_(database_, [spool, vfs = std::string(vfs)] { return open_for_reading(spool, vfs); }) {}
  Result<void> prepare();

  Result<std::vector<DestinationRow>> destinations() override;
  Result<std::vector<DueRecipient>> due(const std::string& destination, Time now, std::size_t limit) override;
  Result<std::vector<DueRecipient>> queued_after(QueueId after, std::size_t limit) override;
  Result<std::vector<DueRecipient>> expired(Time now, QueueId after, std::size_t limit) override;
  Result<std::vector<DueRecipient>> waiting(QueueId after, QueueId until, std::size_t limit) override;
  Result<Expiring> expiring(Time from, Time until, const std::function<bool(std::string_view)>& accepts) override;
  Result<Message> load(QueueId id) override { return load_.load(id); }
  Result<std::vector<ListRow>> list(const Filter& filter, QueueId after, std::uint32_t after_index, std::size_t limit) override {
    return list_.list(filter, after, after_index, limit);
  }
  Result<std::vector<ListRow>> recipients(QueueId id) override { return list_.recipients(id); }
  Result<std::vector<SummaryRow>> summary(SummaryBy by, std::size_t limit) override { return summary_.summary(by, limit); }
  Result<std::vector<Action>> actions() override { return read_actions(database_); }
  Result<std::vector<Pause>> pauses() override { return read_pauses(database_); }
  Result<std::vector<Remembered>> remembered(std::string_view kind) override { return read_remembered(database_, kind); }
  Result<std::vector<QuarantinedMessage>> quarantined(std::size_t limit) override { return read_quarantined(database_, limit); }
  Result<void> receipts(Time since, const std::function<void(const Receipt&)>& take) override {
    return read_receipts(database_, since, take);
  }
  Result<Counts> counts() override;
  Result<QueueId> newest_id() override;

 private:
  /// Messages with expired recipients behind `after`, by id; nothing when there
  /// are too many to sort.
  Result<std::optional<std::vector<std::int64_t>>> few_expired_after(Time now, QueueId after, std::size_t limit);

  Database database_;
  ReaderTables tables_{database_};
  SqliteLoad load_;
  SqliteList list_{database_};
  SqliteSummary summary_;
};

Result<void> SqliteReader::prepare() {
  for (const Text& text : texts()) {
    auto statement = database_.prepare(text.sql);
    if (!statement) return std::unexpected(statement.error());
    tables_.*text.statement = std::move(*statement);
  }
  if (auto prepared = load_.prepare(); !prepared) return prepared;
  if (auto prepared = list_.prepare(); !prepared) return prepared;
  return summary_.prepare();
}

Result<std::vector<DestinationRow>> SqliteReader::destinations() {
  return all_rows<DestinationRow>(tables_.destinations, [](const Statement& row) {
    return DestinationRow{std::string(row.text(0)), row.unsigned_integer(1), sane_time_of(row.integer(2))};
  });
}

Result<std::vector<DueRecipient>> SqliteReader::due(const std::string& destination, Time now, std::size_t limit) {
  tables_.due.bind(destination, milliseconds(now), std::uint64_t{limit});
  return all_rows<DueRecipient>(tables_.due, due_recipient_with_sender);
}

Result<std::vector<DueRecipient>> SqliteReader::queued_after(QueueId after, std::size_t limit) {
  std::vector<DueRecipient> found;
  auto read = whole_messages(tables_.queued.bind(after.value()), limit, found, due_recipient_with_sender);
  if (!read) return std::unexpected(read.error());
  return found;
}

// The index is in the order of expiry, the page in that of ids.
Result<std::vector<DueRecipient>> SqliteReader::expired(Time now, QueueId after, std::size_t limit) {
  const Snapshot snapshot(tables_.begin, tables_.end);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  const auto few = few_expired_after(now, after, limit);
  if (!few) return std::unexpected(few.error());
  std::vector<DueRecipient> found;
  if (!*few) {
    auto read = whole_messages(tables_.expired.bind(after.value(), milliseconds(now)), limit, found);
    if (!read) return std::unexpected(read.error());
    return found;
  }
  for (const std::int64_t message : **few) {
    if (found.size() >= limit) break;
    auto read = whole_messages(tables_.expired_of_message.bind(message, milliseconds(now)),
                               std::numeric_limits<std::size_t>::max(), found);
    if (!read) return std::unexpected(read.error());
  }
  return found;
}

Result<std::optional<std::vector<std::int64_t>>> SqliteReader::few_expired_after(Time now, QueueId after, std::size_t limit) {
  const auto message = [](const Statement& row) { return row.integer(0); };
  auto found = all_rows<std::int64_t>(tables_.expired_deferred.bind(milliseconds(now), std::uint64_t{few_expired}), message);
  if (!found) return std::unexpected(found.error());
  if (found->size() >= few_expired) return std::nullopt;
  std::erase_if(*found, [after](std::int64_t id) { return id <= static_cast<std::int64_t>(after.value()); });
  const auto queued =
      all_rows<std::int64_t>(tables_.expired_queued.bind(after.value(), milliseconds(now), std::uint64_t{limit}), message);
  if (!queued) return std::unexpected(queued.error());
  found->insert(found->end(), queued->begin(), queued->end());
  std::ranges::sort(*found);
  const auto repeated = std::ranges::unique(*found);
  found->erase(repeated.begin(), repeated.end());
  return std::optional(std::move(*found));
}

Result<std::vector<DueRecipient>> SqliteReader::waiting(QueueId after, QueueId until, std::size_t limit) {
  std::vector<DueRecipient> found;
  auto read = whole_messages(tables_.waiting.bind(after.value(), until.value()), limit, found);
  if (!read) return std::unexpected(read.error());
  return found;
}

Result<Expiring> SqliteReader::expiring(Time from, Time until, const std::function<bool(std::string_view)>& accepts) {
  Expiring expiring;
  Statement& row = tables_.expiring.bind(milliseconds(from), milliseconds(until), most_expiring);
  const ResetAtEnd reset(row);
  for (;;) {
    const auto got = row.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return expiring;
    if (!accepts(row.text(5))) continue;
    if (!expiring.first) expiring.first = due_recipient(row);
    ++expiring.recipients;
  }
}

Result<Counts> SqliteReader::counts() {
  const ResetAtEnd reset(tables_.totals);
  if (auto got = tables_.totals.step(); !got) return std::unexpected(got.error());
  const Statement& row = tables_.totals;
  return Counts{row.unsigned_integer(0), row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3)};
}

Result<QueueId> SqliteReader::newest_id() {
  const ResetAtEnd reset(tables_.totals);
  if (auto got = tables_.totals.step(); !got) return std::unexpected(got.error());
  return QueueId(tables_.totals.unsigned_integer(4));
}

}  // namespace

Result<std::unique_ptr<Reader>> open_reader(const std::string& spool, std::string_view vfs) {
  auto database = open_for_reading(spool, vfs);
  if (!database) return std::unexpected(database.error());
  auto reader = std::make_unique<SqliteReader>(spool, vfs, std::move(*database));
  if (auto prepared = reader->prepare(); !prepared) return std::unexpected(prepared.error());
  return reader;
}

}  // namespace queue

// Reading the queue: for the dispatcher's windows, for people, and with the daemon stopped.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "queue/content_file.h"
#include "queue/sqlite_schema.h"
#include "queue/store.h"

namespace queue {
namespace {

using base::Kind;

/// Rows looked at in one transaction: a long one would keep the writer from starting its log anew.
constexpr std::size_t rows_in_transaction = 10000;

constexpr std::string_view list_columns =
    "SELECT r.message, r.number, m.received, m.size, m.sender_local_part, m.sender_domain, r.local_part, "
    "r.destination, r.state, r.attempts, r.next_attempt, coalesce(reply.mx, ''), coalesce(reply.words, '') "
    "FROM recipient r CROSS JOIN message m ON m.id = r.message LEFT JOIN reply ON reply.id = r.reply ";

struct ReaderTables {
  explicit ReaderTables(Database opened) : database(std::move(opened)) {}
  Database database;
  Statement begin;
  Statement end;
  Statement destinations;
  Statement due;
  Statement queued_messages;
  Statement expired_messages;
  Statement queued;
  Statement expired;
  Statement message;
  Statement mailboxes;
  Statement page;
  Statement recipients;
  Statement totals;
};

struct Text {
  Statement ReaderTables::* statement;
  std::string sql;
};

// INDEXED BY turns a plan that would read the whole table into an error, which the tests see.
std::vector<Text> texts() {
  const std::string list(list_columns);
  return {
      {&ReaderTables::begin, "BEGIN"},
      {&ReaderTables::end, "COMMIT"},
      {&ReaderTables::destinations, "SELECT name, recipients, earliest FROM destination ORDER BY name"},
      {&ReaderTables::due,
       "SELECT message, number, attempts, next_attempt, expires, destination FROM recipient INDEXED BY recipient_due "
       "WHERE state=1 AND destination=? AND next_attempt<=? ORDER BY next_attempt LIMIT ?"},
      {&ReaderTables::queued_messages,
       "SELECT DISTINCT message FROM recipient INDEXED BY recipient_queued WHERE state=0 AND message>? ORDER BY message LIMIT ?"},
      {&ReaderTables::expired_messages,
       "SELECT message FROM recipient INDEXED BY recipient_queued WHERE state=0 AND message>?1 AND expires<=?2 "
       "UNION SELECT message FROM recipient INDEXED BY recipient_expiry WHERE state=1 AND expires<=?2 AND message>?1 "
       "ORDER BY 1 LIMIT ?3"},
      {&ReaderTables::queued,
       "SELECT message, number, attempts, next_attempt, expires, destination FROM recipient WHERE message=? AND state=0 "
       "ORDER BY number"},
      {&ReaderTables::expired,
       "SELECT message, number, attempts, next_attempt, expires, destination FROM recipient "
       "WHERE message=? AND state<=1 AND expires<=? ORDER BY number"},
      {&ReaderTables::message,
       "SELECT m.received, b.expires, m.sender_local_part, m.sender_domain, b.type, b.declared_size, b.extended, b.helo, "
       "b.client, b.tls, m.message_id, m.in_file, b.content_size, b.crc, b.prefix, b.content, m.origin, b.ret, b.envid "
       "FROM message m JOIN body b ON b.id = m.id WHERE m.id=?"},
      {&ReaderTables::mailboxes, "SELECT local_part, destination, notify, orcpt FROM recipient WHERE message=? ORDER BY number"},
      {&ReaderTables::page, list + "WHERE (r.message, r.number) > (?1, ?2) AND (r.state = ?3 OR (?3 < 0 AND r.state <= 2)) "
                                   "ORDER BY r.message, r.number LIMIT ?4"},
      {&ReaderTables::recipients, list + "WHERE r.message=? ORDER BY r.number"},
      {&ReaderTables::totals, "SELECT messages, recipients, held, quarantined, newest_id FROM totals"},
  };
}

mail::ReversePath sender_of(const Statement& row, int local_part, int domain) {
  if (row.is_null(local_part)) return {};
  return mail::ReversePath(mail::Mailbox(std::string(row.text(local_part)), std::string(row.text(domain))));
}

DueRecipient due_recipient(const Statement& row) {
  DueRecipient recipient;
  recipient.message = QueueId(row.unsigned_integer(0));
  recipient.index = static_cast<std::uint32_t>(row.integer(1));
  recipient.attempts = static_cast<std::uint32_t>(row.integer(2));
  recipient.next_attempt = time_of(row.integer(3));
  recipient.expires = time_of(row.integer(4));
  recipient.destination = row.text(5);
  return recipient;
}

ListRow list_row(const Statement& row) {
  ListRow listed;
  listed.id = QueueId(row.unsigned_integer(0));
  listed.index = static_cast<std::uint32_t>(row.integer(1));
  listed.received = time_of(row.integer(2));
  listed.size = row.unsigned_integer(3);
  listed.sender = sender_of(row, 4, 5).to_string();
  listed.recipient = mail::Mailbox(std::string(row.text(6)), std::string(row.text(7))).to_string();
  listed.state = static_cast<State>(row.integer(8));
  listed.attempts = static_cast<std::uint32_t>(row.integer(9));
  listed.next_attempt = time_of(row.integer(10));
  listed.mx = row.text(11);
  listed.last_reply = row.text(12);
  return listed;
}

bool matches(const Filter& filter, const ListRow& row, std::string_view domain) {
  if (!filter.from.empty() && !base::matches_pattern(filter.from, row.sender.empty() ? "<>" : row.sender)) return false;
  if (!filter.to.empty() && !base::matches_pattern(filter.to, row.recipient)) return false;
  return filter.domain.empty() || base::matches_pattern(filter.domain, domain);
}

/// Ends the transaction of a read that needs more than one statement.
class Snapshot {
 public:
  explicit Snapshot(ReaderTables& tables) : tables_(tables), begun_(tables.begin.run()) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    if (begun_) static_cast<void>(tables_.end.run());
  }
  const Result<void>& begun() const { return begun_; }

 private:
  ReaderTables& tables_;
  Result<void> begun_;
};

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

class SqliteReader : public Reader {
 public:
  explicit SqliteReader(std::string spool, Database database) : spool_(std::move(spool)), tables_(std::move(database)) {}
  Result<void> prepare();

  Result<std::vector<DestinationRow>> destinations() override;
  Result<std::vector<DueRecipient>> due(const std::string& destination, Time now, std::size_t limit) override;
  Result<std::vector<DueRecipient>> queued_after(QueueId after, std::size_t limit) override;
  Result<std::vector<DueRecipient>> expired(Time now, QueueId after, std::size_t limit) override;
  Result<Message> load(QueueId id) override;
  Result<std::vector<ListRow>> list(const Filter& filter, QueueId after, std::uint32_t after_index, std::size_t limit) override;
  Result<std::vector<ListRow>> recipients(QueueId id) override;
  Result<std::vector<SummaryRow>> summary(SummaryBy by, std::size_t limit) override;
  Result<std::vector<Action>> actions() override;
  Result<std::vector<Pause>> pauses() override;
  Result<std::vector<QuarantinedMessage>> quarantined(std::size_t limit) override;
  Result<std::vector<DueRecipient>> waiting(QueueId after, QueueId until, std::size_t limit) override;
  Result<Expiring> expiring(Time from, Time until, const std::function<bool(std::string_view)>& accepts) override;
  Result<Counts> counts() override;
  Result<QueueId> newest_id() override;

 private:
  /// The rows of each of these messages that a prepared statement selects, until `limit` is reached.
  Result<std::vector<DueRecipient>> whole_messages(const std::vector<QueueId>& ids, Statement& rows, std::optional<Time> now,
                                                   std::size_t limit);
  Result<Message> read_message(QueueId id);
  Result<void> read_mailboxes(Message& message);

  const std::string spool_;
  ReaderTables tables_;
};

Result<void> SqliteReader::prepare() {
  for (const Text& text : texts()) {
    auto statement = tables_.database.prepare(text.sql);
    if (!statement) return std::unexpected(statement.error());
    tables_.*text.statement = std::move(*statement);
  }
  return {};
}

Result<std::vector<DestinationRow>> SqliteReader::destinations() {
  return all_rows<DestinationRow>(tables_.destinations, [](const Statement& row) {
    return DestinationRow{std::string(row.text(0)), row.unsigned_integer(1), time_of(row.integer(2))};
  });
}

Result<std::vector<DueRecipient>> SqliteReader::due(const std::string& destination, Time now, std::size_t limit) {
  tables_.due.bind(destination, milliseconds(now), std::uint64_t{limit});
  return all_rows<DueRecipient>(tables_.due, due_recipient);
}

// A message's recipients go together, so that a page never ends within one and the next page can begin behind its id.
Result<std::vector<DueRecipient>> SqliteReader::queued_after(QueueId after, std::size_t limit) {
  const Snapshot snapshot(tables_);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  tables_.queued_messages.bind(after.value(), std::uint64_t{limit});
  const auto ids =
      all_rows<QueueId>(tables_.queued_messages, [](const Statement& row) { return QueueId(row.unsigned_integer(0)); });
  if (!ids) return std::unexpected(ids.error());
  return whole_messages(*ids, tables_.queued, std::nullopt, limit);
}

Result<std::vector<DueRecipient>> SqliteReader::expired(Time now, QueueId after, std::size_t limit) {
  const Snapshot snapshot(tables_);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  tables_.expired_messages.bind(after.value(), milliseconds(now), std::uint64_t{limit});
  const auto ids =
      all_rows<QueueId>(tables_.expired_messages, [](const Statement& row) { return QueueId(row.unsigned_integer(0)); });
  if (!ids) return std::unexpected(ids.error());
  return whole_messages(*ids, tables_.expired, now, limit);
}

Result<std::vector<DueRecipient>> SqliteReader::whole_messages(const std::vector<QueueId>& ids, Statement& rows,
                                                               std::optional<Time> now, std::size_t limit) {
  std::vector<DueRecipient> found;
  for (const QueueId id : ids) {
    if (found.size() >= limit) break;
    if (now) {
      rows.bind(id.value(), milliseconds(*now));
    } else {
      rows.bind(id.value());
    }
    auto some = all_rows<DueRecipient>(rows, due_recipient);
    if (!some) return some;
    std::ranges::move(*some, std::back_inserter(found));
  }
  return found;
}

Result<Message> SqliteReader::load(QueueId id) {
  const Snapshot snapshot(tables_);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  auto message = read_message(id);
  if (!message) return message;
  if (auto read = read_mailboxes(*message); !read) return std::unexpected(read.error());
  if (!message->content.is_file() && crc32(crc32(0, message->prefix), message->content.octets()) != message->crc) {
    return base::fail(Kind::storage, fmt::format("message {} is damaged: its CRC is wrong", id.to_string()));
  }
  return message;
}

Result<Message> SqliteReader::read_message(QueueId id) {
  Statement& row = tables_.message.bind(id.value());
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  if (!*got) return base::fail(Kind::invalid, fmt::format("no message {} in the queue", id.to_string()));
  Message message;
  message.id = id;
  message.received = time_of(row.integer(0));
  message.expires = time_of(row.integer(1));
  message.envelope.reverse_path = sender_of(row, 2, 3);
  message.envelope.body = static_cast<mail::BodyType>(row.integer(4));
  if (!row.is_null(5)) message.envelope.declared_size = row.unsigned_integer(5);
  message.client.extended = row.integer(6) != 0;
  message.client.helo = row.text(7);
  message.client.address = row.text(8);
  message.client.tls = row.text(9);
  message.message_id = row.text(10);
  const std::uint64_t size = row.unsigned_integer(12);
  message.crc = static_cast<std::uint32_t>(row.integer(13));
  message.prefix = row.text(14);
  message.content =
      row.integer(11) != 0 ? Content::in_file(content_path(spool_, id), size) : Content::in_memory(std::string(row.text(15)));
  message.origin = static_cast<Origin>(row.integer(16));
  message.envelope.ret = static_cast<mail::Return>(row.integer(17));
  message.envelope.envid = row.text(18);
  return message;
}

Result<void> SqliteReader::read_mailboxes(Message& message) {
  auto recipients = all_rows<mail::Recipient>(tables_.mailboxes.bind(message.id.value()), [](const Statement& row) {
    mail::Recipient recipient(mail::Mailbox(std::string(row.text(0)), std::string(row.text(1))));
    recipient.notify = mail::Notify(static_cast<std::uint8_t>(row.integer(2)));
    recipient.orcpt = row.text(3);
    return recipient;
  });
  if (!recipients) return std::unexpected(recipients.error());
  message.envelope.recipients = std::move(*recipients);
  return {};
}

Result<std::vector<ListRow>> SqliteReader::list(const Filter& filter, QueueId after, std::uint32_t after_index,
                                                std::size_t limit) {
  auto number = std::int64_t{after_index};
  const std::optional<QueueId> only = filter.ids.size() == 1 ? std::optional(filter.ids.front()) : std::nullopt;
  if (only && after < *only) {
    after = *only;
    number = -1;
  }
  const int state = filter.state ? static_cast<int>(*filter.state) : -1;
  std::vector<ListRow> rows;
  for (std::size_t looked_at = rows_in_transaction; looked_at == rows_in_transaction;) {
    looked_at = 0;
    Statement& page = tables_.page.bind(after.value(), number, state, std::uint64_t{rows_in_transaction});
    const ResetAtEnd reset(page);
    for (; rows.size() < limit; ++looked_at) {
      const auto got = page.step();
      if (!got) return std::unexpected(got.error());
      if (!*got) break;
      ListRow row = list_row(page);
      if (only && row.id != *only) return rows;
      after = row.id;
      number = row.index;
      if (matches(filter, row, page.text(7))) rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<std::vector<ListRow>> SqliteReader::recipients(QueueId id) {
  return all_rows<ListRow>(tables_.recipients.bind(id.value()), list_row);
}

std::unexpected<base::Error> not_yet() { return base::fail(Kind::unsupported, "not built yet"); }

Result<std::vector<SummaryRow>> SqliteReader::summary(SummaryBy /*by*/, std::size_t /*limit*/) { return not_yet(); }
Result<std::vector<Action>> SqliteReader::actions() { return not_yet(); }
Result<std::vector<Pause>> SqliteReader::pauses() { return not_yet(); }
Result<std::vector<QuarantinedMessage>> SqliteReader::quarantined(std::size_t /*limit*/) { return not_yet(); }
Result<std::vector<DueRecipient>> SqliteReader::waiting(QueueId /*after*/, QueueId /*until*/, std::size_t /*limit*/) {
  return not_yet();
}
Result<Expiring> SqliteReader::expiring(Time /*from*/, Time /*until*/, const std::function<bool(std::string_view)>& /*accepts*/) {
  return not_yet();
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
  auto reader = std::make_unique<SqliteReader>(spool, std::move(*database));
  if (auto prepared = reader->prepare(); !prepared) return std::unexpected(prepared.error());
  return reader;
}

}  // namespace queue

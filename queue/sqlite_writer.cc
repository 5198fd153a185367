// Accepting, recording, dropping and retrying as changes of rows. Sums (totals, destinations, uses of replies) are gathered in
// memory and written once a group.
#include "queue/sqlite_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "queue/content_file.h"
#include "queue/sqlite_schema.h"
#include "queue/sqlite_statements.h"

namespace queue {
namespace {

using base::Kind;

/// A passive checkpoint follows when the log has grown by so many pages: 16 MiB.
constexpr int checkpoint_pages = 4000;
/// What is kept of a reply's words.
constexpr std::size_t reply_limit = 2048;

struct Totals {
  Counts counts;
  std::uint64_t newest_id = 0;
};

struct RecipientRow {
  std::uint32_t number = 0;
  State state = State::queued;
  std::uint32_t attempts = 0;
  std::int64_t next_attempt = 0;
  std::int64_t reply = 0;  ///< 0: none
  std::string destination;
  const DeliveryRecord* record = nullptr;  ///< what is to be recorded for it now
};

/// The sums that the running transaction changes; forgotten when it is rolled back.
struct Changes {
  Totals totals;
  std::map<std::string, std::int64_t> destinations;        ///< touched ones, with the change of their deferred recipients
  std::unordered_map<std::int64_t, std::int64_t> replies;  ///< change of uses
  std::vector<QueueId> removed_files;
};

class SqliteWriter : public Engine {
 public:
  SqliteWriter(SqliteWriterOptions options, base::Fd spool_lock)
      : spool_lock_(std::move(spool_lock)), options_(std::move(options)) {}
  ~SqliteWriter() override;

  Result<void> begin() override;
  Result<void> accept(const Message& message) override;
  Result<void> record(std::span<const DeliveryRecord> records) override;
  Result<std::uint64_t> drop(std::span<const QueueId> messages) override;
  Result<std::uint64_t> retry(std::span<const QueueId> messages, Time now) override;
  Result<void> commit() override;
  void roll_back() override;
  Counts counts() const override { return totals_.counts; }
  Result<void> tidy() override;
  void stop_writing() override { sound_ = false; }
  Result<void> reopen() override;
  Result<void> sweep_content();

 private:
  Result<void> insert_recipients(const Message& message);
  Result<void> record_message(QueueId id, std::span<const DeliveryRecord> records);
  Result<std::vector<RecipientRow>> recipients_of(QueueId id);
  Result<void> replace(QueueId id, const RecipientRow& old, const RecipientRow& now);
  Result<void> remove(QueueId id, const std::vector<RecipientRow>& rows);
  Result<std::int64_t> reply_number(std::string_view mx, std::string_view words);
  void leave(const RecipientRow& row);
  void enter(const RecipientRow& row);
  Result<void> write_destination(const std::string& name, std::int64_t change);
  Result<void> write_reply(std::int64_t number, std::int64_t change);

  const base::Fd spool_lock_;
  const SqliteWriterOptions options_;
  std::unique_ptr<WriterTables> tables_;
  bool sound_ = false;  ///< no failed write or sync since it was opened
  Totals totals_;       ///< of the last commit
  Changes changes_;
  std::vector<QueueId> files_to_remove_;
  int checkpointed_at_ = 0;  ///< pages in the log at the last checkpoint
};

// A sound database is checkpointed by SQLite and leaves no log behind; after a failure the log stays for the next start.
SqliteWriter::~SqliteWriter() {
  if (tables_) tables_->database.on_close(sound_ ? Database::OnClose::checkpoint : Database::OnClose::keep_log);
}

// The old connection stays until the new one has read the log: while it is there, SQLite keeps its index of the log, and a commit
// whose sync failed (and which was answered as failed) stays invisible instead of being recovered.
Result<void> SqliteWriter::reopen() {
  const std::unique_ptr<WriterTables> old = std::move(tables_);
  sound_ = false;
  auto database = open_for_writing(options_.spool, options_.vfs);
  if (!database) return std::unexpected(database.error());
  // Names made in the spool (the database itself, at first) survive a power cut only now.
  if (auto synced = options_.disk->sync_directory(options_.spool); !synced) return synced;
  auto tables = WriterTables::prepare(std::move(*database));
  if (!tables) return std::unexpected(tables.error());
  Statement& read = (*tables)->read_totals;
  const ResetAtEnd reset(read);
  const auto row = read.step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return base::fail(Kind::storage, "the queue database has no totals");
  totals_.counts = {read.unsigned_integer(0), read.unsigned_integer(1), 0, 0};
  totals_.newest_id = read.unsigned_integer(3);
  tables_ = std::move(*tables);
  checkpointed_at_ = 0;
  sound_ = true;
  return {};
}

Result<void> SqliteWriter::begin() {
  if (!tables_) return base::fail(Kind::storage, "the queue database is not open");
  changes_ = Changes();
  changes_.totals = totals_;
  return tables_->begin.run();
}

Result<void> SqliteWriter::accept(const Message& message) {
  if (message.envelope.recipients.empty()) return base::fail(Kind::invalid, "a message without recipients");
  const Content& content = message.content;
  if (content.is_file() && content.path() != content_path(options_.spool, message.id)) {
    return base::fail(Kind::invalid, fmt::format("{} is not the content file of {}", content.path(), message.id.to_string()));
  }
  const mail::ReversePath& sender = message.envelope.reverse_path;
  std::optional<std::string_view> local_part;
  std::optional<std::string_view> domain;
  if (!sender.is_null()) {
    local_part = sender.mailbox().local_part();
    domain = sender.mailbox().domain();
  }
  std::optional<Blob> octets;
  if (!content.is_file()) octets = Blob{content.octets()};
  const mail::Client& client = message.client;
  auto inserted = tables_->insert_message
                      .bind(message.id.value(), milliseconds(message.received), milliseconds(message.expires), local_part, domain,
                            static_cast<int>(message.envelope.body), message.envelope.declared_size, client.extended ? 1 : 0,
                            client.helo, client.address, client.tls, message.message_id, content.is_file() ? 1 : 0,
                            content.size(), message.crc, Blob{message.prefix}, octets)
                      .run();
  if (!inserted) {
    return base::fail(inserted.error().kind, fmt::format("message {}: {}", message.id.to_string(), inserted.error().words));
  }
  return insert_recipients(message);
}

Result<void> SqliteWriter::insert_recipients(const Message& message) {
  std::uint32_t number = 0;
  for (const mail::Recipient& recipient : message.envelope.recipients) {
    auto inserted = tables_->insert_recipient
                        .bind(message.id.value(), number, milliseconds(message.received), milliseconds(message.expires),
                              recipient.mailbox.local_part(), recipient.mailbox.domain())
                        .run();
    if (!inserted) return inserted;
    ++number;
  }
  changes_.totals.counts.messages += 1;
  changes_.totals.counts.recipients += number;
  changes_.totals.newest_id = std::max(changes_.totals.newest_id, message.id.value());
  return {};
}

Result<void> SqliteWriter::record(std::span<const DeliveryRecord> records) {
  while (!records.empty()) {
    const QueueId id = records.front().message;
    const auto end = std::ranges::find_if(records, [id](const DeliveryRecord& other) { return other.message != id; });
    const auto count = static_cast<std::size_t>(end - records.begin());
    if (auto recorded = record_message(id, records.first(count)); !recorded) return recorded;
    records = records.subspan(count);
  }
  return {};
}

// A message that is gone (an admin dropped it while it was under way) needs no record. The numbers of a message's rows have no
// gaps: rows leave only all together.
Result<void> SqliteWriter::record_message(QueueId id, std::span<const DeliveryRecord> records) {
  auto rows = recipients_of(id);
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return {};
  for (const DeliveryRecord& record : records) {
    if (record.index < rows->size() && waits((*rows)[record.index].state)) (*rows)[record.index].record = &record;
  }
  const auto is_over = [](const RecipientRow& row) { return !waits(row.record != nullptr ? row.record->state : row.state); };
  if (std::ranges::all_of(*rows, is_over)) return remove(id, *rows);
  for (const RecipientRow& row : *rows) {
    if (row.record == nullptr) continue;
    const auto reply = reply_number(row.record->mx, row.record->reply);
    if (!reply) return std::unexpected(reply.error());
    RecipientRow now = row;
    now.state = row.record->state;
    now.attempts = row.record->attempts;
    now.reply = *reply;
    if (now.state == State::deferred) now.next_attempt = milliseconds(row.record->next_attempt);
    if (auto replaced = replace(id, row, now); !replaced) return replaced;
  }
  return {};
}

Result<std::vector<RecipientRow>> SqliteWriter::recipients_of(QueueId id) {
  std::vector<RecipientRow> rows;
  Statement& read = tables_->recipients_of_message.bind(id.value());
  const ResetAtEnd reset(read);
  for (;;) {
    const auto got = read.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return rows;
    RecipientRow row;
    row.number = static_cast<std::uint32_t>(read.integer(0));
    row.state = static_cast<State>(read.integer(1));
    row.attempts = static_cast<std::uint32_t>(read.integer(2));
    row.next_attempt = read.integer(3);
    row.reply = read.integer(4);
    row.destination = read.text(5);
    rows.push_back(std::move(row));
  }
}

Result<void> SqliteWriter::replace(QueueId id, const RecipientRow& old, const RecipientRow& now) {
  leave(old);
  enter(now);
  if (now.state == old.state) {
    return tables_->set_next_attempt.bind(now.attempts, now.next_attempt, now.reply, id.value(), now.number).run();
  }
  return tables_->set_state.bind(now.attempts, now.next_attempt, now.reply, static_cast<int>(now.state), id.value(), now.number)
      .run();
}

Result<void> SqliteWriter::remove(QueueId id, const std::vector<RecipientRow>& rows) {
  Statement& read = tables_->message_is_file.bind(id.value());
  const auto got = read.step();
  if (!got) return std::unexpected(got.error());
  if (*got && read.integer(0) != 0) changes_.removed_files.push_back(id);
  read.reset();
  if (auto removed = tables_->delete_message.bind(id.value()).run(); !removed) return removed;
  for (const RecipientRow& row : rows) {
    leave(row);
    if (auto removed = tables_->delete_recipient.bind(id.value(), row.number).run(); !removed) return removed;
  }
  changes_.totals.counts.messages -= 1;
  return {};
}

// Receivers say the same to very many messages. The hash only narrows the search.
Result<std::int64_t> SqliteWriter::reply_number(std::string_view mx, std::string_view words) {
  if (mx.empty() && words.empty()) return 0;
  words = words.substr(0, reply_limit);
  const std::uint32_t hash = crc32(crc32(0, mx), words);
  Statement& find = tables_->find_reply.bind(hash, mx, words);
  const ResetAtEnd reset_find(find);
  const auto found = find.step();
  if (!found) return std::unexpected(found.error());
  if (*found) return find.integer(0);
  if (auto inserted = tables_->insert_reply.bind(hash, mx, words).run(); !inserted) return std::unexpected(inserted.error());
  return tables_->database.last_insert_id();
}

void SqliteWriter::leave(const RecipientRow& row) {
  Counts& counts = changes_.totals.counts;
  if (waits(row.state)) counts.recipients -= 1;
  if (row.state == State::deferred) changes_.destinations[row.destination] -= 1;
  if (row.reply != 0) changes_.replies[row.reply] -= 1;
}

void SqliteWriter::enter(const RecipientRow& row) {
  Counts& counts = changes_.totals.counts;
  if (waits(row.state)) counts.recipients += 1;
  if (row.state == State::deferred) changes_.destinations[row.destination] += 1;
  if (row.reply != 0) changes_.replies[row.reply] += 1;
}

Result<std::uint64_t> SqliteWriter::drop(std::span<const QueueId> messages) {
  std::uint64_t dropped = 0;
  for (const QueueId id : messages) {
    const auto rows = recipients_of(id);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) continue;
    if (auto removed = remove(id, *rows); !removed) return std::unexpected(removed.error());
    ++dropped;
  }
  return dropped;
}

Result<std::uint64_t> SqliteWriter::retry(std::span<const QueueId> messages, Time now) {
  std::uint64_t retried = 0;
  for (const QueueId id : messages) {
    const auto rows = recipients_of(id);
    if (!rows) return std::unexpected(rows.error());
    for (const RecipientRow& row : *rows) {
      if (row.state != State::deferred) continue;
      RecipientRow due = row;
      due.state = State::deferred;
      due.next_attempt = milliseconds(now);
      if (auto replaced = replace(id, row, due); !replaced) return std::unexpected(replaced.error());
      ++retried;
    }
  }
  return retried;
}

Result<void> SqliteWriter::commit() {
  for (const auto& [name, change] : changes_.destinations) {
    if (auto written = write_destination(name, change); !written) return written;
  }
  for (const auto& [number, change] : changes_.replies) {
    if (auto written = write_reply(number, change); !written) return written;
  }
  const Totals& totals = changes_.totals;
  auto summed = tables_->set_totals.bind(totals.counts.messages, totals.counts.recipients, 0, totals.newest_id).run();
  if (!summed) return summed;
  if (auto committed = tables_->commit.run(); !committed) return committed;
  totals_ = totals;
  std::ranges::copy(changes_.removed_files, std::back_inserter(files_to_remove_));
  return {};
}

// The index knows the earliest one, whatever the group did.
Result<void> SqliteWriter::write_destination(const std::string& name, std::int64_t change) {
  Statement& earliest = tables_->earliest_of_destination.bind(name);
  const ResetAtEnd reset(earliest);
  const auto found = earliest.step();
  if (!found) return std::unexpected(found.error());
  if (!*found) return tables_->delete_destination.bind(name).run();
  return tables_->set_destination.bind(name, change, earliest.integer(0)).run();
}

Result<void> SqliteWriter::write_reply(std::int64_t number, std::int64_t change) {
  if (change != 0) {
    if (auto used = tables_->use_reply.bind(change, number).run(); !used) return used;
  }
  if (change > 0) return {};
  return tables_->delete_unused_reply.bind(number).run();
}

// SQLite has rolled back by itself after some errors. A transaction that cannot be ended keeps the engine unsound.
void SqliteWriter::roll_back() {
  changes_ = Changes();
  if (tables_ && tables_->database.in_transaction()) static_cast<void>(tables_->roll_back.run());
}

// A file that cannot be removed now is swept at the next start. A reader can keep a passive checkpoint from finishing; the next
// one comes when the log has grown once more, not after every group.
Result<void> SqliteWriter::tidy() {
  for (const QueueId id : std::exchange(files_to_remove_, {})) {
    static_cast<void>(options_.disk->remove(content_path(options_.spool, id)));
  }
  const int pages = tables_->database.log_pages();
  if (pages < checkpointed_at_) checkpointed_at_ = 0;
  if (pages < checkpointed_at_ + checkpoint_pages) return {};
  checkpointed_at_ = pages;
  auto checkpointed = tables_->database.checkpoint(Database::Checkpoint::passive);
  if (!checkpointed && checkpointed.error().kind == Kind::temporary) return {};
  return checkpointed;
}

Result<void> SqliteWriter::sweep_content() {
  const auto names = options_.disk->list(content_folder(options_.spool));
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    const auto id = QueueId::parse(name);
    if (!id) continue;
    Statement& find = tables_->message_is_file.bind(id->value());
    const ResetAtEnd reset(find);
    const auto found = find.step();
    if (!found) return std::unexpected(found.error());
    if (*found && find.integer(0) != 0) continue;
    if (auto removed = options_.disk->remove(content_path(options_.spool, *id)); !removed) return removed;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> open_sqlite_writer(SqliteWriterOptions options, base::Fd spool_lock) {
  auto writer = std::make_unique<SqliteWriter>(std::move(options), std::move(spool_lock));
  if (auto opened = writer->reopen(); !opened) return std::unexpected(opened.error());
  if (auto swept = writer->sweep_content(); !swept) return std::unexpected(swept.error());
  return writer;
}

}  // namespace queue

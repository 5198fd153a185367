// The engine: opens the tables, runs transactions on them, keeps the spool tidy.
#include "queue/sqlite_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "queue/content_file.h"
#include "queue/sqlite_actions.h"
#include "queue/sqlite_schema.h"
#include "queue/sqlite_space.h"
#include "queue/sqlite_statements.h"
#include "queue/sqlite_transaction.h"

namespace queue {
namespace {

using base::Kind;

class SqliteWriter : public Engine {
 public:
  SqliteWriter(SqliteWriterOptions options, base::Fd spool_lock)
      : spool_lock_(std::move(spool_lock)), options_(std::move(options)) {}
  ~SqliteWriter() override;

  Result<void> begin() override;
  Result<void> accept(const Message& message) override { return transaction_->accept(message); }
  Result<void> record(const Recording& recording) override;
  Result<void> quarantine(QueueId id, std::string_view reason, Time now) override {
    return transaction_->quarantine(id, reason, now);
  }
  Result<void> pause(const Pause& pause) override { return insert_pause(*tables_, pause); }
  Result<std::uint64_t> resume(std::string_view pattern) override { return delete_pause(*tables_, pattern); }
  Result<void> remember(const Remembered& thing) override { return queue::remember(*tables_, thing); }
  Result<void> begin_action(const Action& action) override { return insert_action(*tables_, action); }
  Result<void> commit() override;
  void roll_back() override;
  Counts counts() const override { return totals_.counts; }
  Result<std::optional<std::chrono::milliseconds>> tidy() override;
  void stop_writing() override { sound_ = false; }
  Result<void> reopen() override;
  Result<void> sweep_content();

 private:
  Result<Totals> read_totals(WriterTables& tables);
  Result<bool> is_wanted(QueueId file);

  const base::Fd spool_lock_;
  const SqliteWriterOptions options_;
  std::unique_ptr<WriterTables> tables_;
  bool sound_ = false;  ///< no failed write or sync since it was opened
  Totals totals_;       ///< of the last commit
  std::optional<SqliteTransaction> transaction_;
  std::vector<QueueId> files_to_remove_;
  std::optional<SqliteSpace> space_;  ///< of tables_
};

// A sound database is checkpointed by SQLite and leaves no log behind; after a failure the log stays for the next start.
SqliteWriter::~SqliteWriter() {
  if (sound_ && space_) sound_ = space_->finish().has_value();
  if (tables_) tables_->database.on_close(sound_ ? Database::OnClose::checkpoint : Database::OnClose::keep_log);
}

// The old connection stays until the new one has read the log: while it is there, SQLite keeps its index of the log, and a commit
// whose sync failed (and which was answered as failed) stays invisible instead of being recovered.
Result<void> SqliteWriter::reopen() {
  space_.reset();
  const std::unique_ptr<WriterTables> old = std::move(tables_);
  sound_ = false;
  auto database = open_for_writing(options_.spool, options_.vfs, *options_.disk, options_.migrating);
  if (!database) return std::unexpected(database.error());
  // Names made in the spool (the database itself, at first) survive a power cut only now.
  if (auto synced = options_.disk->sync_directory(options_.spool); !synced) return synced;
  auto tables = WriterTables::prepare(std::move(*database));
  if (!tables) return std::unexpected(tables.error());
  const auto totals = read_totals(**tables);
  if (!totals) return std::unexpected(totals.error());
  totals_ = *totals;
  tables_ = std::move(*tables);
  space_.emplace(*tables_);
  sound_ = true;
  return {};
}

Result<Totals> SqliteWriter::read_totals(WriterTables& tables) {
  Statement& read = tables.read_totals;
  const ResetAtEnd reset(read);
  const auto row = read.step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return base::fail(Kind::storage, "the queue database has no totals");
  Totals totals;
  totals.counts = {read.unsigned_integer(0), read.unsigned_integer(1), read.unsigned_integer(2), read.unsigned_integer(3)};
  totals.newest_id = read.unsigned_integer(4);
  return totals;
}

Result<void> SqliteWriter::begin() {
  if (!tables_) return base::fail(Kind::storage, "the queue database is not open");
  transaction_.emplace(*tables_, options_.spool, totals_);
  return tables_->begin.run();
}

// The pause's warning is a letter among the notices.
Result<void> SqliteWriter::record(const Recording& recording) {
  auto done = transaction_->record(recording.records);
  if (done) done = transaction_->warn(recording.warned);
  for (auto notice = recording.notices.begin(); done && notice != recording.notices.end(); ++notice) {
    done = transaction_->accept(*notice);
  }
  if (done && recording.step) done = step_action(*tables_, *recording.step);
  if (done && !recording.pause_warned.empty() && !recording.notices.empty()) {
    done = warn_of_pause(*tables_, recording.pause_warned, recording.notices.front().received);
  }
  return done;
}

Result<void> SqliteWriter::commit() {
  if (auto summed = transaction_->write_sums(); !summed) return summed;
  if (auto committed = tables_->commit.run(); !committed) return committed;
  totals_ = transaction_->totals();
  std::ranges::copy(transaction_->removed_files(), std::back_inserter(files_to_remove_));
  transaction_.reset();
  return {};
}

// SQLite has rolled back by itself after some errors. A transaction that cannot be ended keeps the engine unsound.
void SqliteWriter::roll_back() {
  transaction_.reset();
  if (tables_ && tables_->database.in_transaction()) static_cast<void>(tables_->roll_back.run());
}

// A file that cannot be removed now is swept at the next start.
Result<std::optional<std::chrono::milliseconds>> SqliteWriter::tidy() {
  for (const QueueId id : std::exchange(files_to_remove_, {})) {
    static_cast<void>(options_.disk->remove(content_path(options_.spool, id)));
  }
  return space_->tidy();
}

Result<bool> SqliteWriter::is_wanted(QueueId file) {
  Statement& find = tables_->file_is_wanted.bind(file.value());
  const ResetAtEnd reset(find);
  const auto found = find.step();
  if (!found) return std::unexpected(found.error());
  return find.integer(0) != 0;
}

Result<void> SqliteWriter::sweep_content() {
  const auto names = options_.disk->list(content_folder(options_.spool));
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (name.ends_with(aside_suffix)) {
      if (auto removed = options_.disk->remove(fmt::format("{}/{}", content_folder(options_.spool), name)); !removed)
        return removed;
      continue;
    }
    const auto id = QueueId::parse(name);
    if (!id) continue;
    const auto wanted = is_wanted(*id);
    if (!wanted) return std::unexpected(wanted.error());
    if (*wanted) continue;
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

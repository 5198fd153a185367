// The tables of the queue database, and opening it with every setting that the promise rests on.
#include "queue/sqlite_schema.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "queue/sqlite_migration.h"

namespace queue {
namespace {

// Times are milliseconds since 1970 in UTC, ids those of QueueId::value(), states those of State.
//
// message holds what people search for and is short, so that a million of them is read in well under a second; body holds what
// only a delivery needs. recipient is clustered by (message, number), so that a message's recipients lie together. An accept
// writes at the ends of its tables only. The indexes are partial: deferred recipients stand in recipient_due and
// recipient_expiry, held ones in recipient_held, those never tried in recipient_queued (where they are looked for after a crash
// only), all others in none.
//
// body.type tells BODY=, SMTPUTF8 and what the sender wants of TLS (sqlite_rows).
//
// destination, reply.uses and totals are kept by the writer with every group; nothing counts rows.
//
// What is set aside keeps its body where it is: a damaged page there is never touched again. The rest moves to tables that take
// any value.
constexpr const char* tables = R"sql(
CREATE TABLE message(
  id INTEGER PRIMARY KEY,
  received INTEGER NOT NULL,
  size INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  in_file INTEGER NOT NULL,
  sender_local_part TEXT,
  sender_domain TEXT,
  message_id TEXT NOT NULL
) STRICT;
CREATE TABLE body(
  id INTEGER PRIMARY KEY,
  expires INTEGER NOT NULL,
  type INTEGER NOT NULL,
  declared_size INTEGER,
  extended INTEGER NOT NULL,
  helo TEXT NOT NULL,
  client TEXT NOT NULL,
  tls TEXT NOT NULL,
  ret INTEGER NOT NULL,
  envid TEXT NOT NULL,
  content_size INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  prefix BLOB NOT NULL,
  content BLOB
) STRICT;
CREATE TABLE recipient(
  message INTEGER NOT NULL,
  number INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  reply INTEGER NOT NULL,
  warned INTEGER NOT NULL,
  notify INTEGER NOT NULL,
  local_part TEXT NOT NULL,
  destination TEXT NOT NULL,
  orcpt TEXT NOT NULL,
  PRIMARY KEY(message, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_queued ON recipient(message, number, expires) WHERE state = 0;
CREATE INDEX recipient_due ON recipient(destination, next_attempt) WHERE state = 1;
CREATE INDEX recipient_expiry ON recipient(expires) WHERE state = 1;
CREATE INDEX recipient_held ON recipient(message, number) WHERE state = 2;
CREATE TABLE reply(
  id INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  mx TEXT NOT NULL,
  words TEXT NOT NULL
) STRICT;
CREATE INDEX reply_hash ON reply(hash);
CREATE TABLE destination(
  name TEXT PRIMARY KEY,
  recipients INTEGER NOT NULL,
  earliest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE pause(
  pattern TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  warned INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE action(
  id INTEGER PRIMARY KEY,
  deed INTEGER NOT NULL,
  filter TEXT NOT NULL,
  begun INTEGER NOT NULL,
  until INTEGER NOT NULL,
  done_message INTEGER NOT NULL,
  done_number INTEGER NOT NULL,
  touched INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  finished INTEGER
) STRICT;
CREATE INDEX action_finished ON action(finished);
CREATE TABLE receipt(
  number INTEGER PRIMARY KEY,
  high INTEGER NOT NULL,
  low INTEGER NOT NULL,
  message INTEGER NOT NULL,
  received INTEGER NOT NULL
) STRICT;
CREATE TABLE remembered(
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY(kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY,
  moved INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE quarantine_message(id, received, size, origin, in_file, sender_local_part, sender_domain, message_id);
CREATE TABLE quarantine_recipient(
  message, number, state, attempts, next_attempt, expires, warned, notify, local_part, destination, orcpt, mx, words
);
CREATE TABLE totals(
  messages INTEGER NOT NULL,
  recipients INTEGER NOT NULL,
  held INTEGER NOT NULL,
  quarantined INTEGER NOT NULL,
  newest_id INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES(0, 0, 0, 0, 0);
)sql";

// secure_delete is compiled on in Debian and doubles what a delete writes. The cache is bounded: KiB, negated.
constexpr const char* writer_settings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA mmap_size=0;"
    "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";
/// Free pages can be given back in small steps.
constexpr const char* space_setting = "PRAGMA auto_vacuum=INCREMENTAL";
constexpr const char* reader_settings =
    "PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";

std::unexpected<base::Error> about(const std::string& path, const base::Error& error) {
  return base::fail(error.kind, fmt::format("the queue database {}: {}", path, error.words));
}

/// Zero for an empty database; version 1 can be brought to the present one.
Result<std::int64_t> version_of(Database& database, const std::string& path) {
  const auto version = database.query_integer("PRAGMA user_version");
  if (!version) return about(path, version.error());
  const auto objects = database.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!objects) return about(path, objects.error());
  if (*version == schema_version || *version == 1 || (*version == 0 && *objects == 0)) return version->value_or(0);
  return base::fail(
      base::Kind::invalid,
      fmt::format("the queue database {} has schema version {}, this program knows versions up to {}: run the version of "
                  "mailferry that wrote it, or let it empty the queue first",
                  path, version->value_or(0), schema_version));
}

/// Changing the mode answers with the mode that it came to, not with an error.
Result<void> check_mode(Database& database) {
  auto mode = database.prepare("PRAGMA journal_mode");
  if (!mode) return std::unexpected(mode.error());
  const auto row = mode->step();
  if (!row) return std::unexpected(row.error());
  if (!*row || mode->text(0) != "wal") return base::fail(base::Kind::storage, "cannot use a write-ahead log");
  return {};
}

struct Recovered {
  Database database;
  std::int64_t version = 0;  ///< 0: no tables yet
};

/// What the log holds is in the database with certainty afterwards.
Result<Recovered> open_recovered(const std::string& path, std::string_view vfs) {
  auto database = Database::open(path, Database::Mode::read_write, vfs);
  if (!database) return std::unexpected(database.error());
  // The first read recovers the log, so that the version is the one of the last commit.
  const auto version = version_of(*database, path);
  if (!version) return std::unexpected(version.error());
  // This must come before anything is written: the mode of the log is the first thing.
  if (*version == 0) {
    if (auto set = database->execute(space_setting); !set) return about(path, set.error());
  }
  if (auto set = database->execute(writer_settings); !set) return about(path, set.error());
  if (auto checked = check_mode(*database); !checked) return about(path, checked.error());
  // SQLite opens the log with the first read in the new mode.
  if (auto read = database->query_integer("SELECT count(*) FROM sqlite_schema"); !read) return about(path, read.error());
  if (auto rewritten = database->rewrite_log(); !rewritten) return about(path, rewritten.error());
  if (auto truncated = database->checkpoint(Database::Checkpoint::truncate); !truncated) return about(path, truncated.error());
  return Recovered{std::move(*database), *version};
}

Result<Recovered> migrated(Recovered old, const std::string& spool, std::string_view vfs, Disk& disk) {
  const std::string path = database_path(spool);
  old.database.on_close(Database::OnClose::checkpoint);
  {
    const Database closed = std::move(old.database);
  }
  if (auto done = migrate_from_1(spool, vfs, disk, base::now()); !done) return about(path, done.error());
  return open_recovered(path, vfs);
}

}  // namespace

std::string database_path(const std::string& spool) { return spool + "/queue.db"; }

Result<void> make_tables(Database& database) {
  if (auto made = database.execute(tables); !made) return made;
  return database.execute(fmt::format("PRAGMA user_version={}", schema_version).c_str());
}

Result<Database> open_for_writing(const std::string& spool, std::string_view vfs, Disk& disk,
                                  const std::function<void(std::string_view)>& migrating) {
  const std::string path = database_path(spool);
  // The name may be one that a migration gave and could not sync. Nothing is written before it is certain: a journal or log of
  // the new database must never come to lie beside the old one.
  if (auto synced = disk.sync_directory(spool); !synced) return std::unexpected(synced.error());
  auto opened = open_recovered(path, vfs);
  if (opened && opened->version == 1) {
    if (migrating) migrating(fmt::format("bringing the queue from schema version 1 to {}", schema_version));
    opened = migrated(std::move(*opened), spool, vfs, disk);
  }
  if (!opened) return std::unexpected(opened.error());
  if (opened->version == 0) {
    Database& database = opened->database;
    auto made = database.execute("BEGIN IMMEDIATE");
    if (made) made = make_tables(database);
    if (made) made = database.execute("COMMIT");
    if (!made) return about(path, made.error());
  }
  return std::move(opened->database);
}

Result<Database> open_for_reading(const std::string& spool, std::string_view vfs) {
  const std::string path = database_path(spool);
  if (::access(path.c_str(), F_OK) != 0) return base::fail(base::Kind::invalid, fmt::format("no queue at {}", spool));
  auto database = Database::open(path, Database::Mode::read_only, vfs);
  if (!database) return database;
  if (auto set = database->execute(reader_settings); !set) return about(path, set.error());
  const auto version = version_of(*database, path);
  if (!version) return std::unexpected(version.error());
  if (*version == 0) return base::fail(base::Kind::invalid, fmt::format("no queue at {}: {} is empty", spool, path));
  if (*version == 1) {
    return base::fail(base::Kind::invalid,
                      fmt::format("the queue database {} is of an older version of mailferry: start the relay once, it brings "
                                  "the database up to date",
                                  path));
  }
  return database;
}

std::int64_t milliseconds(Time time) { return time.time_since_epoch().count(); }

Time time_of(std::int64_t milliseconds) { return Time(std::chrono::milliseconds(milliseconds)); }

}  // namespace queue

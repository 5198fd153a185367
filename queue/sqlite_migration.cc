// The migration from version 1.
#include "queue/sqlite_migration.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "queue/sqlite_schema.h"

namespace queue {
namespace {

using base::Kind;

/// Without a journal: a database that is not finished is thrown away. SQLite syncs the file before COMMIT is done.
constexpr const char* settings =
    "PRAGMA journal_mode=OFF; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF;"
    "PRAGMA mmap_size=0; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";

// Version 1 knew no origin: its mail counts as given by somebody whom we relay for. Its failed recipients (4) wait again (1).
constexpr const char* copy_messages = R"sql(
INSERT INTO main.message
  SELECT id, received, size + length(prefix), 0, in_file, sender_local_part, sender_domain, message_id
  FROM old.message ORDER BY id;
INSERT INTO main.body
  SELECT id, expires, body, declared_size, extended, helo, client, tls, 0, '', size, crc, prefix, content
  FROM old.message ORDER BY id;
INSERT INTO main.reply SELECT id, hash, uses, mx, words FROM old.reply ORDER BY id;
)sql";
constexpr const char* copy_recipients =
    "INSERT INTO main.recipient "
    "SELECT message, number, iif(state = 4, 1, state), attempts, iif(state = 4, ?, next_attempt), expires, reply, 0, 0, "
    "local_part, destination, '' FROM old.recipient ORDER BY message, number";
constexpr const char* sum_up = R"sql(
INSERT INTO main.destination
  SELECT destination, count(*), min(next_attempt) FROM main.recipient WHERE state = 1 GROUP BY destination;
UPDATE main.totals SET
  messages = (SELECT count(*) FROM main.message),
  recipients = (SELECT count(*) FROM main.recipient WHERE state <= 2),
  held = (SELECT count(*) FROM main.recipient WHERE state = 2),
  newest_id = (SELECT newest_id FROM old.totals);
)sql";

std::string new_path(const std::string& spool) { return database_path(spool) + ".new"; }

Result<void> remove_all(Disk& disk, const std::string& path, std::initializer_list<const char*> endings) {
  for (const char* ending : endings) {
    if (auto removed = disk.remove(path + ending); !removed) return removed;
  }
  return {};
}

Result<void> run(Database& database, std::string_view sql, auto value) {
  auto statement = database.prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  return statement->bind(value).run();
}

Result<void> copy(Database& database, const std::string& old_path, Time now) {
  auto done = database.execute(settings);
  if (done) done = run(database, "ATTACH ? AS old", std::string_view(old_path));
  if (done) done = database.execute("BEGIN IMMEDIATE");
  if (done) done = make_tables(database);
  if (done) done = database.execute(copy_messages);
  if (done) done = run(database, copy_recipients, milliseconds(now));
  if (done) done = database.execute(sum_up);
  if (done) done = database.execute("COMMIT");
  return done;
}

/// Written and synced, and nobody has either of the two open any more.
Result<void> write_new(const std::string& spool, std::string_view vfs, Time now) {
  auto database = Database::open(new_path(spool), Database::Mode::read_write, vfs);
  if (!database) return std::unexpected(database.error());
  database->on_close(Database::OnClose::checkpoint);
  return copy(*database, database_path(spool), now);
}

Result<void> check_room(const std::string& spool) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(database_path(spool), failure);
  if (failure) return base::fail(Kind::storage, fmt::format("cannot measure it: {}", failure.message()));
  const auto free = base::free_space(spool);
  if (!free) return std::unexpected(free.error());
  return check_room_for_migration(size, *free);
}

}  // namespace

std::string backup_path_of_1(const std::string& spool) { return database_path(spool) + ".v1"; }

Result<void> check_room_for_migration(std::uint64_t size, std::uint64_t free) {
  constexpr std::uint64_t mebibyte = 1U << 20U;
  const std::uint64_t needed = size + size / 4 + 16 * mebibyte;
  if (free >= needed) return {};
  return base::fail(Kind::full,
                    fmt::format("bringing it from schema version 1 to {} needs {} MiB of free space, there are {} MiB",
                                schema_version, needed / mebibyte + 1, free / mebibyte));
}

// The log of the old database must be gone for certain before the new one bears the name: SQLite would take it for the new
// one's. Its names are removed, that is synced, and only then the new one comes.
Result<void> migrate_from_1(const std::string& spool, std::string_view vfs, Disk& disk, Time now) {
  const std::string path = database_path(spool);
  if (auto removed = remove_all(disk, new_path(spool), {"", "-journal", "-wal", "-shm"}); !removed) return removed;
  if (auto fits = check_room(spool); !fits) return fits;
  if (auto written = write_new(spool, vfs, now); !written) {
    static_cast<void>(disk.remove(new_path(spool)));
    return base::fail(written.error().kind,
                      fmt::format("cannot bring it to schema version {}: {}", schema_version, written.error().words));
  }
  if (auto removed = remove_all(disk, path, {"-wal", "-shm"}); !removed) return removed;
  if (auto removed = disk.remove(backup_path_of_1(spool)); !removed) return removed;
  if (auto synced = disk.sync_directory(spool); !synced) return synced;
  if (auto linked = disk.link(path, backup_path_of_1(spool)); !linked) return linked;
  if (auto synced = disk.sync_directory(spool); !synced) return synced;
  if (auto renamed = disk.rename(new_path(spool), path); !renamed) return renamed;
  return disk.sync_directory(spool);
}

}  // namespace queue

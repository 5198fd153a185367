// The tables of the queue database, their version, and how a connection to them is opened. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "queue/disk.h"
#include "queue/message.h"
#include "queue/sqlite_database.h"

namespace queue {

/// PRAGMA user_version of a database that this program reads and writes; it migrates version 1.
inline constexpr std::int64_t schema_version = 2;

std::string database_path(const std::string& spool);

/// For the store: makes the tables in an empty database, migrates one of version 1, refuses other versions, and brings what the
/// log holds into the database file with certainty before anything is written (docs/durability.md).
/// `migrating`, when there is one, is told before a migration begins.
Result<Database> open_for_writing(const std::string& spool, std::string_view vfs, Disk& disk,
                                  const std::function<void(std::string_view)>& migrating);
/// Makes the tables and sets the version, in the transaction that is open.
Result<void> make_tables(Database& database);
/// For readers: read-only, never checkpoints. Kind::invalid when there is no queue.
Result<Database> open_for_reading(const std::string& spool, std::string_view vfs);

/// Milliseconds since 1970, as times stand in the tables.
std::int64_t milliseconds(Time time);
Time time_of(std::int64_t milliseconds);

}  // namespace queue

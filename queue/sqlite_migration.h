// Brings a queue database of an older schema version to the present one. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "queue/disk.h"
#include "queue/message.h"

namespace queue {

/// The old database is kept under this name.
std::string backup_path_of_1(const std::string& spool);

/// Whether a new database fits beside the old one of `size` octets; Kind::full with words when not.
Result<void> check_room_for_migration(std::uint64_t size, std::uint64_t free);

/// From version 1: writes a new database beside the old one, in one transaction, then gives it the old one's name. Whatever
/// happens on the way, a complete database bears the name. The log must be empty and nobody may have the database open.
/// Recipients that version 1 kept as failed are due at `now`, so that their senders are told.
Result<void> migrate_from_1(const std::string& spool, std::string_view vfs, Disk& disk, Time now);

}  // namespace queue

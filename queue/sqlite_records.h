// Reading what admins have begun and what was set aside. Internal to the queue folder.
#pragma once

#include <cstddef>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/store.h"

namespace queue {

/// As Reader has them.
Result<std::vector<Action>> read_actions(Database& database);
Result<std::vector<Pause>> read_pauses(Database& database);
Result<std::vector<QuarantinedMessage>> read_quarantined(Database& database, std::size_t limit);

}  // namespace queue

// Reading what admins have begun, what was taken and what was set aside. Internal to the queue folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/store.h"

namespace queue {

/// Receipts that are kept.
constexpr std::int64_t most_receipts = 500'000;

/// As Reader has them.
Result<std::vector<Action>> read_actions(Database& database);
Result<std::vector<Pause>> read_pauses(Database& database);
Result<std::vector<Remembered>> read_remembered(Database& database, std::string_view kind);
Result<void> read_receipts(Database& database, Time since, const std::function<void(const Receipt&)>& take);
Result<std::vector<QuarantinedMessage>> read_quarantined(Database& database, std::size_t limit);

}  // namespace queue

// Pauses, actions and what is remembered as rows. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "queue/sqlite_statements.h"
#include "queue/store.h"

namespace queue {

/// Kind::refused when there are too many.
Result<void> insert_pause(WriterTables& tables, const Pause& pause);
Result<void> warn_of_pause(WriterTables& tables, std::string_view pattern, Time when);
/// Tells how many there were.
Result<std::uint64_t> delete_pause(WriterTables& tables, std::string_view pattern);
/// An empty text deletes. Kind::refused when there are too many of the kind.
Result<void> remember(WriterTables& tables, const Remembered& thing);
/// Kind::refused when there are too many that are not finished.
Result<void> insert_action(WriterTables& tables, const Action& action);
Result<void> step_action(WriterTables& tables, const ActionStep& step);

}  // namespace queue

// Writing pauses, actions and what is remembered.
#include "queue/sqlite_actions.h"

#include <fmt/format.h>

#include <chrono>

#include "queue/sqlite_schema.h"

namespace queue {
namespace {

using base::Kind;

constexpr std::int64_t most_pauses = 1000;
constexpr std::int64_t most_unfinished_actions = 1000;
constexpr std::int64_t most_remembered = 100'000;
/// Finished actions are shown so long.
constexpr std::chrono::hours finished_are_kept{24};

std::optional<std::int64_t> milliseconds(const std::optional<Time>& time) {
  return time ? std::optional(queue::milliseconds(*time)) : std::nullopt;
}

Result<void> check_count(Statement& count, std::int64_t most, std::string_view words) {
  const ResetAtEnd reset(count);
  const auto counted = count.step();
  if (!counted) return std::unexpected(counted.error());
  if (count.integer(0) >= most) return base::fail(Kind::refused, fmt::format("there are {} {} already", most, words));
  return {};
}

}  // namespace

Result<void> insert_pause(WriterTables& tables, const Pause& pause) {
  if (auto few = check_count(tables.count_pauses, most_pauses, "pauses"); !few) return few;
  return tables.insert_pause.bind(pause.pattern, milliseconds(pause.since), milliseconds(pause.warned)).run();
}

Result<void> warn_of_pause(WriterTables& tables, std::string_view pattern, Time when) {
  return tables.warn_pause.bind(milliseconds(when), pattern).run();
}

Result<std::uint64_t> delete_pause(WriterTables& tables, std::string_view pattern) {
  if (auto removed = tables.delete_pause.bind(pattern).run(); !removed) return std::unexpected(removed.error());
  return static_cast<std::uint64_t>(tables.database.changes());
}

Result<void> remember(WriterTables& tables, const Remembered& thing) {
  if (thing.text.empty()) return tables.forget.bind(thing.kind, thing.name).run();
  if (auto few = check_count(tables.count_remembered.bind(thing.kind), most_remembered, thing.kind); !few) return few;
  return tables.remember.bind(thing.kind, thing.name, thing.text).run();
}

Result<void> insert_action(WriterTables& tables, const Action& action) {
  auto few = check_count(tables.count_unfinished_actions, most_unfinished_actions, "unfinished actions");
  if (!few) return few;
  auto deleted = tables.delete_finished_actions.bind(milliseconds(action.begun - finished_are_kept)).run();
  if (!deleted) return deleted;
  const std::string filter = action.filter.to_text();
  return tables.insert_action
      .bind(action.id.value(), static_cast<int>(action.deed), filter, milliseconds(action.begun), action.until.value(),
            action.done.message.value(), action.done.index, action.touched, action.skipped, milliseconds(action.finished))
      .run();
}

Result<void> step_action(WriterTables& tables, const ActionStep& step) {
  return tables.step_action
      .bind(step.done.message.value(), step.done.index, step.touched, step.skipped, milliseconds(step.finished),
            step.action.value())
      .run();
}

}  // namespace queue

// The tables action, pause, remembered, receipt and quarantine, which are seldom read.
#include "queue/sqlite_records.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "queue/sqlite_rows.h"
#include "queue/sqlite_schema.h"
#include "queue/sqlite_snapshot.h"

namespace queue {
namespace {

std::optional<Time> time_or_null(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(sane_time_of(row.integer(column)));
}

Result<Action> action_of(const Statement& row) {
  Action action;
  action.id = QueueId(row.unsigned_integer(0));
  const std::int64_t deed = row.integer(1);
  auto filter = Filter::parse(row.text(2));
  if (deed < 0 || deed > static_cast<int>(Deed::drop) || !filter) {
    const std::string what = filter ? fmt::format("its deed is {}", deed) : filter.error().words;
    return base::fail(base::Kind::damaged, fmt::format("action {} is damaged: {}", action.id.to_string(), what));
  }
  action.deed = static_cast<Deed>(deed);
  action.filter = std::move(*filter);
  action.begun = sane_time_of(row.integer(3));
  action.until = QueueId(row.unsigned_integer(4));
  action.done = RecipientKey{QueueId(row.unsigned_integer(5)), static_cast<std::uint32_t>(row.integer(6))};
  action.touched = row.unsigned_integer(7);
  action.skipped = row.unsigned_integer(8);
  action.finished = time_or_null(row, 9);
  return action;
}

}  // namespace

Result<std::vector<Action>> read_actions(Database& database) {
  auto rows = database.prepare(
      "SELECT id, deed, filter, begun, until, done_message, done_number, touched, skipped, finished FROM action ORDER BY id "
      "DESC");
  if (!rows) return std::unexpected(rows.error());
  std::vector<Action> actions;
  for (;;) {
    const auto got = rows->step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return actions;
    auto action = action_of(*rows);
    if (!action) return std::unexpected(action.error());
    actions.push_back(std::move(*action));
  }
}

Result<std::vector<Pause>> read_pauses(Database& database) {
  auto rows = database.prepare("SELECT pattern, since, warned FROM pause ORDER BY pattern");
  if (!rows) return std::unexpected(rows.error());
  return all_rows<Pause>(*rows, [](const Statement& row) {
    return Pause{std::string(row.text(0)), sane_time_of(row.integer(1)), time_or_null(row, 2)};
  });
}

Result<std::vector<Remembered>> read_remembered(Database& database, std::string_view kind) {
  auto rows = database.prepare("SELECT kind, name, text FROM remembered WHERE kind=? ORDER BY name");
  if (!rows) return std::unexpected(rows.error());
  return all_rows<Remembered>(rows->bind(kind), [](const Statement& row) {
    return Remembered{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))};
  });
}

// The table may hold some more than are kept: it is cut now and then.
Result<void> read_receipts(Database& database, Time since, const std::function<void(const Receipt&)>& take) {
  auto rows = database.prepare(
      "SELECT high, low, message, received FROM receipt WHERE number > (SELECT coalesce(max(number), 0) FROM receipt) - ? AND "
      "received >= ? ORDER BY number");
  if (!rows) return std::unexpected(rows.error());
  rows->bind(most_receipts, milliseconds(since));
  for (;;) {
    const auto got = rows->step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return {};
    take(Receipt{Fingerprint{rows->unsigned_integer(0), rows->unsigned_integer(1)}, QueueId(rows->unsigned_integer(2)),
                 sane_time_of(rows->integer(3))});
  }
}

// What was set aside may hold any value, and no message at all when only recipients were left of it.
Result<std::vector<QuarantinedMessage>> read_quarantined(Database& database, std::size_t limit) {
  auto rows = database.prepare(
      "SELECT q.id, q.moved, q.reason, m.sender_local_part, m.sender_domain FROM quarantine q "
      "LEFT JOIN quarantine_message m ON m.id = q.id ORDER BY q.moved DESC, q.id DESC LIMIT ?");
  if (!rows) return std::unexpected(rows.error());
  return all_rows<QuarantinedMessage>(rows->bind(std::uint64_t{limit}), [](const Statement& row) {
    return QuarantinedMessage{QueueId(row.unsigned_integer(0)), sane_time_of(row.integer(1)), std::string(row.text(2)),
                              sender_text(row.text_or_null(3), row.text_or_null(4))};
  });
}

}  // namespace queue

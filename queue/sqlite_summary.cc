// The passes, and what is told of each group.
#include "queue/sqlite_summary.h"

#include <algorithm>
#include <future>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "queue/sqlite_rows.h"
#include "queue/sqlite_snapshot.h"

namespace queue {
namespace {

/// With fewer messages a second thread is not worth its start.
constexpr std::int64_t few_messages = 5'000;

Result<std::optional<std::int64_t>> first_integer(Statement& statement) {
  const ResetAtEnd reset(statement);
  const auto row = statement.step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return statement.integer(0);
}

}  // namespace

Result<void> SqliteSummary::prepare() {
  const std::pair<Statement*, std::string_view> texts[] = {
      {&begin_, "BEGIN"},
      {&end_, "COMMIT"},
      {&messages_, "SELECT messages FROM totals"},
      {&middle_, "SELECT id FROM message ORDER BY id LIMIT 1 OFFSET ?"},
      {&received_, "SELECT received FROM message WHERE id=?"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return replies_.prepare(database_);
}

Result<std::vector<SummaryRow>> SqliteSummary::summary(SummaryBy by, std::size_t limit) {
  SummaryGroups groups(most_names_);
  if (const auto counted = count(by, groups); !counted) return std::unexpected(counted.error());
  const std::string no_name;
  std::vector<std::pair<const std::string*, const SummaryGroup*>> order;
  for (const auto& [name, group] : groups.all()) {
    if (group.recipients() > 0) order.emplace_back(&name, &group);
  }
  if (groups.rest().recipients() > 0) order.emplace_back(&no_name, &groups.rest());
  const std::size_t shown = std::min(limit, order.size());
  const auto goes_before = [](const auto& a, const auto& b) {
    const std::uint64_t ours = a.second->recipients();
    const std::uint64_t theirs = b.second->recipients();
    return ours != theirs ? ours > theirs : *a.first < *b.first;
  };
  if (shown == order.size()) {
    std::ranges::sort(order, goes_before);
  } else {
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), goes_before);
  }
  const Snapshot snapshot(begin_, end_);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  std::vector<SummaryRow> rows;
  for (const auto& [name, group] : std::span(order).first(shown)) {
    auto row = describe(*name, *group);
    if (!row) return std::unexpected(row.error());
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<void> SqliteSummary::count(SummaryBy by, SummaryGroups& groups) {
  const auto messages = first_integer(messages_);
  if (!messages) return std::unexpected(messages.error());
  SummaryPass pass(by, groups);
  if (auto prepared = pass.prepare(database_); !prepared) return prepared;
  if (messages->value_or(0) < few_messages) return pass.count({});
  const auto middle = first_integer(middle_.bind(messages->value_or(0) / 2));
  if (!middle) return std::unexpected(middle.error());
  const SummaryRange first{.last = middle->value_or(0)};
  const SummaryRange second{.after = middle->value_or(0)};
  SummaryGroups later(most_names_);
  auto half = std::async(std::launch::async, [&] { return count_half(by, later, second); });
  const auto counted = pass.count(first);
  const auto counted_later = half.get();
  if (!counted) return counted;
  if (!counted_later) return counted_later;
  groups.add(later);
  return {};
}

Result<void> SqliteSummary::count_half(SummaryBy by, SummaryGroups& groups, SummaryRange range) {
  auto database = another_();
  if (!database) return std::unexpected(database.error());
  SummaryPass pass(by, groups);
  if (auto prepared = pass.prepare(*database); !prepared) return prepared;
  return pass.count(range);
}

Result<SummaryRow> SqliteSummary::describe(const std::string& name, const SummaryGroup& group) {
  SummaryRow described;
  described.name = name;
  described.recipients = group.recipients();
  described.queued = group.queued;
  described.deferred = group.deferred;
  described.held = group.held;
  if (group.deferred > 0) described.next_attempt = sane_time_of(group.next_attempt);
  const ResetAtEnd reset_received(received_.bind(group.oldest));
  const auto message = received_.step();
  if (!message) return std::unexpected(message.error());
  if (*message) described.oldest = sane_time_of(received_.integer(0));
  auto read = replies_.read(group.reply, [&described](std::int64_t /*number*/, std::string_view mx, std::string_view words) {
    described.mx = mx;
    described.last_reply = words;
  });
  if (!read) return std::unexpected(read.error());
  return described;
}

}  // namespace queue

// Reading replies, one or all.
#include "queue/sqlite_replies.h"

#include <utility>

namespace queue {

Result<void> ReplyTable::prepare(Database& database) {
  const std::pair<Statement*, std::string_view> texts[] = {
      {&one_, "SELECT id, mx, words FROM reply WHERE id=?"},
      {&all_, "SELECT id, mx, words FROM reply ORDER BY id"},
      {&greatest_, "SELECT coalesce(max(id), 0) FROM reply"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<void> ReplyTable::read(std::int64_t number, const Take& take) {
  Statement& row = one_.bind(number);
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  if (*got) take(row.integer(0), row.text(1), row.text(2));
  return {};
}

Result<void> ReplyTable::read_all(const Take& take) {
  const ResetAtEnd reset(all_);
  for (;;) {
    const auto got = all_.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return {};
    take(all_.integer(0), all_.text(1), all_.text(2));
  }
}

Result<std::int64_t> ReplyTable::greatest() {
  const ResetAtEnd reset(greatest_);
  if (auto got = greatest_.step(); !got) return std::unexpected(got.error());
  return greatest_.integer(0);
}

}  // namespace queue

// When to checkpoint and when to give space back.
#include "queue/sqlite_space.h"

#include <algorithm>

namespace queue {
namespace {

using base::Kind;
using std::chrono::milliseconds;

/// A passive checkpoint follows when the log has grown by so many pages (1 to 16 MiB): as many as it moves within a time that a
/// group may wait for.
constexpr int fewest_checkpoint_pages = 250;
constexpr int most_checkpoint_pages = 4000;
constexpr milliseconds checkpoint_is_long{25};
constexpr milliseconds checkpoint_is_short{8};

/// Space is given back when so many pages (16 MiB) and half of the file are free, until only a quarter is, or 4 MiB. What is free
/// is used again by the next messages, and a file that keeps its length is the faster one.
constexpr std::int64_t much_is_free = 4096;
constexpr std::int64_t little_is_free = 1024;
constexpr std::chrono::seconds look_every{1};

/// A step of giving back ends after so long, or with 256 pages (sqlite_statements.cc).
constexpr milliseconds step_limit{8};
constexpr milliseconds step_pause{4};

Result<std::int64_t> number(Statement& statement) {
  const ResetAtEnd reset(statement);
  const auto row = statement.step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement.integer(0) : 0;
}

/// A transaction that frees some pages; left open after an error.
Result<void> step(WriterTables& tables) {
  const auto end = std::chrono::steady_clock::now() + step_limit;
  if (auto begun = tables.begin.run(); !begun) return begun;
  const ResetAtEnd reset(tables.give_back);
  for (bool more = true; more && std::chrono::steady_clock::now() < end;) {
    const auto stepped = tables.give_back.step();
    if (!stepped) return std::unexpected(stepped.error());
    more = *stepped;
  }
  tables.give_back.reset();
  return tables.commit.run();
}

}  // namespace

Result<std::optional<milliseconds>> SqliteSpace::tidy(WriterTables& tables) {
  auto done = checkpoint_when_due(tables);
  const auto now = Clock::now();
  const bool look_now = giving_back_ ? now >= next_step_ : now >= look_at_;
  if (done && look_now) done = look(tables);
  if (done && giving_back_ && look_now) done = give_back(tables);
  if (!done) return std::unexpected(done.error());
  if (giving_back_) return step_pause;
  // A group after the last look may have been the one that made room.
  if (!look_now) return std::chrono::ceil<milliseconds>(look_at_ - now);
  return std::optional<milliseconds>();
}

// A reader can keep a passive checkpoint from finishing; the next one comes when the log has grown once more, not after every
// group.
Result<void> SqliteSpace::checkpoint_when_due(WriterTables& tables) {
  const int pages = tables.database.log_pages();
  if (pages < checkpointed_at_) checkpointed_at_ = 0;
  if (pages < checkpointed_at_ + checkpoint_pages_) return {};
  return checkpoint(tables);
}

Result<void> SqliteSpace::checkpoint(WriterTables& tables) {
  checkpointed_at_ = tables.database.log_pages();
  const auto begun = Clock::now();
  auto done = tables.database.checkpoint(Database::Checkpoint::passive);
  const auto took = Clock::now() - begun;
  if (took > checkpoint_is_long) checkpoint_pages_ = fewest_checkpoint_pages;
  if (took < checkpoint_is_short) checkpoint_pages_ = std::min(2 * checkpoint_pages_, most_checkpoint_pages);
  if (!done && done.error().kind == Kind::temporary) return {};
  return done;
}

// The file itself becomes shorter with a checkpoint.
Result<void> SqliteSpace::look(WriterTables& tables) {
  look_at_ = Clock::now() + look_every;
  const auto free = number(tables.free_pages);
  if (!free) return std::unexpected(free.error());
  const auto all = number(tables.all_pages);
  if (!all) return std::unexpected(all.error());
  const bool much = *free >= much_is_free && *free * 2 >= *all;
  const bool little = *free <= little_is_free || *free * 4 <= *all;
  const bool ends = giving_back_ && little;
  giving_back_ = !little && (giving_back_ || much);
  return ends ? checkpoint(tables) : Result<void>();
}

Result<void> SqliteSpace::give_back(WriterTables& tables) {
  next_step_ = Clock::now() + step_limit + step_pause;
  // Not synced by itself: nothing is lost with it, and the next commit's sync covers it. (A prepared PRAGMA would act when it is
  // prepared, not when it is run.)
  auto done = tables.database.execute("PRAGMA synchronous=NORMAL");
  if (done) done = step(tables);
  if (!done && tables.database.in_transaction()) static_cast<void>(tables.roll_back.run());
  if (auto fully = tables.database.execute("PRAGMA synchronous=FULL"); !fully) {
    return base::fail(Kind::storage, fully.error().words);
  }
  if (!done && done.error().kind == Kind::temporary) return {};
  return done;
}

}  // namespace queue

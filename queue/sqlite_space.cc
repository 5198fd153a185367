// When to checkpoint and how to give space back.
//
// Free pages go in one of two ways. When little is in use, it is written anew (VACUUM), which costs as much as what is in use.
// Else pages are freed one by one from the end (incremental_vacuum); SQLite looks for each in the list of the free ones, so that
// a long list in no order makes it slow, and it must not take the processor from the mail. Either way the file is cut off behind
// its last page in pieces: a file system may need seconds for gigabytes.
#include "queue/sqlite_space.h"

#include <algorithm>

namespace queue {
namespace {

using base::Kind;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

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
constexpr seconds look_every{1};

/// What is in use is written anew when it is so many pages at most (6 MiB), which takes about 30 ms. Reading them from a cold
/// disk may take longer: then it ends without effect, and is tried once more later.
constexpr std::int64_t most_rewritten = 1536;
constexpr milliseconds rewrite_limit{40};
constexpr seconds first_rewrite_pause{10};
constexpr minutes longest_rewrite_pause{10};

/// A step of giving back ends after so long, or with 256 pages (sqlite_statements.cc). One that frees few leaves three quarters
/// of the time to others.
constexpr milliseconds step_limit{8};
constexpr milliseconds step_pause{4};
constexpr std::int64_t few_freed = 64;
constexpr milliseconds pause_after_few{24};

/// A page of the map that auto_vacuum keeps has so many octets for each page behind it.
constexpr std::int64_t octets_to_describe = 5;

/// Octets that are cut off at once: some 5 ms on ext4.
constexpr std::int64_t piece = 16 << 20;
constexpr milliseconds cut_pause{20};

Result<std::int64_t> number(Statement& statement) {
  const ResetAtEnd reset(statement);
  const auto row = statement.step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement.integer(0) : 0;
}

}  // namespace

SqliteSpace::SqliteSpace(WriterTables& tables) : tables_(tables) { tables_.database.cut_at_most(piece); }

Result<std::optional<milliseconds>> SqliteSpace::tidy() {
  auto done = checkpoint_when_due();
  const bool was_busy = giving_back_ || cutting_;
  const bool look_now = Clock::now() >= (was_busy ? next_step_ : look_at_);
  if (done && look_now) done = look();
  if (!done) return std::unexpected(done.error());
  const bool is_busy = giving_back_ || cutting_;
  // A group after the last look may have been the one that made room.
  if (!is_busy && look_now) return std::optional<milliseconds>();
  const auto wanted = std::chrono::ceil<milliseconds>((is_busy ? next_step_ : look_at_) - Clock::now());
  return std::max(wanted, milliseconds(1));
}

Result<void> SqliteSpace::finish() {
  tables_.database.cut_at_most(0);
  return cutting_ ? cut() : Result<void>();
}

// A reader can keep a passive checkpoint from finishing; the next one comes when the log has grown once more, not after every
// group.
Result<void> SqliteSpace::checkpoint_when_due() {
  const int pages = tables_.database.log_pages();
  if (pages < checkpointed_at_) checkpointed_at_ = 0;
  if (pages < checkpointed_at_ + checkpoint_pages_) return {};
  return checkpoint();
}

Result<void> SqliteSpace::checkpoint() {
  checkpointed_at_ = tables_.database.log_pages();
  const auto begun = Clock::now();
  auto done = tables_.database.checkpoint(Database::Checkpoint::passive);
  const auto took = Clock::now() - begun;
  if (took > checkpoint_is_long) checkpoint_pages_ = fewest_checkpoint_pages;
  if (took < checkpoint_is_short) checkpoint_pages_ = std::min(2 * checkpoint_pages_, most_checkpoint_pages);
  if (!done && done.error().kind == Kind::temporary) return {};
  return done;
}

Result<SqliteSpace::Pages> SqliteSpace::count() {
  const auto all = number(tables_.all_pages);
  if (!all) return std::unexpected(all.error());
  const auto free = number(tables_.free_pages);
  if (!free) return std::unexpected(free.error());
  const auto octets = number(tables_.page_octets);
  if (!octets) return std::unexpected(octets.error());
  if (*octets <= 0) return base::fail(Kind::storage, "the queue database has no page size");
  const auto length = tables_.database.file_length();
  if (!length) return std::unexpected(length.error());
  const std::int64_t described = *octets / octets_to_describe;
  const std::int64_t maps = *all / (described + 1) + 1;
  return Pages{
      .all = *all, .free = *free, .used = *all - *free - maps, .too_long = std::max<std::int64_t>(*length - *all * *octets, 0)};
}

Result<void> SqliteSpace::look() {
  const auto now = Clock::now();
  look_at_ = now + look_every;
  const auto pages = count();
  if (!pages) return std::unexpected(pages.error());
  const bool much = pages->free >= much_is_free && pages->free * 2 >= pages->all;
  const bool little = pages->free <= little_is_free || pages->free * 4 <= pages->all;
  giving_back_ = !little && (giving_back_ || much);
  cutting_ = cutting_ && (giving_back_ || pages->too_long > 0);
  if (cutting_ && (!giving_back_ || pages->too_long >= piece)) return cut();
  if (!giving_back_) return {};
  return pages->used <= most_rewritten && now >= rewrite_at_ ? rewrite() : give_back();
}

// Nothing is lost with such a commit, and the next one's sync covers it. (A prepared PRAGMA would act when it is prepared, not
// when it is run.)
template <class Change>
Result<void> SqliteSpace::unsynced(Change change) {
  auto done = tables_.database.execute("PRAGMA synchronous=NORMAL");
  if (done) done = change();
  if (!done && tables_.database.in_transaction()) static_cast<void>(tables_.roll_back.run());
  if (auto fully = tables_.database.execute("PRAGMA synchronous=FULL"); !fully) {
    return base::fail(Kind::storage, fully.error().words);
  }
  if (!done && done.error().kind == Kind::temporary) return {};
  return done;
}

Result<void> SqliteSpace::give_back() {
  std::int64_t freed = 0;
  auto done = unsynced([&]() -> Result<void> {
    const auto some = free_some();
    if (!some) return std::unexpected(some.error());
    freed = *some;
    return {};
  });
  cutting_ = true;
  next_step_ = Clock::now() + (freed < few_freed ? pause_after_few : step_pause);
  return done;
}

Result<std::int64_t> SqliteSpace::free_some() {
  const auto end = Clock::now() + step_limit;
  if (auto begun = tables_.begin.run(); !begun) return std::unexpected(begun.error());
  const ResetAtEnd reset(tables_.give_back);
  std::int64_t freed = 0;
  for (bool more = true; more && Clock::now() < end;) {
    const auto stepped = tables_.give_back.step();
    if (!stepped) return std::unexpected(stepped.error());
    more = *stepped;
    if (more) ++freed;
  }
  tables_.give_back.reset();
  if (auto committed = tables_.commit.run(); !committed) return std::unexpected(committed.error());
  return freed;
}

// What fails here for want of time or room is done in small steps meanwhile.
Result<void> SqliteSpace::rewrite() {
  bool rewritten = false;
  auto done = unsynced([&] {
    auto result = tables_.database.rewrite(rewrite_limit);
    rewritten = result.has_value();
    return result;
  });
  const auto now = Clock::now();
  next_step_ = now + cut_pause;
  cutting_ = true;
  rewrite_pause_ =
      rewritten ? Clock::duration() : std::clamp<Clock::duration>(2 * rewrite_pause_, first_rewrite_pause, longest_rewrite_pause);
  rewrite_at_ = now + rewrite_pause_;
  if (!done && done.error().kind == Kind::full) return {};
  return done;
}

// The file becomes shorter with a checkpoint that has something to move, as long as no reader needs what is in it.
Result<void> SqliteSpace::cut() {
  const auto before = tables_.database.file_length();
  if (!before) return std::unexpected(before.error());
  auto done = unsynced([&] { return tables_.touch.run(); });
  if (done) done = checkpoint();
  if (!done) return done;
  const auto after = tables_.database.file_length();
  if (!after) return std::unexpected(after.error());
  next_step_ = Clock::now() + (*after < *before ? milliseconds(cut_pause) : look_every);
  return {};
}

}  // namespace queue

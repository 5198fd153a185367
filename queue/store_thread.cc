// Gathering, committing and completing groups of operations.
#include "queue/store_thread.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "queue/content_file.h"

namespace queue {
namespace {

using base::Error;
using base::Kind;

/// How long records wait for company before they get a commit of their own, and how many are company enough.
constexpr std::chrono::milliseconds record_patience{10};
constexpr std::size_t record_company = 100;
/// What a group does at most, in records, so that an accept behind it does not wait for long.
constexpr std::size_t group_limit = 1000;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

/// The call that tells the caller; moves its callback out of the operation.
std::move_only_function<void()> completion(Operation& operation, Result<void> result, const Counts& counts) {
  return std::visit(
      Overloaded{
          [&](Operation::Accept& accept) -> std::move_only_function<void()> {
            return [done = std::move(accept.done), result = std::move(result)]() mutable { done(std::move(result)); };
          },
          [&](Operation::Record& record) -> std::move_only_function<void()> {
            return [done = std::move(record.done), result = std::move(result)]() mutable { done(std::move(result)); };
          },
          [&](Operation::Change& change) -> std::move_only_function<void()> {
            Result<std::uint64_t> count = change.count;
            if (!result) count = std::unexpected(result.error());
            return [done = std::move(change.done), count = std::move(count)]() mutable { done(std::move(count)); };
          },
          [&](Operation::Count& count) -> std::move_only_function<void()> {
            Result<Counts> answer = counts;
            if (!result) answer = std::unexpected(result.error());
            return [done = std::move(count.done), answer = std::move(answer)]() mutable { done(std::move(answer)); };
          },
      },
      operation.call);
}

bool writes(const Operation& operation) { return !std::holds_alternative<Operation::Count>(operation.call); }
bool is_accept(const Operation& operation) { return std::holds_alternative<Operation::Accept>(operation.call); }

/// Keeps the order of either kind. (The library's own function has the compiler complain when clang uses GCC's library.)
void put_accepts_first(std::vector<Operation>& operations) {
  std::vector<Operation> others;
  auto place = operations.begin();
  for (auto next = operations.begin(); next != operations.end(); ++next) {
    if (!is_accept(*next)) {
      others.push_back(std::move(*next));
    } else if (place++ != next) {
      *std::prev(place) = std::move(*next);
    }
  }
  std::ranges::move(others, place);
}

/// Concerns one operation, not the store.
bool is_of_operation(Kind kind) { return kind == Kind::invalid || kind == Kind::refused; }

}  // namespace

std::size_t Operation::weight() const {
  const auto* const record = std::get_if<Record>(&call);
  if (record == nullptr) return 1;
  return 1 + record->recording.records.size() + record->recording.warned.size() + record->recording.notices.size();
}

StoreThread::StoreThread(std::unique_ptr<Engine> engine, StoreOptions options, CompletionSink sink)
    : engine_(std::move(engine)), options_(std::move(options)), sink_(std::move(sink)) {
  thread_ = std::thread([this] { run(); });
}

StoreThread::~StoreThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StoreThread::accept(Message message, Done done) {
  submit(Operation::Accept{std::move(message), std::move(done)}, Urgency::now);
}

void StoreThread::record(Recording recording, Done done) {
  const Urgency urgency = recording.records.size() < record_company ? Urgency::may_wait : Urgency::now;
  submit(Operation::Record{std::move(recording), std::move(done)}, urgency);
}

// The analyzer loses sight of what a move_only_function owns.
// NOLINTBEGIN(clang-analyzer-cplusplus.NewDeleteLeaks)
void StoreThread::quarantine(QueueId id, std::string reason, Time now, Done done) {
  submit_change([id, reason = std::move(reason), now](Engine& engine) { return engine.quarantine(id, reason, now); },
                std::move(done));
}

void StoreThread::pause(Pause pause, Done done) {
  submit_change([pause = std::move(pause)](Engine& engine) { return engine.pause(pause); }, std::move(done));
}

void StoreThread::resume(std::string pattern, DoneCount done) {
  auto apply = [pattern = std::move(pattern)](Engine& engine) { return engine.resume(pattern); };
  submit(Operation::Change{std::move(apply), std::move(done)}, Urgency::now);
}

void StoreThread::remember(Remembered thing, Done done) {
  submit_change([thing = std::move(thing)](Engine& engine) { return engine.remember(thing); }, std::move(done));
}

void StoreThread::begin_action(Action action, Done done) {
  submit_change([action = std::move(action)](Engine& engine) { return engine.begin_action(action); }, std::move(done));
}
// NOLINTEND(clang-analyzer-cplusplus.NewDeleteLeaks)

void StoreThread::counts(DoneCounts done) { submit(Operation::Count{std::move(done)}, Urgency::now); }

void StoreThread::submit_change(std::function<Result<void>(Engine&)> apply, Done done) {
  auto counted = [apply = std::move(apply)](Engine& engine) -> Result<std::uint64_t> {
    if (auto applied = apply(engine); !applied) return std::unexpected(applied.error());
    return 1;
  };
  auto told = [done = std::move(done)](const Result<std::uint64_t>& result) mutable {
    done(result ? Result<void>() : std::unexpected(result.error()));
  };
  submit(Operation::Change{std::move(counted), std::move(told)}, Urgency::now);
}

// Wakes the thread only when this operation changes what it waits for.
void StoreThread::submit(Operation::Call call, Urgency urgency) {
  Operation operation(std::move(call));
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      oldest_ = Clock::now();
      wake = true;
    }
    waiting_.push_back(std::move(operation));
    if (urgency == Urgency::now && !std::exchange(urgent_, true)) wake = true;
    if (waiting_.size() == record_company) wake = true;
  }
  if (wake) wake_.notify_one();
}

void StoreThread::run() {
  std::vector<Operation> group;
  while (gather(group)) {
    if (!group.empty()) run_group(group);
    group.clear();
    reopen_when_due();
    tidy_when_due();
  }
}

bool StoreThread::gather(std::vector<Operation>& group) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool ready = urgent_ || waiting_.size() >= record_company;
    if (ready || (!waiting_.empty() && Clock::now() >= oldest_ + record_patience)) break;
    const auto wake_at = waiting_.empty() ? next_deed() : oldest_ + record_patience;
    if (waiting_.empty() && wake_at && Clock::now() >= *wake_at) return true;
    if (wake_at) {
      wake_.wait_until(lock, *wake_at);
    } else {
      wake_.wait(lock);
    }
  }
  take_waiting(group);
  return !group.empty() || !stopping_;
}

std::optional<StoreThread::Clock::time_point> StoreThread::next_deed() const {
  if (health_.load() == Health::closed) return reopen_at_;
  return tidy_at_;
}

// Accepts may overtake outcomes, which never concern a message that is accepted after them; nothing else changes its order.
void StoreThread::take_waiting(std::vector<Operation>& group) {
  std::size_t weight = 0;
  for (const Operation& operation : waiting_) weight += operation.weight();
  if (weight > group_limit) put_accepts_first(waiting_);
  auto end = waiting_.begin();
  for (weight = 0; end != waiting_.end(); ++end) {
    weight += end->weight();
    if (weight > group_limit && end != waiting_.begin()) break;
  }
  std::move(waiting_.begin(), end, std::back_inserter(group));
  waiting_.erase(waiting_.begin(), end);
  urgent_ = !waiting_.empty();
}

void StoreThread::run_group(std::vector<Operation>& group) {
  if (health_.load() == Health::closed) {
    remove_content(group);
    complete(group, base::fail(Kind::storage, "the queue is closed to writing after a failed write"));
    return;
  }
  if (std::ranges::none_of(group, writes)) {
    complete(group, {});
    return;
  }
  Result<void> written = write_group(group);
  if (written) {
    became(Health::open, "there is room on the disk again");
  } else if (written.error().kind == Kind::full) {
    became(Health::full, written.error().words);
    remove_content(group);
  } else {
    became(Health::closed, written.error().words);
    written = base::fail(Kind::storage, written.error().words);
  }
  fault_point("before completion");
  complete(group, written);
  fault_point("after completion");
  if (written) tidy();
}

// One transaction. An operation that cannot be (an id that exists already) must not take its neighbours with it: the group is
// rolled back and repeated without it, which costs nothing as long as it does not happen.
Result<void> StoreThread::write_group(std::vector<Operation>& group) {
  for (bool again = true; again;) {
    again = false;
    fault_point("before begin");
    if (auto begun = engine_->begin(); !begun) return begun;
    for (Operation& operation : group) {
      if (operation.failure) continue;
      fault_point("before operation");
      auto applied = apply(operation);
      if (applied) continue;
      engine_->roll_back();
      if (!is_of_operation(applied.error().kind)) return applied;
      operation.failure = applied.error();
      again = true;
      break;
    }
  }
  fault_point("before commit");
  auto committed = engine_->commit();
  if (!committed) engine_->roll_back();
  fault_point("after commit");
  return committed;
}

Result<void> StoreThread::apply(Operation& operation) {
  if (auto* const accept = std::get_if<Operation::Accept>(&operation.call)) return engine_->accept(accept->message);
  if (auto* const record = std::get_if<Operation::Record>(&operation.call)) return engine_->record(record->recording);
  if (auto* const change = std::get_if<Operation::Change>(&operation.call)) {
    const auto count = change->apply(*engine_);
    if (!count) return std::unexpected(count.error());
    change->count = *count;
  }
  return {};
}

void StoreThread::remove_content(const std::vector<Operation>& group) {
  Disk& disk = options_.disk != nullptr ? *options_.disk : real_disk();
  for (const Operation& operation : group) {
    if (operation.failure) continue;
    if (const auto* const accept = std::get_if<Operation::Accept>(&operation.call)) {
      ContentWriter::discard(disk, accept->message.content);
    } else if (const auto* const record = std::get_if<Operation::Record>(&operation.call)) {
      for (const Message& notice : record->recording.notices) ContentWriter::discard(disk, notice.content);
    }
  }
}

void StoreThread::complete(std::vector<Operation>& group, const Result<void>& written) {
  Completions completions;
  completions.reserve(group.size());
  const Counts counts = engine_->counts();
  for (Operation& operation : group) {
    Result<void> result = written;
    if (written && operation.failure) result = std::unexpected(*operation.failure);
    if (!writes(operation)) result = {};
    completions.push_back(completion(operation, std::move(result), counts));
  }
  if (!completions.empty()) sink_(std::move(completions));
}

void StoreThread::tidy() {
  fault_point("before tidying");
  tidy_at_.reset();
  const auto again = engine_->tidy();
  if (again) {
    if (*again) tidy_at_ = Clock::now() + **again;
  } else if (again.error().kind != Kind::full) {
    // What was committed stays in the log when there is no room to move it on.
    became(Health::closed, again.error().words);
  }
  fault_point("after tidying");
}

void StoreThread::tidy_when_due() {
  if (tidy_at_ && health_.load() != Health::closed && Clock::now() >= *tidy_at_) tidy();
}

void StoreThread::reopen_when_due() {
  if (health_.load() != Health::closed || Clock::now() < reopen_at_) return;
  fault_point("before reopening");
  const auto reopened = engine_->reopen();
  fault_point("after reopening");
  if (reopened) {
    became(Health::open, "the queue database was opened again");
  } else {
    reopen_at_ = Clock::now() + options_.reopen_every;
  }
}

void StoreThread::became(Health health, std::string_view words) {
  if (health == Health::closed) {
    engine_->stop_writing();
    reopen_at_ = Clock::now() + options_.reopen_every;
  }
  if (health_.exchange(health) == health) return;
  if (options_.health_changed) options_.health_changed(health, words);
}

void StoreThread::fault_point(std::string_view name) const {
  if (options_.fault_point) options_.fault_point(name);
}

}  // namespace queue

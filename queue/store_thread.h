// The thread that gathers waiting operations into one transaction and completes them after its commit. Knows no SQL. Internal to
// the queue folder.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "queue/engine.h"
#include "queue/store.h"

namespace queue {

/// One waiting call of Store.
class Operation {
 public:
  struct Accept {
    Message message;
    Store::Done done;
  };
  struct Record {
    Recording recording;
    Store::Done done;
  };
  /// Anything else that writes: repeated as often as the group is.
  struct Change {
    std::function<Result<std::uint64_t>(Engine&)> apply;
    Store::DoneCount done;
    std::uint64_t count = 0;
  };
  struct Count {
    Store::DoneCounts done;
  };
  using Call = std::variant<Accept, Record, Change, Count>;

  explicit Operation(Call what) : call(std::move(what)) {}
  Call call;
  /// How much work it is, in records.
  std::size_t weight() const;
  std::optional<base::Error> failure;  ///< of this operation alone
};

class StoreThread : public Store {
 public:
  using Clock = std::chrono::steady_clock;

  StoreThread(std::unique_ptr<Engine> engine, StoreOptions options, CompletionSink sink);
  ~StoreThread() override;

  void accept(Message message, Done done) override;
  void record(Recording recording, Done done) override;
  void quarantine(QueueId id, std::string reason, Time now, Done done) override;
  void pause(Pause pause, Done done) override;
  void resume(std::string pattern, DoneCount done) override;
  void remember(Remembered thing, Done done) override;
  void begin_action(Action action, Done done) override;
  void counts(DoneCounts done) override;
  Health health() const override { return health_.load(); }

 private:
  enum class Urgency : std::uint8_t { may_wait, now };
  void submit(Operation::Call call, Urgency urgency);

  void submit_change(std::function<Result<void>(Engine&)> apply, Done done);

  void run();
  /// Blocks until there is a group to run, it is time to reopen or tidy, or the store stops. False: stopped and nothing is left.
  bool gather(std::vector<Operation>& group);
  /// When to wake up though nothing comes.
  std::optional<Clock::time_point> next_deed() const;
  /// From waiting_, under its lock: all of it, or as much as one group should do.
  void take_waiting(std::vector<Operation>& group);
  void run_group(std::vector<Operation>& group);
  Result<void> write_group(std::vector<Operation>& group);
  Result<void> apply(Operation& operation);
  /// Content files of messages that are certainly not kept.
  void remove_content(const std::vector<Operation>& group);
  void complete(std::vector<Operation>& group, const Result<void>& written);
  void tidy();
  void tidy_when_due();
  void reopen_when_due();
  void became(Health health, std::string_view words);
  void fault_point(std::string_view name) const;

  const std::unique_ptr<Engine> engine_;
  const StoreOptions options_;
  const CompletionSink sink_;
  std::atomic<Health> health_ = Health::open;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Operation> waiting_;  ///< guarded by mutex_
  Clock::time_point oldest_;        ///< when the first of waiting_ came; guarded by mutex_
  bool urgent_ = false;             ///< waiting_ holds more than records; guarded by mutex_
  bool stopping_ = false;           ///< guarded by mutex_

  Clock::time_point reopen_at_;               ///< store thread only
  std::optional<Clock::time_point> tidy_at_;  ///< the engine wants to tidy once more; store thread only
  std::thread thread_;
};

}  // namespace queue

// What a kind of store has to be able to do for StoreThread, which gathers operations into groups: one database, used on one
// thread. Internal to the queue folder; a second kind of store implements this.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "queue/message.h"
#include "queue/store.h"

namespace queue {

/// Between begin() and commit() or roll_back() everything belongs to one transaction. Errors: Kind::invalid and Kind::refused
/// concern that operation alone (the group is rolled back and repeated without it); Kind::full: no room, nothing was written;
/// anything else: the engine writes nothing more before reopen() has worked.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual Result<void> begin() = 0;
  virtual Result<void> accept(const Message& message) = 0;
  virtual Result<void> record(const Recording& recording) = 0;
  virtual Result<void> quarantine(QueueId id, std::string_view reason, Time now) = 0;
  virtual Result<void> pause(const Pause& pause) = 0;
  /// How many there were.
  virtual Result<std::uint64_t> resume(std::string_view pattern) = 0;
  virtual Result<void> remember(const Remembered& thing) = 0;
  virtual Result<void> begin_action(const Action& action) = 0;
  /// Everything since begin() is on stable storage when this returns without an error.
  virtual Result<void> commit() = 0;
  virtual void roll_back() = 0;

  /// Of the last commit.
  virtual Counts counts() const = 0;
  /// Housekeeping between groups: checkpoints, content files of removed messages, space given back. Takes a few milliseconds but
  /// for a checkpoint. Tells when it wants to be called again though no further group comes; nothing: all is done.
  virtual Result<std::optional<std::chrono::milliseconds>> tidy() = 0;
  /// A write or sync failed: not even the end of the engine may write now.
  virtual void stop_writing() = 0;
  /// After a failure: makes sure of what the disk holds and allows writing again.
  virtual Result<void> reopen() = 0;
};

}  // namespace queue

// What is looked for in the waiting mail again and again: what has expired, whose sender must be told of a delay, what will
// expire while its destination gets nothing, deliveries that do not end.
#pragma once

#include <boost/asio/strand.hpp>
#include <map>
#include <memory>
#include <set>

#include "queue/store.h"
#include "relay/delivery/dispatcher.h"

namespace relay::delivery {

struct SweepOptions {
  std::chrono::milliseconds every{60'000};
  /// A delivery may be active for so long: all stages of several hosts at their limits, and the largest message at a few KiB a
  /// second.
  base::Duration stuck_after = std::chrono::hours(4);
  /// After its connection was closed a delivery ends at once; what is active for so much longer has lost its coroutine.
  base::Duration freed_after = std::chrono::minutes(5);
};

/// On the loop alone; its reader works on a strand of the workers.
class Sweeps {
 public:
  Sweeps(Services& services, Dispatcher& dispatcher, std::unique_ptr<queue::Reader> reader, SweepOptions options);
  Sweeps(const Sweeps&) = delete;
  Sweeps& operator=(const Sweeps&) = delete;

  void start();
  void stop() { stopping_ = true; }

 private:
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  using MessagePtr = std::shared_ptr<const queue::Message>;
  using Rows = std::vector<queue::ListRow>;
  using Stopped = std::function<bool(std::string_view destination)>;
  /// A message with what is known of its recipients.
  struct Known {
    MessagePtr message;
    Rows rows;
  };

  Task<void> sweep();
  Task<void> watch();
  Task<void> expire();
  Task<void> expire(std::vector<queue::DeliveryJob> jobs);
  std::vector<Concern> given_up(const queue::DeliveryJob& job, const Rows& rows);
  Task<void> warn(base::Duration after);
  Task<void> warn(const std::map<queue::QueueId, std::set<std::uint32_t>>& messages, base::Duration after);
  std::vector<Concern> delayed(const Known& known, const std::set<std::uint32_t>& recipients, base::Duration after) const;
  Task<std::optional<queue::Expiring>> expiring(Stopped stopped);
  Task<void> warn_of_pauses();
  Task<void> warn_of_blocks();
  Task<std::optional<Known>> find(queue::QueueId id);

  Services& services_;
  Dispatcher& dispatcher_;
  std::unique_ptr<queue::Reader> reader_;
  Strand reading_;
  const SweepOptions options_;
  std::map<base::Duration, queue::QueueId> warned_until_;  ///< by retry.warn; ids are times
  bool stopping_ = false;
};

}  // namespace relay::delivery

// Which message goes when: destinations, their due recipients, retry times, fairness, limits of connections. Pure: time is a
// parameter.
//
// Memory: a bounded window of due recipients per destination and in all; the rest stays in the store, and next() says
// which destination wants more of it (Refill).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "queue/message.h"
#include "queue/outcome.h"
#include "queue/store.h"

namespace queue {

struct ScheduleOptions {
  std::vector<base::Duration> delays;  ///< [retry]; the last one repeats
  std::size_t connections = 500;       ///< in all
  std::size_t connections_per_destination = 10;
  std::size_t recipients_per_transaction = 100;  ///< RFC 5321 4.5.3.1.8
  std::size_t window_per_destination = 1000;     ///< due recipients held in memory
  std::size_t window = 50000;                    ///< of all destinations together
};

/// One message's recipients of one destination, to be sent over one connection (a lease until finish()).
class DeliveryJob {
 public:
  std::string destination;
  QueueId message;
  std::vector<DueRecipient> recipients;
};

/// The destination has room in its window and recipients in the store.
struct Refill {
  std::string destination;
};
/// Nothing to do before this time (or before something is added or finished).
struct Wait {
  std::optional<Time> until;
};

class Schedule {
 public:
  Schedule(ScheduleOptions options, std::uint64_t seed);

  /// Recipients that wait: freshly accepted ones, or those that a Refill brought. What does not fit the window stays in the
  /// store.
  void add(std::vector<DueRecipient> recipients, Time now);
  /// Destinations with deferred recipients in the store, at start and after changes by the admin.
  void know(const std::vector<DestinationRow>& rows);
  /// After a Refill: `complete` when the store had no more due ones now, and when its next is due.
  void refilled(const std::string& destination, std::vector<DueRecipient> recipients, bool complete, std::optional<Time> next_due,
                Time now);

  std::variant<DeliveryJob, Refill, Wait> next(Time now);
  /// The next job for a connection that is open to this destination; no new lease of a connection is taken.
  std::optional<DeliveryJob> next_for(const std::string& destination, Time now);
  /// The recipients of a job are not active any more (their records are on their way to the store); the deferred ones come back
  /// by a Refill.
  void finish(const DeliveryJob& job, const std::vector<DeliveryRecord>& records, Time now);
  /// The lease of a connection ends.
  void release(const std::string& destination);
  /// The destination could not be reached: nothing more is tried before the retry time of its consecutive failures.
  void rest(const std::string& destination, Time now);
  /// A transaction worked (or was refused politely): the destination is alive.
  void alive(const std::string& destination);

  /// When a recipient with that many attempts goes next: [retry] delays, +-10 % jitter.
  Time retry_at(std::uint32_t attempts, Time now);
  /// Is this recipient in a job right now.
  bool is_active(QueueId message, std::uint32_t index) const;
  std::size_t active_connections() const;

 private:
  // the implementation shapes this part
};

}  // namespace queue

// What became of each recipient: the log line, the count, and the store's record, repeated until the store has taken it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "queue/message.h"
#include "relay/services.h"

namespace relay::delivery {

/// The host that was asked, for the log; empty when none was.
class Peer {
 public:
  std::string host;
  std::string address;
  std::string tls;
};

/// On the loop alone.
class Ledger {
 public:
  using Records = std::vector<queue::DeliveryRecord>;

  explicit Ledger(Services& services) : services_(services) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// One line: delivered, deferred or bounced.
  void tell(const queue::DeliveryRecord& record, std::string_view recipient, base::Time received, const Peer& peer);
  /// `done` comes when all of it is durable. A store that is full or closed is asked again every second: until then the
  /// recipients stay active, so that nothing is sent twice by this process.
  void write(queue::Recording recording, std::function<void()> done);
  /// Groups of records that the store has not taken yet.
  std::size_t unwritten() const { return unwritten_; }

 private:
  void submit(std::shared_ptr<const queue::Recording> recording, std::function<void()> done);
  Task<void> submit_later(std::shared_ptr<const queue::Recording> recording, std::function<void()> done);

  Services& services_;
  std::size_t unwritten_ = 0;
};

}  // namespace relay::delivery

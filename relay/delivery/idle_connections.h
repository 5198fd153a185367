// Open connections without work: kept a few seconds for the next mail to the same host, whatever its domain.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "dns/mx.h"
#include "relay/delivery/attempt.h"
#include "relay/services.h"

namespace relay::delivery {

/// On the loop alone.
class IdleConnections {
 public:
  explicit IdleConnections(Services& services) : services_(services) {}
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;

  /// At the point where a transaction may begin. QUIT is said when nobody takes it within three seconds.
  void keep(std::unique_ptr<Attempt> attempt);
  /// The one used last to one of these hosts that serves the destination and the wish; or null.
  std::unique_ptr<Attempt> take(const std::vector<dns::Candidate>& hosts, const Settings& settings, std::string_view destination,
                                mail::TlsWish wish);
  /// Room for another connection: the one that has waited longest ends.
  void end_one();
  void end_all();
  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Waiting(Executor loop, std::unique_ptr<Attempt> kept) : timer(loop), attempt(std::move(kept)) {}
    Timer timer;
    std::unique_ptr<Attempt> attempt;  ///< null: taken
    bool ends = false;
  };
  static void end(Waiting& waiting);
  Task<void> wait(std::shared_ptr<Waiting> waiting);

  Services& services_;
  std::list<std::shared_ptr<Waiting>> waiting_;  ///< the one used last at the end
};

}  // namespace relay::delivery

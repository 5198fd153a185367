// Behaviours on the stage: a host of its own for each, mail to it, and what became of that.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/receiver/receiver.h"
#include "tests/unit/relay/world.h"

namespace dns {
class StaticResolver;
}

namespace receiver {

/// What the log and the queue tell of a domain's mail.
struct Fate {
  std::vector<std::string> bounced;  ///< the replies
  std::string deferred;              ///< the last reply
  std::size_t waiting = 0;           ///< recipients in the queue
};
using Fates = std::map<std::string, Fate>;
Fates fates(const world::Relay& relay);

/// A body of about so many octets that has dots where they hurt.
std::string body_of(std::size_t size);

class Stage {
 public:
  Stage(Behaviour behaviour, std::size_t number, const Authority& authority);

  const Behaviour& behaviour() const { return behaviour_; }
  std::string domain() const { return domain_; }
  /// Its route, and where its hosts live.
  void add_to(conf::Config& config) const;
  void add_to(dns::StaticResolver& resolver) const;
  /// Hands in its mail.
  void send(world::Client& client) const;
  /// Messages that came with their final dot.
  std::size_t arrived() const;
  /// To its first host.
  std::size_t connections() const { return host_->connections(); }
  /// What is not yet as it must become; empty when nothing is.
  std::string missing(const Fates& fates) const;
  /// What must never be: mail that came too often, not as it was sent, or in the clear.
  std::string wrong() const;

 private:
  std::vector<Arrival> arrivals() const;

  Behaviour behaviour_;
  std::string domain_;
  std::string address_;
  std::unique_ptr<Receiver> host_;
  std::unique_ptr<Receiver> spare_;
};

}  // namespace receiver

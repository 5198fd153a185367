// The relay in a world of loopback: a configuration made in code, a table for DNS, and the Daemon on a thread of its own.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conf/config.h"
#include "relay/intake/limits.h"
#include "tests/unit/relay/client.h"
#include "tests/unit/relay/folder.h"
#include "tests/unit/relay/sink.h"

namespace dns {
class Resolver;
class StaticResolver;
}  // namespace dns
namespace relay {
class Daemon;
}

namespace world {

namespace json = boost::json;

/// Who is asked for a domain, in the order of preference: each address is a host with an MX record.
struct Zone {
  std::string domain;
  std::vector<std::string> addresses;
};
using World = std::function<void(dns::StaticResolver&)>;
/// One MX record for each address.
World zones(std::vector<Zone> zones);

/// relay.example.com on a free port with STARTTLS, trusts loopback, signs nothing, retries after 100 ms, logs to a file, sends to
/// `port`.
conf::Config config_in(const Folder& folder, std::uint16_t port);

/// Writes a key as PEM with mode 0600, and adds a [[dkim.sign]] for it.
void sign_with(conf::Config& config, const std::string& pem, const std::string& from, const std::string& domain,
               const std::string& selector);

/// How often waiting mail is looked through, when a delivery counts as stuck and is freed, and what clients are granted.
struct Pace {
  Milliseconds sweeps = std::chrono::minutes(1);
  Milliseconds stuck_after = std::chrono::hours(4);
  Milliseconds freed_after = std::chrono::minutes(5);
  relay::intake::Limits limits = {};
  Milliseconds certificate_looks = std::chrono::minutes(1);
};

class Relay {
 public:
  explicit Relay(const conf::Config& config, const World& world = {}, const std::string& config_path = {}, Pace pace = {});
  Relay(const conf::Config& config, const World& world, Pace pace) : Relay(config, world, {}, pace) {}
  Relay(std::unique_ptr<dns::Resolver> resolver, const conf::Config& config, const std::string& config_path, Pace pace);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Of the first door.
  std::uint16_t port() const { return ports_.at(0); }
  std::uint16_t port(std::size_t door) const { return ports_.at(door); }
  Client client() const { return Client(port()); }

  /// The path of SIGTERM; comes back when run() has.
  void stop();
  /// Asks for the stop and does not wait.
  void begin_stop();
  bool has_ended() const { return ended_; }
  /// Runs on the loop; comes back when it is done.
  void on_loop(const std::function<void(relay::Daemon&)>& work);

  /// The admin API: a target below /v1, which must answer 200.
  json::value get(const std::string& target) const;
  json::value post(const std::string& target, const json::value& body) const;
  json::value remove(const std::string& target) const;
  /// The words of the error of a request that must fail.
  std::string error_of(const std::string& target) const;
  std::string error_of_post(const std::string& target, const json::value& body) const;
  std::string content_of(const std::string& id) const;
  json::array rows(const std::string& query = {}) const;
  /// State of a message's recipients by index, "delivered deferred"; empty when the message is gone.
  std::string states(const std::string& id) const;
  bool empties() const;
  std::uint64_t count(const std::string& name) const;

  std::string log() const;
  bool logs(std::string_view text) const;
  std::size_t count_in_log(std::string_view text) const;

 private:
  conf::Config config_;
  std::unique_ptr<relay::Daemon> daemon_;
  std::vector<std::uint16_t> ports_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

/// The words with which Daemon::make() refuses; empty when it does not.
std::string why_not_started(const conf::Config& config);

}  // namespace world

// Large receivers as they behave: limits with the words in which they are told, and blocks. Their minutes are seconds here.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/receiver/receiver.h"

namespace dns {
class StaticResolver;
}

namespace receiver {

struct Limits {
  std::size_t connections = always;  ///< at once
  Deed over_connections = {};        ///< at the greeting
  std::size_t messages_per_connection = always;
  Deed over_messages = {};     ///< at MAIL
  std::size_t quota = always;  ///< messages; then all are refused for the pause, and it is there again
  std::chrono::milliseconds pause{0};
  Deed over_quota = {};  ///< at MAIL
  bool needs_tls = false;
};

/// Who a fake is.
struct Identity {
  std::string name;                  ///< of the profile
  std::vector<std::string> domains;  ///< its own, and those that it hosts
  std::string mx;
  std::string address;  ///< of its host
};

class Provider {
 public:
  Provider(Identity identity, Limits limits, const Authority& authority, std::uint16_t port);

  const Identity& identity() const { return identity_; }
  const Limits& limits() const { return limits_; }
  void add_to(dns::StaticResolver& resolver) const;

  /// Every MAIL is answered so until unblock().
  void block(const std::string& line);
  void unblock();
  /// Every recipient is refused when first seen, and taken after that time.
  void greylist(const std::string& line, std::chrono::milliseconds time);

  /// How often each recipient got a message.
  std::map<std::string, std::size_t> received() const;
  std::size_t arrived() const { return receiver_->arrived(); }
  /// How often a limit was told of: "connections", "messages", "quota", "block", "greylist", "tls".
  std::size_t told(const std::string& limit) const;
  /// The shortest time in which it takes so many messages.
  std::chrono::milliseconds least_time(std::size_t messages) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Deed> decide(const Moment& moment);
  std::optional<Deed> at_mail(const Moment& moment);
  std::optional<Deed> at_rcpt(const Moment& moment);
  std::optional<Deed> tell(const std::string& limit, const Deed& deed);

  Identity identity_;
  Limits limits_;
  mutable std::mutex mutex_;
  std::optional<Deed> block_;
  std::optional<Deed> greylist_;
  std::chrono::milliseconds greylist_time_{0};
  std::map<std::string, Clock::time_point> first_seen_;
  std::size_t used_ = 0;  ///< of the quota
  Clock::time_point refuses_until_ = Clock::time_point::min();
  std::map<std::string, std::size_t> told_;
  std::unique_ptr<Receiver> receiver_;  ///< last: its threads ask the others
};

/// Gmail, Outlook, Yahoo, iCloud, QQ and 163, each on an address of its own at one port, with a quota and a pause that tests can
/// wait for.
std::vector<std::unique_ptr<Provider>> large_receivers(const Authority& authority, std::uint16_t port);

}  // namespace receiver

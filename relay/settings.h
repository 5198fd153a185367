// A configuration ready for use: keys loaded, TLS contexts made. Immutable; a reload makes a new one, a session keeps the one it
// began with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "conf/config.h"
#include "dkim/signer.h"
#include "mail/address.h"
#include "queue/schedule.h"
#include "relay/intake/users.h"
#include "relay/tls.h"

namespace relay {

/// A block of [[dkim.sign]].
struct SigningKey {
  dkim::SigningRule rule;
  std::string replaces;  ///< selector of the key that it takes over from; empty: none
};

class Settings {
 public:
  conf::Config config;
  mail::Mailbox postmaster;
  std::vector<SigningKey> signing_keys;          ///< all of [[dkim.sign]]
  std::vector<dkim::SigningRule> signing_rules;  ///< of those that sign now
  dkim::SigningOptions signing_options;
  bool needs_simple_body = false;
  bool needs_relaxed_body = false;
  std::shared_ptr<TicketKeys> tickets;  ///< outlives a reload
  std::string certificate_stamp;        ///< when server_tls was made
  std::shared_ptr<TlsContext> server_tls;
  std::shared_ptr<TlsContext> client_tls;
  std::map<std::string, std::string> passwords;  ///< of routes, by their password_file
  std::shared_ptr<const intake::Users> users;    ///< of accept.users; none: AUTH is not offered
};

/// prepare makes the self-signed certificate when none is configured; check_only writes nothing (config check).
enum class SecretUse : std::uint8_t { prepare, check_only };

/// Loads keys and certificates; of signing keys those sign that replace none (relay/key_life.h knows of the others).
/// Kind::invalid names the key of the configuration, the file and the cure. A reload gives the tickets of the settings before.
base::Result<std::shared_ptr<const Settings>> make_settings(const conf::Config& config, SecretUse use = SecretUse::prepare,
                                                            std::shared_ptr<TicketKeys> tickets = nullptr);
/// The same settings with the certificate as its files are now.
base::Result<std::shared_ptr<const Settings>> with_new_certificate(const Settings& settings);

/// The same settings with other keys signing.
std::shared_ptr<const Settings> with_signing_rules(const Settings& settings, std::vector<dkim::SigningRule> rules);

queue::ScheduleOptions schedule_options(const conf::Config& config);

/// The settings of now: what a reload replaces. On the loop alone.
class CurrentSettings {
 public:
  explicit CurrentSettings(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  const std::shared_ptr<const Settings>& get() const { return settings_; }
  void set(std::shared_ptr<const Settings> settings) { settings_ = std::move(settings); }

 private:
  std::shared_ptr<const Settings> settings_;
};

}  // namespace relay

// Who may do what: the one place that decides whether a client is trusted, and what a recipient means. Pure: values in, a reply
// or leave out.
#pragma once

#include <expected>
#include <string>

#include "base/net.h"
#include "conf/config.h"
#include "mail/address.h"
#include "mail/reply.h"
#include "relay/settings.h"

namespace relay::intake {

enum class Trust : std::uint8_t { stranger, trusted };

/// Who a client is to this relay. Signing follows it, and mail that comes twice is known by it.
class Identity {
 public:
  Trust trust = Trust::stranger;
  /// What a trusted client is trusted by, the same whatever its address is now: "network 192.0.2.0/24". Empty for a stranger.
  std::string name;
  bool is_trusted() const { return trust == Trust::trusted; }
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// By accept.mynetworks; the first network that holds the client names it.
Identity identity_of(const conf::Config& config, const base::IpAddress& client);

/// Where a RCPT may go: the mailbox to queue (postmaster of this host becomes the configured one), or the refusal:
/// 550 5.7.1 for a stranger, 550 5.1.1 for an unknown local part of this host.
std::expected<mail::Mailbox, mail::Reply> may_reach(const Settings& settings, Trust trust, const mail::Mailbox& recipient);

}  // namespace relay::intake

// Who may do what: the one place that decides whether a client is trusted, as whom it may send, and what a recipient means. Pure:
// values in, a reply or leave out.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "base/net.h"
#include "conf/config.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/reply.h"
#include "relay/settings.h"

namespace relay::intake {

enum class Trust : std::uint8_t { stranger, trusted };

/// Who a client is to this relay. Signing follows it, and mail that comes twice is known by it.
class Identity {
 public:
  Trust trust = Trust::stranger;
  /// What a trusted client is trusted by, the same whatever its address is now: "network 192.0.2.0/24", "host smtp.example.net".
  /// Empty for a stranger.
  std::string name;
  bool is_trusted() const { return trust == Trust::trusted; }
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// The addresses that the host names of accept.mynetworks have now, and whose each is.
using HostAddresses = std::map<base::IpAddress, std::string>;

/// By accept.mynetworks; the first network that holds the client names it, else its host name. A client whose address is not
/// known (0.0.0.0) is a stranger.
Identity identity_of(const conf::Config& config, const HostAddresses& hosts, const base::IpAddress& client);

/// Whether a trusted client may use this reverse-path (accept.sender_domains; the null one always): nothing, or 550 5.7.1.
std::optional<mail::Reply> refuse_sender(const conf::Config& config, Trust trust, const mail::ReversePath& reverse_path);
/// The same for every address of every From: field of its message; one that is missing or cannot be read is in no domain.
std::optional<mail::Reply> refuse_author(const conf::Config& config, Trust trust, const mail::HeaderBlock& header);

/// The way that a recipient's mail goes.
enum class Way : std::uint8_t {
  outside,       ///< to the world, for a trusted client
  alias,         ///< a name of this host: what it sends on leaves with the null reverse-path
  relay_domain,  ///< to the route of a domain in accept.relay_domains, for anybody, once its host knows the recipient
};

/// Where a RCPT may go: the mailbox to queue, and on which way.
class Reach {
 public:
  mail::Mailbox mailbox;
  Way way = Way::outside;
};

/// The refusals: 550 5.7.1 for a stranger, also one who says how a host of relay_domains shall send the mail on ("a%b@c",
/// "b!a@c"), 550 5.1.1 for an unknown local part of this host. 450 4.7.1: this stranger may turn out to be a host that
/// accept.mynetworks names, whose address has changed.
std::expected<Reach, mail::Reply> may_reach(const Settings& settings, Trust trust, const mail::Mailbox& recipient);

}  // namespace relay::intake

// How a connection to a host is to be encrypted: what the configuration and the profiles of receivers say. Policies that
// receivers publish (MTA-STS, DANE) will join them here.
#pragma once

#include <string_view>

#include "conf/config.h"
#include "dns/mx.h"
#include "mail/client_session.h"

namespace relay::delivery {

struct TlsPolicy {
  mail::TlsUse use = mail::TlsUse::opportunistic;
  bool verify = false;    ///< the certificate must be good and for the host's name; with TlsUse::required only
  bool implicit = false;  ///< the handshake comes first (port 465)
  /// For mail with REQUIRETLS: encrypted, verified, and the host must offer REQUIRETLS.
  bool requiretls = false;
  bool name_is_sure = true;  ///< with requiretls: see is_name_sure()

  /// A connection that was opened so may carry what is to be sent as `needed` says.
  bool serves(const TlsPolicy& needed) const;
  friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;
};

/// What the route says, unless that is opportunistic; else the first [[shape]] with a word on it, the receiver's profile, and
/// [delivery] where no route leads. Implicit at port 465 of a host that the route names, and at least required where there is a
/// password to send. TLS-Required: No passes over the profile, which tells the receiver's will, and over no word of the
/// configuration (RFC 8689 3, 4.2.2); REQUIRETLS is above all of them (4.2.1).
TlsPolicy tls_policy(const conf::Config& config, std::string_view destination, const dns::Candidate& host, mail::TlsWish wish);

/// Whether a certificate for the host's name proves that it is a host of the destination (RFC 8689 2, 4.2.1): the name comes from
/// our configuration or from the recipient's address, so that nobody who forges DNS could have chosen it. The name in an MX
/// record becomes sure by DNSSEC or MTA-STS, of which nothing is known here yet: they will answer in this place.
bool is_name_sure(const conf::Config& config, std::string_view destination, const dns::Candidate& host);

}  // namespace relay::delivery

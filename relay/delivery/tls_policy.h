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
  friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;
};

/// What the route says, unless that is opportunistic; else the first [[shape]] with a word on it, the receiver's profile, and
/// [delivery] where no route leads. Implicit at port 465 of a host that the route names, and at least required where there is a
/// password to send.
TlsPolicy tls_policy(const conf::Config& config, std::string_view destination, const dns::Candidate& host);

}  // namespace relay::delivery

// What a reply or a failure means for the recipient, the host and the destination: one table, and nothing else decides it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "mail/client_session.h"
#include "mail/reply.h"

namespace queue {

enum class Verdict : std::uint8_t { delivered, deferred, failed };
/// Whom it concerns: this recipient, the whole transaction, this host (try the next one), the destination (it rests).
enum class Scope : std::uint8_t { recipient, message, host, destination };

struct Outcome {
  Verdict verdict = Verdict::deferred;
  Scope scope = Scope::recipient;
  /// The content was sent and no reply came: it may have been delivered; the retry waits longer.
  bool unknown_after_dot = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

enum class MoreHosts : std::uint8_t { no, yes };

/// A reply at a stage. Scope::host with Verdict::deferred and no more hosts (421 within a transaction): the recipients wait for
/// their retry, the destination does not rest.
Outcome classify(mail::Stage stage, const mail::Reply& reply, MoreHosts more_hosts);
/// No reply: time-out, closed, TLS, DNS, our own content. At Stage::connect the kind tells what was asked: Kind::refused is DNS's
/// final no (no such domain, null MX) and fails the mail, Kind::temporary is DNS without an answer; a TCP connection that was
/// refused or unreachable is Kind::closed, one that timed out Kind::timeout, an address that we have no way to
/// Kind::unsupported.
Outcome classify(mail::Stage stage, const base::Error& error, MoreHosts more_hosts);

/// From STARTTLS to what EHLO offers under TLS.
bool is_about_tls(mail::Stage stage);
/// Opening a connection for mail with REQUIRETLS came to nothing, and not only for now: this host cannot have it (RFC 8689
/// 4.2.1), for want of TLS, of a certificate to be trusted, of a name that is (Kind::unsupported), or of REQUIRETLS.
bool rules_out_requiretls(mail::Stage stage, const mail::Reply& reply);
bool rules_out_requiretls(mail::Stage stage, const base::Error& error);
/// As classify() for such a connection. What TLS fails for concerns this mail alone: with no more hosts it is returned where they
/// are ruled out, else it waits, and the destination does not rest.
Outcome classify_requiretls(mail::Stage stage, const mail::Reply& reply, MoreHosts more_hosts);
Outcome classify_requiretls(mail::Stage stage, const base::Error& error, MoreHosts more_hosts);

}  // namespace queue

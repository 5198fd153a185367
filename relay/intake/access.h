// Who may do what: the one place that decides whether a client is trusted, and what a recipient means. Pure: values in, a reply
// or leave out.
#pragma once

#include <expected>

#include "base/net.h"
#include "conf/config.h"
#include "mail/address.h"
#include "mail/reply.h"
#include "relay/settings.h"

namespace relay::intake {

enum class Trust : std::uint8_t { stranger, trusted };

/// By accept.mynetworks. Signing follows the same answer.
Trust trust_of(const conf::Config& config, const base::IpAddress& client);

/// Where a RCPT may go: the mailbox to queue (postmaster of this host becomes the configured one), or the refusal:
/// 550 5.7.1 for a stranger, 550 5.1.1 for an unknown local part of this host.
std::expected<mail::Mailbox, mail::Reply> may_reach(const Settings& settings, Trust trust, const mail::Mailbox& recipient);

}  // namespace relay::intake

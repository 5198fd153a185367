// What a receiver's refusal means, by the rules of the configuration and the built-in table of receivers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "mail/reply.h"

namespace relay {

/// What a refusal means where a rule knows it.
struct Meaning {
  const conf::ReplyRule* rule;  ///< of the configuration that was asked, or of the built-in table
  conf::ReplyScope scope;       ///< the rule's, or what it has without one
  std::optional<base::Duration>
      wait;          ///< what the reply's own words say ("try again in 300 seconds"), else the rule's; 1 s to 24 h
  std::string link;  ///< the first of the reply's own words, printable, at most 300 octets; else the rule's
};

/// The first of [[reply]], then of the built-in table, that matches; nothing for a reply that is no refusal (below 400) or that
/// no rule knows. `mx` is the host that said it; empty: unknown, so that only rules for any host match.
std::optional<Meaning> meaning_of(const conf::Config& config, std::string_view mx, const mail::Reply& reply);

}  // namespace relay

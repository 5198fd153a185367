// DKIM signing (RFC 6376 5): which keys sign a message, and the DKIM-Signature field that each of them makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "dkim/canonical.h"
#include "dkim/crypto.h"
#include "mail/address.h"
#include "mail/header.h"

namespace dkim {

/// One [[dkim.sign]] block with its key.
class SigningRule {
 public:
  /// Pattern on the author's address ("*@a.com", "news@a.com") or on its domain ("a.com", "*.a.com"), any case; "*" is all.
  std::string from;
  std::string domain;    ///< d=; "%" is the author's domain
  std::string selector;  ///< s=
  PrivateKey key;
  std::string identity = {};  ///< i=, "@news.a.com" or "x@a.com", at d= or below it; empty: not written
};

struct SigningOptions {
  CanonicalizationPair canonicalization = {};
  /// Names to sign where they occur; empty: recommended_fields(). From is always signed; fields that may change or vanish on the
  /// way (Received, Return-Path, Bcc, signatures, results) never are.
  std::vector<std::string> sign_headers = {};
  /// Names listed once more than they occur, so that nobody can add one; signed even when not in sign_headers. "recommended"
  /// stands for the fields that a reader is shown or that decide how the body is read, "none" for nothing.
  std::vector<std::string> oversign = {"From"};
  /// x= is so much later than t=; nothing: no x=.
  std::optional<base::Duration> lifetime = {};
};

/// What is signed by default: RFC 6376 5.4.1, what tells how the body is read, List-Unsubscribe-Post (RFC 8058) and Feedback-ID.
const std::vector<std::string>& recommended_fields();

/// Rules for this author, in their order: of several that match with the same selector only the first. An author without a domain
/// of its own (none, or an address literal) matches no rule with domain "%".
std::vector<const SigningRule*> matching_rules(const std::vector<SigningRule>& rules, const mail::Mailbox& author);

/// The whole field "DKIM-Signature: ...\r\n", folded at 78 columns where possible, no l=, with t=.
/// `header` is the message as it will be sent without this field. Fields are chosen bottom-up (RFC 6376 5.4.2).
/// Kind::invalid when the header has no From, or the rule's domain, selector or identity or a name to sign is none.
Result<std::string> make_signature(const SigningRule& rule, const SigningOptions& options, const mail::HeaderBlock& header,
                                   const Digest& body_hash, const mail::Mailbox& author, base::Time now);

}  // namespace dkim

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
  std::string from;  ///< pattern on the From: address ("*@a.com", "news@a.com") or on its domain ("a.com", "*.a.com"); "*" is all
  std::string domain;    ///< d=; "%" is the From: domain
  std::string selector;  ///< s=
  PrivateKey key;
};

struct SigningOptions {
  CanonicalizationPair canonicalization;
  std::vector<std::string> sign_headers;  ///< empty: the recommended set of RFC 6376 5.4.1 and List-* of RFC 8058
  std::vector<std::string> oversign;      ///< names signed once more than they occur; "recommended" and "none" as in the manual
};

/// Rules for this author: first match per selector wins; in the order of the rules.
std::vector<const SigningRule*> matching_rules(const std::vector<SigningRule>& rules, const mail::Mailbox& author);

/// The whole field "DKIM-Signature: ...\r\n", folded at 78 columns where possible, no l=, with t=.
/// `header` is the message as it will be sent without this field. Fields are chosen bottom-up (RFC 6376 5.4.2).
Result<std::string> make_signature(const SigningRule& rule, const SigningOptions& options, const mail::HeaderBlock& header,
                                   const Digest& body_hash, const mail::Mailbox& author, base::Time now);

}  // namespace dkim

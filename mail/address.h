// Addresses of the envelope (RFC 5321 4.1.2, 4.1.3): Mailbox and ReversePath, parsed and printed.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mail {

using base::Result;

/// A domain in the one form in which domains are compared, stored and looked up: LDH labels of 1-63 octets in lower case, at most
/// 255 in all, no final dot (RFC 5321 4.1.2, 4.5.3.1.2); U-labels become A-labels (RFC 6531 3.2).
Result<std::string> parse_domain(std::string_view text);

/// local-part@domain. The local part is kept unquoted and in the case it came in; the domain in lower case, with A-labels. An
/// address literal stands in domain() with its brackets. The bare "postmaster" has an empty domain (RFC 5321 4.5.1).
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(std::string local_part, std::string domain);

  /// addr-spec without angle brackets, ASCII or UTF-8 (RFC 6531 3.3); local part at most 64 octets, the whole at most 254.
  /// Kind::unsupported: other than ASCII and not to be understood.
  static Result<Mailbox> parse(std::string_view text);

  const std::string& local_part() const { return local_part_; }
  const std::string& domain() const { return domain_; }
  /// The local part is: nobody needs SMTPUTF8 for it.
  bool is_ascii() const;
  bool has_literal() const { return !domain_.empty() && domain_.front() == '['; }
  /// As it goes on the wire, the local part quoted where it must be; parse(to_string()) gives the same value.
  std::string to_string() const;
  /// The same with U-labels in place of A-labels (RFC 6531 3.7.1): on the wire beside SMTPUTF8, and in a notice.
  std::string to_utf8() const;

  friend auto operator<=>(const Mailbox&, const Mailbox&) = default;

 private:
  std::string local_part_;
  std::string domain_;
};

/// Puts into `text` what Mailbox(local_part, domain).to_string() gives, for a domain in lower case: without a Mailbox, for very
/// many.
void print_mailbox(std::string& text, std::string_view local_part, std::string_view domain);

/// Where a failure is told: a mailbox, or nobody ("<>").
class ReversePath {
 public:
  ReversePath() = default;  ///< the null reverse-path
  explicit ReversePath(Mailbox mailbox) : mailbox_(std::move(mailbox)) {}

  bool is_null() const { return !mailbox_.has_value(); }
  /// Only when not null.
  const Mailbox& mailbox() const { return *mailbox_; }
  /// Without angle brackets; empty for the null reverse-path.
  std::string to_string() const;
  /// The reverse of to_string().
  static Result<ReversePath> parse(std::string_view text);

  friend bool operator==(const ReversePath&, const ReversePath&) = default;

 private:
  std::optional<Mailbox> mailbox_;
};

}  // namespace mail

// Choosing keys and fields, and writing the DKIM-Signature field.
#include "dkim/signer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dkim/header_hash.h"
#include "dkim/tag_list.h"

namespace dkim {
namespace {

using base::equal_ignoring_case;
using base::fail;
using base::Kind;

constexpr std::size_t line_columns = 78;  // RFC 5322 2.1.1
constexpr std::string_view fold = "\r\n ";

/// Oversigned by "recommended": a second one of these would be shown, or would change what is shown.
constexpr std::array<std::string_view, 10> recommended_oversign{
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

/// Never signed, whatever the configuration lists: the way of a message adds, changes or removes them (RFC 6376 5.4.1).
constexpr std::array<std::string_view, 9> never_signed{"Received",
                                                       "Return-Path",
                                                       "DKIM-Signature",
                                                       "Bcc",
                                                       "Authentication-Results",
                                                       "Resent-Bcc",
                                                       "ARC-Seal",
                                                       "ARC-Message-Signature",
                                                       "ARC-Authentication-Results"};

/// A field that is folded while it is written.
class FoldedField {
 public:
  explicit FoldedField(std::string start) : text_(std::move(start)), column_(text_.size()) {}

  /// Puts `piece` behind `gap` on this line, or without it on the next when it would pass the last column.
  void append(std::string_view gap, std::string_view piece) {
    if (column_ + gap.size() + piece.size() > line_columns) {
      start_line();
    } else {
      add(gap);
    }
    add(piece);
  }

  /// Fills line after line: folds may stand anywhere in it.
  void append_base64(std::string_view text) {
    while (!text.empty()) {
      if (column_ >= line_columns) start_line();
      const std::string_view part = text.substr(0, line_columns - column_);
      add(part);
      text.remove_prefix(part.size());
    }
  }

  const std::string& text() const { return text_; }

 private:
  void start_line() {
    text_ += fold;
    column_ = 1;
  }
  void add(std::string_view text) {
    text_ += text;
    column_ += text.size();
  }

  std::string text_;
  std::size_t column_;
};

bool lists(const auto& names, std::string_view name) {
  return std::ranges::any_of(names, [name](std::string_view entry) { return equal_ignoring_case(entry, name); });
}

/// The names that the configuration asks for, each once, From first.
std::vector<std::string> with_from(std::vector<std::string> names) {
  if (!lists(names, "From")) names.insert(names.begin(), "From");
  return names;
}

std::vector<std::string> names_to_oversign(const std::vector<std::string>& oversign) {
  std::vector<std::string> names;
  for (const std::string& name : oversign) {
    if (equal_ignoring_case(name, "none")) continue;
    if (equal_ignoring_case(name, "recommended")) {
      names.insert(names.end(), recommended_oversign.begin(), recommended_oversign.end());
    } else {
      names.push_back(name);
    }
  }
  return names;
}

/// h=: each name as often as it occurs, oversigned ones once more.
std::vector<std::string> names_to_sign(const SigningOptions& options, const mail::HeaderBlock& header) {
  std::vector<std::string> candidates = with_from(options.sign_headers.empty() ? recommended_fields() : options.sign_headers);
  const std::vector<std::string> oversign = names_to_oversign(options.oversign);
  candidates.insert(candidates.end(), oversign.begin(), oversign.end());
  std::vector<std::string> names;
  for (auto name = candidates.begin(); name != candidates.end(); ++name) {
    if (lists(never_signed, *name) || lists(std::ranges::subrange(candidates.begin(), name), *name)) continue;
    const std::size_t mentions = header.count(*name) + (lists(oversign, *name) ? 1 : 0);
    names.insert(names.end(), mentions, *name);
  }
  return names;
}

/// The field up to and with "b=".
FoldedField unsigned_field(const SigningRule& rule, const std::string& domain, const SigningOptions& options,
                           const std::vector<std::string>& names, const Digest& body_hash, base::Time now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::string hash(body_hash.begin(), body_hash.end());
  FoldedField field("DKIM-Signature:");
  field.append(" ", "v=1;");
  field.append(" ", fmt::format("a={};", to_string(rule.key.algorithm())));
  field.append(" ", fmt::format("c={};", to_string(options.canonicalization)));
  field.append(" ", fmt::format("d={};", domain));
  field.append(" ", fmt::format("s={};", rule.selector));
  if (!rule.identity.empty()) field.append(" ", fmt::format("i={};", rule.identity));
  field.append(" ", fmt::format("t={};", seconds));
  if (options.lifetime) {
    field.append(" ", fmt::format("x={};", seconds + std::chrono::ceil<std::chrono::seconds>(*options.lifetime).count()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    field.append(i == 0 ? " " : "", fmt::format("{}{}{}", i == 0 ? "h=" : "", names[i], i + 1 == names.size() ? ';' : ':'));
  }
  field.append(" ", fmt::format("bh={};", base::base64_encode(hash)));
  field.append(" ", "b=");
  return field;
}

/// Whether i= may stand beside d= (RFC 6376 3.5); only plain characters, which need no encoding.
bool fits(std::string_view identity, std::string_view domain) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/?^_`{|}~.";
  const std::size_t at = identity.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view local_part = identity.substr(0, at);
  if (local_part.find_first_not_of(plain) != std::string_view::npos) return false;
  const std::string own = base::lower(identity.substr(at + 1));
  return is_dns_name(own) && (own == domain || own.ends_with(fmt::format(".{}", domain)));
}

bool matches(const SigningRule& rule, const mail::Mailbox& author) {
  if (rule.domain == "%" && (author.domain().empty() || author.has_literal())) return false;
  const std::size_t at = rule.from.rfind('@');
  if (at == std::string::npos) return base::matches_pattern(rule.from, author.domain());
  const std::string_view pattern(rule.from);
  return base::matches_pattern(pattern.substr(0, at), author.local_part()) &&
         base::matches_pattern(pattern.substr(at + 1), author.domain());
}

}  // namespace

const std::vector<std::string>& recommended_fields() {
  static const std::vector<std::string> names{"From",
                                              "Sender",
                                              "Reply-To",
                                              "Subject",
                                              "Date",
                                              "Message-ID",
                                              "To",
                                              "Cc",
                                              "MIME-Version",
                                              "Content-Type",
                                              "Content-Transfer-Encoding",
                                              "Content-ID",
                                              "Content-Description",
                                              "Content-Disposition",
                                              "In-Reply-To",
                                              "References",
                                              "Resent-Date",
                                              "Resent-From",
                                              "Resent-Sender",
                                              "Resent-To",
                                              "Resent-Cc",
                                              "Resent-Message-ID",
                                              "List-Id",
                                              "List-Help",
                                              "List-Unsubscribe",
                                              "List-Unsubscribe-Post",
                                              "List-Subscribe",
                                              "List-Post",
                                              "List-Owner",
                                              "List-Archive",
                                              "Feedback-ID"};
  return names;
}

std::vector<const SigningRule*> matching_rules(const std::vector<SigningRule>& rules, const mail::Mailbox& author) {
  std::vector<const SigningRule*> chosen;
  for (const SigningRule& rule : rules) {
    const bool taken = std::ranges::any_of(
        chosen, [&rule](const SigningRule* other) { return equal_ignoring_case(other->selector, rule.selector); });
    if (!taken && matches(rule, author)) chosen.push_back(&rule);
  }
  return chosen;
}

Result<std::string> make_signature(const SigningRule& rule, const SigningOptions& options, const mail::HeaderBlock& header,
                                   const Digest& body_hash, const mail::Mailbox& author, base::Time now) {
  const std::string domain = base::lower(rule.domain == "%" ? author.domain() : rule.domain);
  if (!is_dns_name(domain)) return fail(Kind::invalid, fmt::format("\"{}\" is no domain to sign for", base::printable(domain)));
  if (!is_dns_name(rule.selector))
    return fail(Kind::invalid, fmt::format("\"{}\" is no selector", base::printable(rule.selector)));
  if (!rule.identity.empty() && !fits(rule.identity, domain)) {
    return fail(Kind::invalid, fmt::format("i={} is not at {} or below it", base::printable(rule.identity), domain));
  }
  if (header.count("From") == 0) return fail(Kind::invalid, "a message without From cannot be signed");
  const std::vector<std::string> names = names_to_sign(options, header);
  if (const auto bad = std::ranges::find_if_not(names, is_field_name); bad != names.end()) {
    return fail(Kind::invalid, fmt::format("\"{}\" is no name of a header field", base::printable(*bad)));
  }
  FoldedField field = unsigned_field(rule, domain, options, names, body_hash, now);
  const Digest hash = header_hash(options.canonicalization.header, header, names, field.text());
  const Result<std::string> signature = rule.key.sign(hash);
  if (!signature) return std::unexpected(signature.error());
  field.append_base64(base::base64_encode(*signature));
  return field.text() + "\r\n";
}

}  // namespace dkim

// Addresses of the envelope: one pass over the grammar of RFC 5321 4.1.2, and the shortest spelling back.
#include "mail/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/idn.h"
#include "base/net.h"
#include "base/text.h"
#include "mail/encoding.h"

namespace mail {
namespace {

using base::fail;
using base::Kind;

constexpr std::size_t longest_label = 63;       // RFC 1035 2.3.4
constexpr std::size_t longest_domain = 255;     // RFC 5321 4.5.3.1.2
constexpr std::size_t longest_local_part = 64;  // RFC 5321 4.5.3.1.1, as it is printed
constexpr std::size_t longest_mailbox = 254;    // RFC 5321 4.5.3.1.3 without the angle brackets
constexpr std::string_view ipv6_tag = "IPv6:";  // RFC 5321 4.1.3

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80U; }

bool is_printable(char c) { return (c >= ' ' && c <= '~') || is_beyond_ascii(c); }

/// atext of RFC 5322 3.2.3, with what RFC 6531 3.3 adds.
bool is_atom_octet(char c) {
  constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
  return is_alphanumeric(c) || is_beyond_ascii(c) || others.find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atom_octet(c)) return false;
    before = c;
  }
  return before != '.';
}

std::unexpected<base::Error> bad_address(std::string_view text, std::string_view why) {
  return fail(Kind::invalid, fmt::format("\"{}\": {}", base::printable(text), why));
}

std::unexpected<base::Error> not_understood(std::string_view text, std::string_view why) {
  return fail(Kind::unsupported, fmt::format("\"{}\": {}", base::printable(text), why));
}

/// What a Quoted-string at the start of `text` means, and behind its closing quote the rest.
struct QuotedString {
  std::string content;
  std::string_view rest;
};
std::optional<QuotedString> read_quoted_string(std::string_view text) {
  QuotedString quoted;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted.rest = text.substr(i + 1);
      return quoted;
    }
    if (text[i] == '\\') ++i;
    if (i < text.size()) quoted.content += text[i];
  }
  return std::nullopt;
}

void print_local_part(std::string& text, std::string_view local_part) {
  if (is_dot_string(local_part)) {
    text += local_part;
    return;
  }
  text += '"';
  for (const char c : local_part) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

/// "[192.0.2.1]" or "[IPv6:2001:db8::1]", in one spelling for each address.
Result<std::string> parse_address_literal(std::string_view text) {
  const bool closed = text.size() > 2 && text.back() == ']';
  std::string_view inside = closed ? text.substr(1, text.size() - 2) : std::string_view();
  const bool tagged = base::starts_with_ignoring_case(inside, ipv6_tag);
  if (tagged) inside.remove_prefix(ipv6_tag.size());
  auto address = base::IpAddress::parse(inside);
  const bool has_colon = inside.find(':') != std::string_view::npos;
  if (!address || tagged != has_colon) return bad_address(text, "not an address literal");
  return address->to_literal();
}

}  // namespace

Result<std::string> parse_domain(std::string_view text) {
  if (text.empty()) return fail(Kind::invalid, "the domain is missing");
  if (!base::is_ascii(text)) {
    const auto ascii = base::to_a_labels(text);
    return ascii ? parse_domain(*ascii) : not_understood(text, "not an internationalised domain name");
  }
  if (text.size() > longest_domain) return fail(Kind::invalid, fmt::format("a domain has at most {} octets", longest_domain));
  for (const std::string_view label : base::split(text, '.')) {
    if (label.empty()) return bad_address(text, "a domain has no empty label");
    if (label.size() > longest_label) return bad_address(text, "a label of a domain has at most 63 octets");
    const bool plain = std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
    if (!plain || label.front() == '-' || label.back() == '-') return bad_address(text, "not a domain");
  }
  return base::lower(text);
}

Mailbox::Mailbox(std::string local_part, std::string domain)
    : local_part_(std::move(local_part)), domain_(domain.starts_with('[') ? std::move(domain) : base::lower(domain)) {}

Result<Mailbox> Mailbox::parse(std::string_view text) {
  if (!is_utf8(text)) return not_understood(text, "not UTF-8");
  if (!std::ranges::all_of(text, is_printable)) return bad_address(text, "control characters do not belong in an address");
  if (base::equal_ignoring_case(text, "postmaster")) return Mailbox(std::string(text), {});

  std::string local_part;
  std::string_view rest;
  if (text.starts_with('"')) {
    auto quoted = read_quoted_string(text);
    if (!quoted) return bad_address(text, "the quoted local part does not end");
    local_part = std::move(quoted->content);
    rest = quoted->rest;
  } else {
    const std::size_t at = std::min(text.find('@'), text.size());
    local_part = text.substr(0, at);
    rest = text.substr(at);
    if (!is_dot_string(local_part)) return bad_address(text, "not a local part");
  }
  if (!rest.starts_with('@')) return bad_address(text, "the domain is missing");
  rest.remove_prefix(1);
  auto domain = rest.starts_with('[') ? parse_address_literal(rest) : parse_domain(rest);
  if (!domain) return std::unexpected(domain.error());

  std::string printed;
  print_local_part(printed, local_part);
  const std::size_t local_octets = printed.size();
  if (local_octets > longest_local_part) return bad_address(text, "a local part has at most 64 octets");
  if (local_octets + 1 + domain->size() > longest_mailbox) return bad_address(text, "an address has at most 254 octets");
  return Mailbox(std::move(local_part), std::move(*domain));
}

void print_mailbox(std::string& text, std::string_view local_part, std::string_view domain) {
  text.clear();
  if (domain.empty()) {
    text += local_part;
    return;
  }
  print_local_part(text, local_part);
  text += '@';
  text += domain;
}

std::string Mailbox::to_string() const {
  std::string text;
  print_mailbox(text, local_part_, domain_);
  return text;
}

bool Mailbox::is_ascii() const { return base::is_ascii(local_part_); }

std::string Mailbox::to_utf8() const {
  std::string text;
  print_mailbox(text, local_part_, has_literal() ? domain_ : base::to_u_labels(domain_));
  return text;
}

std::string ReversePath::to_string() const { return is_null() ? std::string() : mailbox_->to_string(); }

Result<ReversePath> ReversePath::parse(std::string_view text) {
  if (text.empty()) return ReversePath();
  auto mailbox = Mailbox::parse(text);
  if (!mailbox) return std::unexpected(mailbox.error());
  return ReversePath(std::move(*mailbox));
}

}  // namespace mail

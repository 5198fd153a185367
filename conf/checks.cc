// Checks of single values; their words say what to write instead.
#include "conf/checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/idn.h"
#include "base/text.h"
#include "conf/receivers.h"
#include "mail/address.h"

namespace conf {
namespace {

/// sun_path without its final NUL.
constexpr std::size_t longest_socket_path = 107;

std::string shown(std::string_view text) { return fmt::format("\"{}\"", base::printable(text)); }

bool is_ip_address(std::string_view text) { return base::IpAddress::parse(text).has_value(); }

/// No domain of the Internet has a top label of digits; an address mistyped does.
bool ends_in_digits(std::string_view domain) {
  const std::string_view label = domain.substr(domain.rfind('.') + 1);
  return std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

/// Brings `text` to the domain's normal form.
std::string normalize_domain(std::string& text, std::string_view example) {
  if (is_ip_address(text)) return fmt::format("{} is an address; write a name like {}", shown(text), example);
  auto domain = mail::parse_domain(text);
  if (!domain || ends_in_digits(*domain)) return fmt::format("{} is not a domain name; write it like {}", shown(text), example);
  text = std::move(*domain);
  return "";
}

/// Brings a domain in which "*" and "?" may stand to its normal form; false: it is none.
bool normalize_domain_pattern(std::string& text) {
  auto pattern = base::pattern_to_a_labels(text);
  if (!pattern) return false;
  text = std::move(*pattern);
  std::string filled = text;
  std::ranges::replace_if(filled, [](char c) { return c == '*' || c == '?'; }, 'x');
  return mail::parse_domain(filled).has_value();
}

enum class IpVersion : std::uint8_t { v4, v6 };

std::string check_address(const std::string& text, IpVersion version) {
  if (text.empty()) return "";
  auto address = base::IpAddress::parse(text);
  if (!address || address->is_v6() != (version == IpVersion::v6)) {
    return fmt::format("{} is not an {} address", shown(text), version == IpVersion::v6 ? "IPv6" : "IPv4");
  }
  const auto& octets = address->octets();
  if (std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; })) {
    return fmt::format("{} is no address to send from; write \"\" to let the system choose", shown(text));
  }
  return "";
}

template <class T>
Check<T> between_values(T least, T most, std::string (*spell)(T)) {
  return [=](const T& value) -> std::string {
    if (value >= least && value <= most) return "";
    return fmt::format("{} is not between {} and {}", spell(value), spell(least), spell(most));
  };
}

}  // namespace

Check<std::uint64_t> between(std::uint64_t least, std::uint64_t most) {
  return between_values<std::uint64_t>(least, most, [](std::uint64_t value) { return fmt::format("{}", value); });
}
Check<Bytes> between(Bytes least, Bytes most) {
  return between_values<Bytes>(least, most, [](Bytes value) { return base::to_string(value); });
}
Check<std::optional<Duration>> if_set(Check<Duration> check) {
  return [check = std::move(check)](std::optional<Duration>& value) { return value ? check(*value) : std::string(); };
}
Check<Duration> between(Duration least, Duration most) {
  return between_values<Duration>(least, most, [](Duration value) { return base::to_string(value); });
}

std::string check_port(std::uint16_t& port) { return port == 0 ? "the port is from 1 to 65535" : ""; }

std::string check_hostname(std::string& name) {
  constexpr std::string_view example = "\"mail.example.com\"";
  if (auto wrong = normalize_domain(name, example); !wrong.empty()) return wrong;
  if (name.find('.') != std::string::npos || name == "localhost") return "";
  return fmt::format("{} is not fully qualified; write the whole name, like {}", shown(name), example);
}

std::string check_domain(std::string& name) { return normalize_domain(name, "\"example.com\""); }

std::string check_postmaster(std::string& address) {
  auto mailbox = mail::Mailbox::parse(address);
  if (mailbox && !mailbox->domain().empty() && !mailbox->has_literal()) {
    address = mailbox->to_string();
    return "";
  }
  return fmt::format("{} is not a mailbox at a domain; write it like \"admin@example.com\"", shown(address));
}

std::string check_sender_domain(std::string& pattern) {
  const std::string_view wildcard = pattern.starts_with("*.") ? "*." : "";
  std::string domain = pattern.substr(wildcard.size());
  if (normalize_domain(domain, "").empty()) {
    pattern = fmt::format("{}{}", wildcard, domain);
    return "";
  }
  return fmt::format("{} is not a domain; write it like \"example.com\", or \"*.example.com\" for those below it",
                     shown(pattern));
}

std::string check_aliases(Aliases& aliases) {
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    const auto& [name, target] = aliases[i];
    if (name == "postmaster") return "\"postmaster\" goes where the key postmaster says; set that one";
    if (name.find('@') != std::string::npos || !mail::Mailbox::parse(fmt::format("{}@example.com", name))) {
      return fmt::format("{} is not a local part; write it like \"abuse\"", shown(name));
    }
    const bool twice = std::ranges::any_of(aliases.begin(), aliases.begin() + static_cast<std::ptrdiff_t>(i),
                                           [&](const Alias& earlier) { return earlier.local_part == name; });
    if (twice) return fmt::format("{} is there twice; small and capital letters are the same here", shown(name));
    if (base::equal_ignoring_case(target, "postmaster")) continue;
    auto mailbox = mail::Mailbox::parse(target);
    if (mailbox && !mailbox->domain().empty() && !mailbox->has_literal()) continue;
    return fmt::format("{} = {}: write \"postmaster\", or a mailbox like \"admin@example.com\"", shown(name), shown(target));
  }
  return "";
}

std::string check_key_pin(std::string& pin) {
  constexpr std::string_view prefix = "sha256:";
  constexpr std::size_t digits = 64;
  std::ranges::transform(pin, pin.begin(), base::to_lower);
  const bool right = pin.starts_with(prefix) && pin.size() == prefix.size() + digits &&
                     pin.find_first_not_of("0123456789abcdef", prefix.size()) == std::string::npos;
  return right ? "" : fmt::format("{} is not \"sha256:\" and the 64 hex digits of a public key's digest", shown(pin));
}

std::string check_path(std::string& path) { return path.empty() ? "the path is empty" : ""; }

std::string check_socket_path(std::string& path) {
  if (path.size() > longest_socket_path) {
    return fmt::format("the path of a socket has at most {} octets, this one {}", longest_socket_path, path.size());
  }
  return check_path(path);
}

std::string check_submit_path(std::string& path) { return path.empty() ? "" : check_socket_path(path); }

std::string check_ipv4(std::string& address) { return check_address(address, IpVersion::v4); }
std::string check_ipv6(std::string& address) { return check_address(address, IpVersion::v6); }

std::string check_canonicalization(std::string& form) {
  constexpr std::array<std::string_view, 4> forms{"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"};
  if (std::ranges::find(forms, form) != forms.end()) return "";
  return fmt::format("{} is not one of \"{}\", \"{}\", \"{}\", \"{}\"", shown(form), forms[0], forms[1], forms[2], forms[3]);
}

std::string check_field_name(std::string& name) {
  const bool right =
      !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F && c != ':' && c != ';'; });
  return right ? "" : fmt::format("{} is not the name of a header field; write it without colon, like \"Subject\"", shown(name));
}

std::string check_oversign(std::vector<std::string>& names) {
  const bool none = std::ranges::any_of(names, [](const std::string& name) { return base::equal_ignoring_case(name, "none"); });
  return none && names.size() > 1 ? "\"none\" stands alone; remove it or the others" : "";
}

std::string check_from_pattern(std::string& pattern) {
  const std::size_t at = pattern.rfind('@');
  const std::string_view local = at == std::string::npos ? "*" : std::string_view(pattern).substr(0, at);
  std::string domain = pattern.substr(at == std::string::npos ? 0 : at + 1);
  const bool local_right = !local.empty() && std::ranges::all_of(local, [](char c) { return c > ' ' && c < 0x7F && c != '@'; });
  const bool is_right = local_right && normalize_domain_pattern(domain);
  if (is_right && !base::is_ascii(pattern)) pattern = at == std::string::npos ? domain : fmt::format("{}@{}", local, domain);
  if (is_right) return "";
  return fmt::format("{} matches no address; write it like \"*@example.com\", \"news@example.com\", \"*.example.com\" or \"*\"",
                     shown(pattern));
}

std::string check_signing_domain(std::string& domain) {
  if (domain == "%") return "";
  return normalize_domain(domain, "\"example.com\", or \"%\" for the domain of the From: address");
}

std::string check_selector(std::string& selector) {
  auto labels = mail::parse_domain(selector);
  if (!labels) return fmt::format("{} is not a selector; write letters, digits and hyphens, like \"s1\"", shown(selector));
  selector = std::move(*labels);
  return "";
}

std::string check_replaced(std::string& selector) { return selector.empty() ? "" : check_selector(selector); }

std::string check_identity(std::string& identity) {
  if (identity.empty()) return "";
  const std::size_t at = identity.rfind('@');
  const std::string whole = at == 0 ? "x" + identity : identity;
  const auto mailbox = mail::Mailbox::parse(whole);
  // Quoted local parts would have to be encoded in the tag; nobody needs them there.
  const bool right = at != std::string::npos && mailbox && !mailbox->has_literal() && mailbox->to_string().front() != '"' &&
                     base::is_ascii(identity) && identity.find(';') == std::string::npos &&
                     identity.find('=') == std::string::npos;
  if (right) return "";
  return fmt::format("{} is no identity; write it like \"@example.com\" or \"news@example.com\"", shown(identity));
}

std::string check_domain_pattern(std::string& pattern) {
  if (!is_ip_address(pattern) && normalize_domain_pattern(pattern)) return "";
  return fmt::format("{} matches no domain; write it like \"example.com\", \"*.example.com\" or \"*\"", shown(pattern));
}

std::string check_shape_pattern(std::string& pattern) { return pattern.empty() ? "" : check_domain_pattern(pattern); }

std::string check_route_host(std::string& host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  std::string name = host.substr(0, has_port ? colon : std::string::npos);
  if (is_ip_address(name) || is_ip_address(host)) {
    return fmt::format("{}: write the address in brackets, like \"[192.0.2.1]:25\"", shown(host));
  }
  const auto port = base::parse_number(has_port ? std::string_view(host).substr(colon + 1) : "25");
  if (!port || *port < 1 || *port > 65535) return fmt::format("{}: the port is from 1 to 65535", shown(host));
  const bool bracketed = name.starts_with('[') && name.ends_with(']');
  const auto domain = mail::parse_domain(name);
  const bool right =
      bracketed ? is_ip_address(std::string_view(name).substr(1, name.size() - 2)) : domain.has_value() && !ends_in_digits(name);
  if (!right)
    return fmt::format("{} is not a host; write it like \"smtp.example.com:25\", \"[192.0.2.1]:25\" or \"mx\"", shown(host));
  host = bracketed ? base::lower(host) : *domain + host.substr(name.size());
  return "";
}

std::string check_fallback_host(std::string& host) {
  if (host == "mx") return "\"mx\" is no host to fall back on; write it like \"relay.example.com:465\"";
  return check_route_host(host);
}

std::string check_username(std::string& name) {
  constexpr std::size_t longest = 255;  // RFC 4616 2
  if (name.size() > longest) return fmt::format("longer than {} octets", longest);
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; })) return "holds a control character";
  return "";
}

std::string check_date(std::string& date) {
  if (date.empty() || base::parse_date(date)) return "";
  return fmt::format("{} is no day; write it like \"2026-12-01\"", shown(date));
}

std::string check_status(std::string& status) {
  if (parse_status_range(status)) return "";
  return fmt::format("{} is no enhanced status code; write it like \"5.7.1\" or \"4.7.500-4.7.699\"", shown(status));
}

std::string check_reply_text(std::string& text) {
  if (base::trim(text).empty()) return "empty: it stands in every reply";
  text = base::lower(text);
  return "";
}

std::string check_record_name(std::string& record) {
  constexpr std::array known = {"", "ptr", "spf", "dkim", "dmarc", "tls", "ipv6", "soa", "from"};
  if (std::ranges::find(known, record) != known.end()) return "";
  return fmt::format("{} is not one of \"{}\"", shown(record), fmt::join(std::span(known).subspan(1), "\", \""));
}

std::string check_command(std::string& command) {
  if (command.empty() || command.starts_with('/')) return "";
  return fmt::format("{} does not begin with the program's absolute path, like \"/usr/local/bin/notify\"", shown(command));
}

std::string check_hosts(std::vector<std::string>& hosts) {
  return hosts.empty() ? "the list is empty; write at least one host" : "";
}

std::string check_delays(std::vector<Duration>& delays) {
  return delays.empty() ? "the list is empty; write at least one delay, like \"5m\"" : "";
}

}  // namespace conf

// Reading and showing of single values.
#include "conf/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "mail/address.h"

namespace conf {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array log_levels{"debug"sv, "info"sv, "warning"sv, "error"sv};
constexpr std::array log_formats{"text"sv, "json"sv};
constexpr std::array listen_tls{"none"sv, "starttls"sv, "implicit"sv};
constexpr std::array tls_minimums{"1.0"sv, "1.2"sv, "1.3"sv};
constexpr std::array bare_newlines{"normalize"sv, "reject"sv};
constexpr std::array malformed_mail{"reject"sv, "pass"sv};
constexpr std::array long_lines{"reencode"sv, "reject"sv, "pass"sv};
constexpr std::array traces{"full"sv, "private"sv, "strip"sv};
constexpr std::array dkim_modes{"off"sv, "sign"sv, "verify"sv, "sign+verify"sv};
constexpr std::array sign_failures{"accept"sv, "tempfail"sv, "reject"sv};
constexpr std::array unsigned_mail{"accept"sv, "reject"sv};
constexpr std::array delivery_tls{"off"sv, "opportunistic"sv, "required"sv, "verified"sv};
constexpr std::array reply_actions{"retry"sv, "throttle"sv, "fix"sv, "stop"sv, "pause"sv};
constexpr std::array reply_scopes{"receiver"sv, "domain"sv, "sender"sv, "recipient"sv};
constexpr std::array ip_versions{"ipv4-first"sv, "ipv6-first"sv, "ipv4-only"sv, "ipv6-only"sv};

std::string shown(std::string_view text) { return fmt::format("\"{}\"", base::printable(text)); }

/// Text that a value can be made of; control characters are never meant.
const std::string* read_text(const Node& node, Place& place, std::string_view what) {
  const std::string* text = node.text();
  if (text == nullptr) {
    place.complain_of_type(node, what);
    return nullptr;
  }
  const bool strange = std::ranges::any_of(*text, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; });
  if (!strange) return text;
  place.complain(node, shown(*text) + " has a control character");
  return nullptr;
}

/// The value that `parse` makes of text in quotes.
template <class T, class Parse>
std::optional<T> read_parsed(const Node& node, Place& place, std::string_view what, Parse parse) {
  const std::string* text = read_text(node, place, what);
  if (text == nullptr) return std::nullopt;
  base::Result<T> value = parse(*text);
  if (value) return std::move(*value);
  place.complain(node, value.error().words);
  return std::nullopt;
}

std::optional<std::string_view> nearest_word(std::string_view text, std::span<const std::string_view> words) {
  constexpr std::size_t farthest = 2;
  for (const std::string_view word : words) {
    if (base::edit_distance(base::lower(text), word) <= farthest && word.size() > farthest) return word;
  }
  return std::nullopt;
}

/// A name that somebody put where addresses stand.
bool is_host_name(std::string_view text) {
  auto domain = mail::parse_domain(text);
  if (!domain) return false;
  return std::ranges::any_of(*domain, [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

void Place::complain_of_type(const Node& node, std::string_view what) {
  std::string found = std::string(type_name(node));
  if (node.text() != nullptr) found = "the text " + shown(*node.text());
  complain(node, fmt::format("expected {}, not {}", what, found));
}

EnumWords words_of(LogLevel) { return EnumWords{log_levels}; }
EnumWords words_of(LogFormat) { return EnumWords{log_formats}; }
EnumWords words_of(ListenTls) { return EnumWords{listen_tls}; }
EnumWords words_of(TlsMinimum) { return EnumWords{tls_minimums}; }
EnumWords words_of(BareNewline) { return EnumWords{bare_newlines}; }
EnumWords words_of(Malformed) { return EnumWords{malformed_mail}; }
EnumWords words_of(LongLines) { return EnumWords{long_lines}; }
EnumWords words_of(Trace) { return EnumWords{traces}; }
EnumWords words_of(DkimMode) { return EnumWords{dkim_modes}; }
EnumWords words_of(OnSignFailure) { return EnumWords{sign_failures}; }
EnumWords words_of(Unsigned) { return EnumWords{unsigned_mail}; }
EnumWords words_of(DeliveryTls) { return EnumWords{delivery_tls}; }
EnumWords words_of(ReplyAction) { return EnumWords{reply_actions}; }
EnumWords words_of(ReplyScope) { return EnumWords{reply_scopes}; }
EnumWords words_of(IpVersions) { return EnumWords{ip_versions}; }

std::optional<std::size_t> read_word(const Node& node, Place& place, const EnumWords& words) {
  const std::string choices = fmt::format("\"{}\"", fmt::join(words.known, "\", \""));
  const std::string* text = read_text(node, place, "one of " + choices + " in quotes");
  if (text == nullptr) return std::nullopt;
  const auto found = std::ranges::find(words.known, *text);
  if (found != words.known.end()) return static_cast<std::size_t>(found - words.known.begin());
  if (const auto meant = nearest_word(*text, words.known)) {
    place.complain(node, fmt::format("{} is not one of {}; did you mean \"{}\"?", shown(*text), choices, *meant));
  } else {
    place.complain(node, fmt::format("{} is not one of {}", shown(*text), choices));
  }
  return std::nullopt;
}

template <>
std::optional<std::string> Reading<std::string>::read(const Node& node, Place& place) {
  const std::string* text = read_text(node, place, "text in quotes");
  if (text == nullptr) return std::nullopt;
  return *text;
}

template <>
std::optional<bool> Reading<bool>::read(const Node& node, Place& place) {
  if (const bool* boolean = node.boolean()) return *boolean;
  place.complain_of_type(node, "true or false without quotes");
  return std::nullopt;
}

template <>
std::optional<std::uint64_t> Reading<std::uint64_t>::read(const Node& node, Place& place) {
  const std::int64_t* number = node.number();
  if (number == nullptr) {
    place.complain_of_type(node, "a number without quotes");
    return std::nullopt;
  }
  if (*number >= 0) return static_cast<std::uint64_t>(*number);
  place.complain(node, fmt::format("{} is below 0", *number));
  return std::nullopt;
}

template <>
std::optional<std::uint16_t> Reading<std::uint16_t>::read(const Node& node, Place& place) {
  const auto number = Reading<std::uint64_t>::read(node, place);
  if (!number) return std::nullopt;
  if (*number <= std::numeric_limits<std::uint16_t>::max()) return static_cast<std::uint16_t>(*number);
  place.complain(node, fmt::format("{} is over 65535", *number));
  return std::nullopt;
}

template <>
std::optional<std::optional<Duration>> Reading<std::optional<Duration>>::read(const Node& node, Place& place) {
  if (node.text() != nullptr && node.text()->empty()) return std::optional<Duration>();
  return Reading<Duration>::read(node, place);
}

template <>
std::optional<Duration> Reading<Duration>::read(const Node& node, Place& place) {
  return read_parsed<Duration>(node, place, "a duration in quotes like \"30s\", \"5m\", \"4h\" or \"5d\"", base::parse_duration);
}

template <>
std::optional<std::optional<base::Rate>> Reading<std::optional<base::Rate>>::read(const Node& node, Place& place) {
  if (node.text() != nullptr && node.text()->empty()) return std::optional<base::Rate>();
  return read_parsed<base::Rate>(node, place, "a rate in quotes like \"500/h\" or \"100/m\"", base::parse_rate);
}

template <>
std::optional<Bytes> Reading<Bytes>::read(const Node& node, Place& place) {
  return read_parsed<Bytes>(node, place, "a size in quotes like \"256KiB\" or \"50MiB\"", base::parse_bytes);
}

template <>
std::optional<base::Endpoint> Reading<base::Endpoint>::read(const Node& node, Place& place) {
  constexpr std::string_view what = "an address with its port in quotes like \"0.0.0.0:25\" or \"[::1]:25\"";
  return read_parsed<base::Endpoint>(node, place, what, [](const std::string& text) -> base::Result<base::Endpoint> {
    auto endpoint = base::parse_endpoint(text);
    if (endpoint && endpoint->port == 0) return base::fail(base::Kind::invalid, shown(text) + ": the port is from 1 to 65535");
    return endpoint;
  });
}

template <>
std::optional<base::Cidr> Reading<base::Cidr>::read(const Node& node, Place& place) {
  constexpr std::string_view what = "an address or network in quotes like \"192.0.2.1\" or \"10.0.0.0/8\"";
  return read_parsed<base::Cidr>(node, place, what, [](const std::string& text) -> base::Result<base::Cidr> {
    auto network = base::Cidr::parse(text);
    if (network) return network;
    std::string words = network.error().words;
    if (is_host_name(text)) words = shown(text) + ": this is no place for host names; write the address";
    if (text.starts_with('[')) words = shown(text) + ": write the address without brackets";
    return base::fail(base::Kind::invalid, words);
  });
}

template <>
std::optional<Aliases> Reading<Aliases>::read(const Node& node, Place& place) {
  constexpr std::string_view what = "a table like {\"abuse\" = \"postmaster\"}";
  if (node.table() == nullptr) {
    place.complain_of_type(node, what);
    return std::nullopt;
  }
  Aliases aliases;
  for (const Member& member : *node.table()) {
    const std::string* target = read_text(member.value, place, "\"postmaster\" or a mailbox in quotes");
    if (target == nullptr) return std::nullopt;
    aliases.push_back(Alias{base::lower(member.name), *target});
  }
  return aliases;
}

std::optional<std::string> read_path(const Node& node, Place& place) {
  const std::string* text = read_text(node, place, "a path in quotes");
  if (text == nullptr) return std::nullopt;
  if (text->empty() || text->front() == '/' || place.directory().empty()) return *text;
  std::string_view relative = *text;
  while (relative.starts_with("./")) relative.remove_prefix(2);
  return fmt::format("{}{}{}", place.directory(), place.directory().ends_with('/') ? "" : "/", relative);
}

Node show_value(const std::string& value) { return text_node(value); }
Node show_value(bool value) { return Node{value}; }
Node show_value(std::uint64_t value) { return number_node(static_cast<std::int64_t>(value)); }
Node show_value(std::uint16_t value) { return number_node(value); }
Node show_value(Duration value) { return text_node(base::to_string(value)); }
Node show_value(std::optional<Duration> value) { return value ? show_value(*value) : text_node(""); }
Node show_value(const std::optional<base::Rate>& value) { return text_node(value ? base::to_string(*value) : ""); }
Node show_value(Bytes value) { return text_node(base::to_string(value)); }
Node show_value(const base::Endpoint& value) { return text_node(base::to_string(value)); }
Node show_value(const base::Cidr& value) { return text_node(value.to_string()); }
Node show_value(const Aliases& value) {
  Node::Table members;
  for (const Alias& alias : value) members.push_back(Member{alias.local_part, {}, text_node(alias.target)});
  return Node{std::move(members)};
}

}  // namespace conf

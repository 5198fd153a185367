// Commands from lines: one table of verbs, one reader of MAIL and RCPT arguments.
#include "mail/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/net.h"
#include "base/text.h"
#include "mail/encoding.h"
#include "mail/xtext.h"

namespace mail {
namespace {

using Parsed = std::expected<Command, Reply>;

constexpr std::size_t longest_greeting_argument = 255;  // RFC 5321 4.5.3.1.2
constexpr std::size_t longest_path = 256;               // RFC 5321 4.5.3.1.3, with its angle brackets
constexpr std::size_t most_size_digits = 20;            // RFC 1870 3
constexpr std::size_t longest_envid = 100;              // RFC 3461 4.4
constexpr std::size_t longest_orcpt = 500;              // RFC 3461 4.2
constexpr std::size_t longest_mechanism = 20;           // RFC 4422 3.1
constexpr std::size_t longest_submitter = 500;          // RFC 4954 5

std::unexpected<Reply> refuse(int code, EnhancedStatus status, std::string_view text) {
  return std::unexpected(Reply(code, status, text));
}
std::unexpected<Reply> bad_argument(std::string_view text) { return refuse(501, EnhancedStatus{5, 5, 4}, text); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }
bool is_visible(char c) { return c > ' ' && c <= '~'; }

/// Without blanks and tabs at both ends; other control characters are no white space here.
std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Where the angle bracket at the start of `text` is closed; a quoted local part may hold brackets itself.
std::size_t closing_bracket(std::string_view text) {
  enum class Inside : std::uint8_t { path, quotes, escape } inside = Inside::path;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    switch (inside) {
      case Inside::escape: inside = Inside::quotes; break;
      case Inside::quotes:
        if (c == '\\') inside = Inside::escape;
        if (c == '"') inside = Inside::path;
        break;
      case Inside::path:
        if (c == '>') return i;
        if (c == '"') inside = Inside::quotes;
        break;
    }
  }
  return std::string_view::npos;
}

/// "<path> parameters" of MAIL FROM: and RCPT TO:.
struct PathArgument {
  std::string_view path;
  std::vector<std::string_view> parameters;
};

/// `detail` of the enhanced status: 7 for a reverse-path, 3 for a forward-path (RFC 3463 3.2).
std::expected<PathArgument, Reply> split_path(std::string_view argument, std::string_view keyword, std::uint16_t detail) {
  if (!base::starts_with_ignoring_case(argument, keyword)) return bad_argument(fmt::format("write {}<address>", keyword));
  argument = trim_blanks(argument.substr(keyword.size()));  // a blank behind the colon is wrong and everywhere
  if (!argument.starts_with('<')) return bad_argument(fmt::format("write {}<address>, with the angle brackets", keyword));
  const std::size_t end = closing_bracket(argument);
  if (end == std::string_view::npos) return bad_argument("the angle bracket is not closed");
  if (end + 1 > longest_path) {
    return refuse(501, EnhancedStatus{5, 1, detail}, fmt::format("a path has at most {} octets", longest_path));
  }
  const std::string_view rest = argument.substr(end + 1);
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return bad_argument("a blank is missing behind the address");
  return PathArgument{argument.substr(1, end - 1), base::words(rest)};
}

/// RFC 5321 4.1.1.3, appendix C: "@a,@b:user@d" is taken as user@d. Nothing when the route is malformed.
std::optional<std::string_view> without_source_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const std::size_t colon = path.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  for (const std::string_view hop : base::split(path.substr(0, colon), ',')) {
    if (!hop.starts_with('@') || !parse_domain(hop.substr(1))) return std::nullopt;
  }
  return path.substr(colon + 1);
}

std::expected<Mailbox, Reply> parse_mailbox(std::string_view path, std::uint16_t detail) {
  const auto address = without_source_route(path);
  if (!address) return refuse(553, EnhancedStatus{5, 1, detail}, "malformed source route");
  auto mailbox = Mailbox::parse(*address);
  if (mailbox) return *std::move(mailbox);
  return refuse(553, EnhancedStatus{5, 1, detail}, fmt::format("malformed address {}", mailbox.error().words));
}

std::expected<void, Reply> take_size(std::string_view value, command::MailFrom& mail) {
  const bool right = !value.empty() && value.size() <= most_size_digits && value.find_first_not_of("0123456789") == value.npos;
  if (!right) return bad_argument("SIZE is a number of octets");
  mail.size = base::parse_number(value).value_or(std::numeric_limits<std::uint64_t>::max());  // 20 digits may be more
  return {};
}

std::expected<void, Reply> take_body(std::string_view value, command::MailFrom& mail) {
  if (base::equal_ignoring_case(value, "8BITMIME")) {
    mail.body = BodyType::eight_bit;
  } else if (base::equal_ignoring_case(value, "7BIT")) {
    mail.body = BodyType::seven_bit;
  } else if (base::equal_ignoring_case(value, "BINARYMIME")) {
    return refuse(555, EnhancedStatus{5, 5, 4}, "BINARYMIME is not offered, BODY is 7BIT or 8BITMIME");
  } else {
    return bad_argument("BODY is 7BIT or 8BITMIME");
  }
  return {};
}

std::expected<void, Reply> take_utf8(std::string_view value, command::MailFrom& mail) {
  if (!value.empty()) return bad_argument("SMTPUTF8 has no value");
  mail.utf8 = SmtpUtf8::given;
  return {};
}

std::expected<void, Reply> take_requiretls(std::string_view value, command::MailFrom& mail) {
  if (!value.empty()) return bad_argument("REQUIRETLS has no value");
  mail.requiretls = true;
  return {};
}

std::expected<void, Reply> take_ret(std::string_view value, command::MailFrom& mail) {
  if (base::equal_ignoring_case(value, "FULL")) {
    mail.ret = Return::full;
  } else if (base::equal_ignoring_case(value, "HDRS")) {
    mail.ret = Return::headers;
  } else {
    return bad_argument("RET is FULL or HDRS");
  }
  return {};
}

std::expected<void, Reply> take_envid(std::string_view value, command::MailFrom& mail) {
  if (value.empty()) return bad_argument("ENVID is empty");
  if (value.size() > longest_envid) return bad_argument(fmt::format("ENVID has more than {} characters", longest_envid));
  if (!decode_xtext(value)) return bad_argument("ENVID is not xtext: see RFC 3461 section 4");
  mail.envid = value;
  return {};
}

/// RFC 4954 5: who submitted the message first, as the client's server says. It is of no use here and is not passed on.
std::expected<void, Reply> take_submitter(std::string_view value, command::MailFrom& /*mail*/) {
  const bool right = value.size() <= longest_submitter && !value.empty() && decode_xtext(value);
  if (!right) return bad_argument("AUTH is <> or a mailbox in xtext: see RFC 4954 section 5");
  return {};
}

/// RFC 3461 4.1: words in any case between commas.
std::expected<void, Reply> take_notify(std::string_view value, Recipient& recipient) {
  unsigned bits = 0;
  for (const std::string_view word : base::split(value, ',')) {
    if (base::equal_ignoring_case(word, "NEVER")) {
      bits |= Notify::never;
    } else if (base::equal_ignoring_case(word, "SUCCESS")) {
      bits |= Notify::success;
    } else if (base::equal_ignoring_case(word, "FAILURE")) {
      bits |= Notify::failure;
    } else if (base::equal_ignoring_case(word, "DELAY")) {
      bits |= Notify::delay;
    } else {
      return bad_argument("NOTIFY is NEVER, or some of SUCCESS, FAILURE and DELAY with commas between");
    }
  }
  if ((bits & Notify::never) != 0 && bits != Notify::never) return bad_argument("NEVER stands alone in NOTIFY");
  recipient.notify = Notify(static_cast<std::uint8_t>(bits));
  return {};
}

bool is_atom(std::string_view text) {
  constexpr std::string_view specials = R"(()<>[]:;@\,.")";
  const auto fits = [&](char c) { return is_visible(c) && specials.find(c) == std::string_view::npos; };
  return !text.empty() && std::ranges::all_of(text, fits);
}

/// RFC 3461 4.2: the type of an address, a semicolon, the address as xtext.
std::expected<void, Reply> take_orcpt(std::string_view value, Recipient& recipient) {
  if (value.size() > longest_orcpt) return bad_argument(fmt::format("ORCPT has more than {} characters", longest_orcpt));
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || !is_atom(value.substr(0, semicolon))) {
    return bad_argument("ORCPT is the type of an address, a semicolon and the address, as in rfc822;bob@example.net");
  }
  std::string ascii(value);
  if (!base::is_ascii(value)) {
    const bool right = base::equal_ignoring_case(value.substr(0, semicolon), "utf-8") && is_utf8(value);
    if (!right) return bad_argument("only ORCPT=utf-8; may hold more than ASCII: see RFC 6533 section 3");
    ascii = escape_utf8(value);
    if (ascii.size() > longest_orcpt) {
      return bad_argument(fmt::format("ORCPT written in ASCII has more than {} characters", longest_orcpt));
    }
  }
  if (!decode_xtext(std::string_view(ascii).substr(semicolon + 1))) {
    return bad_argument("the address in ORCPT is not xtext: see RFC 3461 section 4");
  }
  recipient.orcpt = std::move(ascii);
  return {};
}

std::unexpected<Reply> unknown_parameter(std::string_view name, std::string_view verb) {
  return refuse(555, EnhancedStatus{5, 5, 4}, fmt::format("{} parameter {} is not supported", verb, base::printable(name)));
}

/// One "NAME=value" behind a path, and who takes the value into a Target.
template <class Target>
struct ParameterOf {
  std::string_view name;
  std::expected<void, Reply> (*take)(std::string_view value, Target& target);
};
constexpr std::array<ParameterOf<command::MailFrom>, 7> mail_parameters{{{"SIZE", take_size},
                                                                         {"BODY", take_body},
                                                                         {"SMTPUTF8", take_utf8},
                                                                         {"REQUIRETLS", take_requiretls},
                                                                         {"RET", take_ret},
                                                                         {"ENVID", take_envid},
                                                                         {"AUTH", take_submitter}}};
constexpr std::array<ParameterOf<Recipient>, 2> rcpt_parameters{{{"NOTIFY", take_notify}, {"ORCPT", take_orcpt}}};

/// Each at most once: RFC 1870 6, RFC 6152 3, RFC 3461 4.5.
template <class Target, std::size_t count>
std::expected<void, Reply> take_parameters(const std::vector<std::string_view>& parameters,
                                           const std::array<ParameterOf<Target>, count>& known, std::string_view verb,
                                           Target& target) {
  std::array<bool, count> given{};
  for (const std::string_view parameter : parameters) {
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    std::size_t i = 0;
    while (i < count && !base::equal_ignoring_case(known.at(i).name, name)) ++i;
    if (i == count) return unknown_parameter(name, verb);
    if (std::exchange(given.at(i), true)) return bad_argument(fmt::format("{} is given twice", known.at(i).name));
    auto taken = known.at(i).take(parameter.substr(std::min(equals + 1, parameter.size())), target);
    if (!taken) return taken;
  }
  return {};
}

bool is_name(std::string& value) { return value.size() <= longest_greeting_argument && std::ranges::all_of(value, is_visible); }
/// "IPV6:2001:db8::1" and "192.0.2.1"; puts it into one spelling.
bool is_address(std::string& value) {
  const bool tagged = base::starts_with_ignoring_case(value, "IPV6:");
  const auto address = base::IpAddress::parse(std::string_view(value).substr(tagged ? 5 : 0));
  if (address) value = address->to_string();
  return address.has_value();
}
bool is_port(std::string& value) {
  const auto port = base::parse_number(value);
  return port && *port <= 65535;
}
bool is_proto(std::string& value) {
  value = base::upper(value);
  return value == "SMTP" || value == "ESMTP";
}
bool is_login(std::string& value) { return value.size() <= longest_greeting_argument; }

struct XclientAttribute {
  std::string_view name;
  std::optional<std::string> command::Xclient::* member;
  bool (*is_right)(std::string& value);
};
constexpr std::array<XclientAttribute, 6> xclient_attributes{{
    {"NAME", &command::Xclient::name, is_name},
    {"ADDR", &command::Xclient::address, is_address},
    {"PORT", &command::Xclient::port, is_port},
    {"PROTO", &command::Xclient::proto, is_proto},
    {"HELO", &command::Xclient::helo, is_name},
    {"LOGIN", &command::Xclient::login, is_login},
}};

Parsed parse_ehlo(std::string_view argument) { return command::Ehlo{std::string(argument)}; }

Parsed parse_helo(std::string_view argument) { return command::Helo{std::string(argument)}; }

/// RFC 6531 3.5: 553 is for recipients.
Reply sender_needs_utf8() {
  Reply reply = utf8_is_missing();
  reply.code = 550;
  return reply;
}

Parsed parse_mail(std::string_view argument) {
  auto split = split_path(argument, "FROM:", 7);
  if (!split) return std::unexpected(split.error());
  command::MailFrom mail;
  if (auto taken = take_parameters(split->parameters, mail_parameters, "MAIL", mail); !taken) {
    return std::unexpected(taken.error());
  }
  if (mail.utf8 == SmtpUtf8::absent && !base::is_ascii(split->path)) return std::unexpected(sender_needs_utf8());
  if (!split->path.empty()) {
    auto mailbox = parse_mailbox(split->path, 7);
    if (!mailbox) return std::unexpected(mailbox.error());
    if (mailbox->domain().empty()) return refuse(553, EnhancedStatus{5, 1, 7}, "the domain of the reverse-path is missing");
    mail.reverse_path = ReversePath(*std::move(mailbox));
  }
  return mail;
}

Parsed parse_rcpt(std::string_view argument) {
  auto split = split_path(argument, "TO:", 3);
  if (!split) return std::unexpected(split.error());
  auto mailbox = parse_mailbox(split->path, 3);
  if (!mailbox) return std::unexpected(mailbox.error());
  Recipient recipient(*std::move(mailbox));
  if (auto taken = take_parameters(split->parameters, rcpt_parameters, "RCPT", recipient); !taken) {
    return std::unexpected(taken.error());
  }
  return command::RcptTo{std::move(recipient), !base::is_ascii(argument)};
}

/// RFC 3030 2.
Parsed parse_bdat(std::string_view argument) {
  const std::vector<std::string_view> words = base::words(argument);
  const auto size = base::parse_number(words.front());
  const bool last = words.size() == 2 && base::equal_ignoring_case(words.back(), "LAST");
  const bool right = size && words.front().size() <= most_size_digits && (words.size() == 1 || last);
  if (!right) return bad_argument("write BDAT, a number of octets, and LAST behind the last of them");
  return command::Bdat{*size, last};
}

/// RFC 4954 4. The words of the refusals never repeat what may be a password.
Parsed parse_auth(std::string_view argument) {
  const std::vector<std::string_view> words = base::words(argument);
  if (words.size() > 2) return bad_argument("AUTH takes a mechanism and one initial response");
  command::Auth auth;
  auth.mechanism = base::upper(words.front());
  const auto is_mechanism_octet = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  if (auth.mechanism.size() > longest_mechanism || !std::ranges::all_of(auth.mechanism, is_mechanism_octet)) {
    return bad_argument("that is not the name of a mechanism");
  }
  if (words.size() == 2) auth.initial = words.back();
  return auth;
}

Parsed parse_xclient(std::string_view argument) {
  command::Xclient client;
  for (const std::string_view attribute : base::words(argument)) {
    const std::size_t equals = std::min(attribute.find('='), attribute.size());
    const std::string name = base::upper(attribute.substr(0, equals));
    const auto known = std::ranges::find(xclient_attributes, name, &XclientAttribute::name);
    if (known == xclient_attributes.end() || equals == attribute.size()) {
      return bad_argument("XCLIENT takes NAME, ADDR, PORT, PROTO, HELO and LOGIN, each with a value");
    }
    auto value = decode_xtext(attribute.substr(equals + 1));
    if (!value || value->empty()) return bad_argument(fmt::format("{} has no value in xtext", known->name));
    const bool unknown = base::equal_ignoring_case(*value, "[UNAVAILABLE]") || base::equal_ignoring_case(*value, "[TEMPUNAVAIL]");
    if (unknown) value->clear();
    if (!unknown && !known->is_right(*value)) return bad_argument(fmt::format("the value of {} is malformed", known->name));
    client.*known->member = *std::move(value);
  }
  return client;
}

Parsed parse_vrfy(std::string_view argument) { return command::Vrfy{std::string(argument)}; }

/// What may stand behind a verb.
enum class Takes : std::uint8_t { nothing, one_word, something, anything };

struct Verb {
  std::string_view name;
  Takes takes;
  Parsed (*parse)(std::string_view argument);
};

template <class T>
Parsed plain(std::string_view /*argument*/) {
  return T{};
}

Parsed not_implemented(std::string_view /*argument*/) { return refuse(502, EnhancedStatus{5, 5, 1}, "command not implemented"); }

constexpr std::array<Verb, 17> verbs{{
    {"MAIL", Takes::something, parse_mail},
    {"RCPT", Takes::something, parse_rcpt},
    {"DATA", Takes::nothing, plain<command::Data>},
    {"EHLO", Takes::one_word, parse_ehlo},
    {"HELO", Takes::one_word, parse_helo},
    {"QUIT", Takes::nothing, plain<command::Quit>},
    {"RSET", Takes::nothing, plain<command::Rset>},
    {"NOOP", Takes::anything, plain<command::Noop>},
    {"STARTTLS", Takes::nothing, plain<command::StartTls>},
    {"VRFY", Takes::something, parse_vrfy},
    {"HELP", Takes::anything, plain<command::Help>},
    {"EXPN", Takes::anything, not_implemented},
    {"AUTH", Takes::something, parse_auth},
    {"XCLIENT", Takes::something, parse_xclient},
    {"BDAT", Takes::something, parse_bdat},
    {"ETRN", Takes::anything, not_implemented},
    {"TURN", Takes::anything, not_implemented},
}};

std::expected<void, Reply> check_argument(const Verb& verb, std::string_view argument) {
  const bool word = argument.size() <= longest_greeting_argument && std::ranges::all_of(argument, is_visible);
  switch (verb.takes) {
    case Takes::anything: return {};
    case Takes::nothing:
      if (!argument.empty()) return bad_argument(fmt::format("{} takes no argument", verb.name));
      return {};
    case Takes::one_word:
      if (argument.empty() || !word) return bad_argument(fmt::format("write {} and your host name", verb.name));
      return {};
    case Takes::something:
      if (argument.empty()) return bad_argument(fmt::format("{} needs an argument", verb.name));
      return {};
  }
  return {};
}

}  // namespace

Reply utf8_is_missing() { return {553, EnhancedStatus{5, 6, 7}, "an address beyond ASCII needs SMTPUTF8 behind MAIL FROM"}; }

std::size_t line_limit_of(std::string_view start) {
  if (base::starts_with_ignoring_case(start, "MAIL")) return line_limit::mail;
  if (base::starts_with_ignoring_case(start, "RCPT")) return line_limit::rcpt;
  return line_limit::usual;
}

std::expected<Command, Reply> parse_command(std::string_view line) {
  line = line.substr(0, line.find_last_not_of(" \t") + 1);
  const std::string_view name = line.substr(0, line.find_first_of(" \t"));
  const std::string_view argument = trim_blanks(line.substr(name.size()));
  const auto is_bad = [](char c) { return is_control(c) && c != '\t'; };
  if (std::ranges::any_of(line, is_bad)) return refuse(500, EnhancedStatus{5, 5, 2}, "control characters are not accepted");
  for (const Verb& verb : verbs) {
    if (!base::equal_ignoring_case(verb.name, name)) continue;
    if (auto right = check_argument(verb, argument); !right) return std::unexpected(right.error());
    return verb.parse(argument);
  }
  return refuse(500, EnhancedStatus{5, 5, 2}, "command not recognized");
}

}  // namespace mail

// SMTP commands (RFC 5321 4.1.1) as values: parsed from a line for the server, written as a line for the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/reply.h"

namespace mail {

namespace command {
struct Ehlo {
  std::string argument;
};
struct Helo {
  std::string argument;
};
struct MailFrom {
  ReversePath reverse_path;
  std::optional<std::uint64_t> size;
  BodyType body = BodyType::seven_bit;
  SmtpUtf8 utf8 = SmtpUtf8::absent;
  bool requiretls = false;
  Return ret = Return::unspecified;
  std::string envid;
};
struct RcptTo {
  Recipient recipient;
  bool needs_utf8 = false;  ///< it was not written in ASCII
};
struct Data {};
struct Bdat {
  std::uint64_t size = 0;  ///< octets of content that follow the line
  bool last = false;
};
struct Rset {};
struct Noop {};
struct Vrfy {
  std::string argument;
};
struct Help {};
struct Quit {};
struct StartTls {};
struct Auth {
  std::string mechanism;               ///< in upper case
  std::optional<std::string> initial;  ///< the initial response as it was given: base64, or "=" for an empty one
};
/// Postfix's XCLIENT: what an intermediary says of the client that it speaks for. Not given: nothing; not known to it
/// ("[UNAVAILABLE]", "[TEMPUNAVAIL]"): empty.
struct Xclient {
  std::optional<std::string> name;     ///< host name
  std::optional<std::string> address;  ///< an IP address, as base::IpAddress prints it
  std::optional<std::string> port;     ///< 0-65535
  std::optional<std::string> proto;    ///< "SMTP" or "ESMTP"
  std::optional<std::string> helo;
  std::optional<std::string> login;
};
}  // namespace command

using Command =
    std::variant<command::Ehlo, command::Helo, command::MailFrom, command::RcptTo, command::Data, command::Bdat, command::Rset,
                 command::Noop, command::Vrfy, command::Help, command::Quit, command::StartTls, command::Auth, command::Xclient>;

/// The octets that a command line may have, with its CR LF: those of RFC 5321 4.5.3.1.4, and what the extensions add.
namespace line_limit {
inline constexpr std::size_t usual = 512;
/// SIZE (RFC 1870 3), BODY (RFC 3030 2), RET and ENVID (RFC 3461 4.3, 4.4), AUTH (RFC 4954 3), SMTPUTF8
/// (RFC 6531 3.1), REQUIRETLS (RFC 8689 2).
inline constexpr std::size_t mail = usual + 26 + 16 + 9 + 107 + 500 + 10 + 11;
/// NOTIFY and ORCPT (RFC 3461 4.1, 4.2).
inline constexpr std::size_t rcpt = usual + 29 + 507;
}  // namespace line_limit
/// 553 5.6.7: something was not written in ASCII, and SMTPUTF8 was not given.
Reply utf8_is_missing();

/// For a line that begins so; its first four octets tell.
std::size_t line_limit_of(std::string_view start);

/// A line without its CR LF. What cannot be understood is answered by the reply that comes back instead
/// (500 5.5.2 unknown command, 501 5.5.4 argument, 501 5.1.3/5.1.7 path too long, 555 5.5.4 unknown parameter, 553 5.1.3/5.1.7
/// address, ...).
std::expected<Command, Reply> parse_command(std::string_view line);

}  // namespace mail

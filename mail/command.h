// SMTP commands (RFC 5321 4.1.1) as values: parsed from a line for the server, written as a line for the client.
#pragma once

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
  Return ret = Return::unspecified;
  std::string envid;
};
struct RcptTo {
  Recipient recipient;
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

/// A line without its CR LF. What cannot be understood is answered by the reply that comes back instead
/// (500 5.5.2 unknown command, 501 5.5.4 argument, 555 5.5.4 unknown parameter, 553 5.1.3/5.1.7 address, ...).
std::expected<Command, Reply> parse_command(std::string_view line);

}  // namespace mail

// The server's side of SASL's PLAIN (RFC 4616), LOGIN and SCRAM-SHA-256 (RFC 5802, 7677): octets in, what comes next out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "relay/intake/users.h"

namespace relay::intake {

namespace sasl {
/// To be sent; the client's answer goes to Exchange::next().
struct Challenge {
  std::string octets;
};
/// The caller asks Users::is_password() on a worker; that is the verdict.
struct CheckPassword {
  std::string name;
  std::string password;
};
struct Success {
  std::string name;
};
struct Failure {
  std::string name;  ///< as far as it was told
};
/// The client broke the mechanism's rules: no guess at a password.
struct Malformed {};
using Step = std::variant<Challenge, CheckPassword, Success, Failure, Malformed>;

class Exchange {
 public:
  /// `mechanism` is one of Users::mechanisms(); `nonce`: printable, without commas, fresh each time.
  Exchange(const Users& users, std::string_view mechanism, std::string nonce);

  /// The initial response, if the client gave one.
  Step start(const std::optional<std::string>& initial);
  Step next(std::string_view octets);

 private:
  enum class Awaits : std::uint8_t { plain, login_name, login_password, client_first, client_final, acknowledgement };

  Step plain(std::string_view message) const;
  Step client_first(std::string_view message);
  Step client_final(std::string_view message);

  const Users& users_;
  Awaits awaits_;
  std::string nonce_;  ///< with SCRAM the client's and ours once both are known
  std::string name_;
  std::string gs2_header_;
  std::string auth_message_;  ///< client-first-message-bare and server-first-message
  ScramVerifier verifier_;
};
}  // namespace sasl

}  // namespace relay::intake

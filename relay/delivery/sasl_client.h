// The client's side of SASL's SCRAM-SHA-256 (RFC 5802, 7677), PLAIN (RFC 4616) and LOGIN: challenges in, responses out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "relay/delivery/login.h"

namespace relay::delivery {

class SaslClient {
 public:
  struct Response {
    std::string octets;
    bool is_last = false;  ///< the server's verdict may follow: it has proved what the mechanism has it prove
  };

  /// `mechanism` is one of the three, in upper case; `nonce`: printable, without commas, fresh each time.
  SaslClient(Login login, std::string_view mechanism, std::string nonce);

  const std::string& mechanism() const { return mechanism_; }
  /// To the server's challenge, which is empty where the client begins. Slow once with SCRAM: on a worker. Kind::refused in plain
  /// words: the server breaks the rules, refuses the proof, or does not know the password.
  base::Result<Response> respond(std::string_view challenge);

 private:
  enum class Awaits : std::uint8_t { start, login_name, login_password, server_first, server_final, nothing };

  base::Result<Response> prove(std::string_view server_first);
  base::Result<Response> check_signature(std::string_view server_final);

  Login login_;
  std::string mechanism_;
  std::string nonce_;
  Awaits awaits_;
  std::string client_first_;  ///< without its GS2 header
  std::string signature_;     ///< the server's, as it must be
};

}  // namespace relay::delivery

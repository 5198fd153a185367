// The server's side of AUTH (RFC 4954) for one user, line by line.
#pragma once

#include <cstdint>
#include <string>

namespace receiver {

/// The one who may send through a receiver.
inline constexpr const char* user_name = "user";
inline constexpr const char* user_password = "pencil";

/// One exchange: PLAIN, LOGIN or SCRAM-SHA-256.
class Login {
 public:
  /// The reply to the line, the AUTH command first. 334: another line is to come.
  std::string reply_to(const std::string& line);

 private:
  enum class Awaits : std::uint8_t { command, name, password, proof, end };

  std::string begin(const std::string& command);
  std::string challenge(const std::string& client_first);
  std::string check_proof(const std::string& client_final);

  Awaits awaits_ = Awaits::command;
  std::string name_;
  std::string server_first_;
  std::string client_first_;  ///< without its GS2 header
};

}  // namespace receiver

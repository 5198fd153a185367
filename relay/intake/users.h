// Who may authenticate: the file of accept.users, names with hashes of crypt(3) or verifiers of SCRAM-SHA-256.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace relay::intake {

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5803): of no use to log in with.
class ScramVerifier {
 public:
  unsigned iterations = 0;
  std::string salt;        ///< octets
  std::string stored_key;  ///< 32 octets
  std::string server_key;  ///< 32 octets
};

/// Immutable, used by several threads at once.
class Users {
 public:
  static constexpr std::size_t longest_name = 255;
  static constexpr std::size_t longest_password = 511;  ///< octets; crypt(3) takes no more

  /// Lines "name:hash"; empty lines and those that begin with "#" are skipped. A name may have a hash and a verifier.
  /// Kind::invalid names the file, the line and the cure.
  static base::Result<Users> parse(std::string_view text, std::string_view path);

  /// Whether this is the name's password. Slow (that is what the hashes are for), also for a name that is not there: on a worker.
  bool is_password(std::string_view name, const std::string& password) const;
  /// For a name that is not there one that nobody's password fits, the same each time, so that names cannot be probed.
  ScramVerifier verifier(std::string_view name) const;
  /// What can be offered: SCRAM where somebody has a verifier.
  std::vector<std::string> mechanisms() const;

 private:
  struct User {
    std::string hash;  ///< for crypt(3), or empty
    std::optional<ScramVerifier> verifier;
  };
  std::map<std::string, User, std::less<>> users_;
  std::string secret_;  ///< of the file: what made-up verifiers are made of
};

}  // namespace relay::intake

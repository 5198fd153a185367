// PLAIN (RFC 4616), LOGIN, and SCRAM-SHA-256 (RFC 5802, RFC 7677) with what the relay has of hashes.
#include "tests/receiver/login.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "relay/hashes.h"
#include "relay/scram.h"

namespace receiver {
namespace {

constexpr unsigned iterations = relay::scram::fewest_iterations;
constexpr const char* salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
const std::string welcome = "235 2.7.0 welcome";
const std::string refusal = "535 5.7.8 wrong name or password";

std::string challenge_of(std::string_view octets) { return "334 " + base::base64_encode(octets); }
std::string verdict(bool is_right) { return is_right ? welcome : refusal; }

}  // namespace

std::string Login::reply_to(const std::string& line) {
  if (awaits_ == Awaits::command) return begin(line);
  const std::string octets = base::base64_decode(line).value_or("");
  switch (awaits_) {
    case Awaits::name:
      name_ = octets;
      awaits_ = Awaits::password;
      return challenge_of("Password:");
    case Awaits::password: return verdict(name_ == user_name && octets == user_password);
    case Awaits::proof: return check_proof(octets);
    case Awaits::command:
    case Awaits::end: break;
  }
  return verdict(line.empty());
}

std::string Login::begin(const std::string& command) {
  const auto words = base::words(command);
  const std::string mechanism = words.size() > 1 ? base::upper(words[1]) : "";
  const std::string octets = words.size() > 2 ? base::base64_decode(words[2]).value_or("") : "";
  if (mechanism == "PLAIN") return verdict(octets == std::string(1, '\0') + user_name + std::string(1, '\0') + user_password);
  if (mechanism == "LOGIN") {
    awaits_ = Awaits::name;
    return challenge_of("Username:");
  }
  return mechanism == relay::scram::mechanism ? challenge(octets) : "504 5.5.4 no such mechanism";
}

/// Of "n,,n=user,r=nonce".
std::string Login::challenge(const std::string& client_first) {
  client_first_ = client_first.substr(std::min<std::size_t>(3, client_first.size()));
  const std::string nonce = client_first_.substr(client_first_.find("r=") + 2) + "ours";
  server_first_ = "r=" + nonce + ",s=" + salt + ",i=" + std::to_string(iterations);
  awaits_ = Awaits::proof;
  return challenge_of(server_first_);
}

std::string Login::check_proof(const std::string& client_final) {
  const std::size_t end = client_final.rfind(",p=");
  if (end == std::string::npos) return refusal;
  const std::string auth_message = client_first_ + "," + server_first_ + "," + client_final.substr(0, end);
  const std::string salted = relay::salted_password(user_password, base::base64_decode(salt).value_or(""), iterations);
  const std::string client_key = relay::hmac_sha256(salted, "Client Key");
  const std::string signature = relay::hmac_sha256(relay::sha256(client_key), auth_message);
  const std::string proof = base::base64_encode(relay::scram::either_or(client_key, signature));
  if (client_final.substr(end + 3) != proof) return refusal;
  awaits_ = Awaits::end;
  return challenge_of("v=" + base::base64_encode(relay::hmac_sha256(relay::hmac_sha256(salted, "Server Key"), auth_message)));
}

}  // namespace receiver

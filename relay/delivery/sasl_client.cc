// The three mechanisms, response by response.
#include "relay/delivery/sasl_client.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "relay/hashes.h"
#include "relay/scram.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

constexpr std::string_view gs2_header = "n,,";  // no channel binding, nobody else's name

/// RFC 5802 5.1.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ',') {
      text += "=2C";
    } else if (c == '=') {
      text += "=3D";
    } else {
      text += c;
    }
  }
  return text;
}

/// "r=nonce,s=salt,i=iterations"; what may follow are extensions that can be ignored.
struct ServerFirst {
  std::string nonce;
  std::string salt;
  unsigned iterations = 0;
};

Result<ServerFirst> read_server_first(std::string_view message) {
  const std::vector<std::string_view> parts = base::split(message, ',');
  const auto wrong = [] { return base::fail(Kind::refused, "the server breaks the rules of SCRAM"); };
  if (parts.size() < 3) return wrong();
  const auto nonce = scram::attribute(parts[0], 'r');
  const auto salt_text = scram::attribute(parts[1], 's');
  const auto count_text = scram::attribute(parts[2], 'i');
  if (!nonce || !scram::is_nonce(*nonce) || !salt_text || !count_text) return wrong();
  const auto salt = base::base64_decode(*salt_text);
  const auto count = base::parse_number(*count_text);
  if (!salt || salt->empty() || !count) return wrong();
  if (*count < scram::fewest_iterations || *count > scram::most_iterations) {
    return base::fail(Kind::refused, fmt::format("the server wants {} rounds of SCRAM; {} to {} are safe", *count,
                                                 scram::fewest_iterations, scram::most_iterations));
  }
  return ServerFirst{std::string(*nonce), *salt, static_cast<unsigned>(*count)};
}

}  // namespace

SaslClient::SaslClient(Login login, std::string_view mechanism, std::string nonce)
    : login_(std::move(login)),
      mechanism_(mechanism),
      nonce_(std::move(nonce)),
      awaits_(mechanism == "LOGIN" ? Awaits::login_name : Awaits::start) {}

Result<SaslClient::Response> SaslClient::respond(std::string_view challenge) {
  switch (awaits_) {
    case Awaits::start:
      if (mechanism_ == "PLAIN") {
        awaits_ = Awaits::nothing;
        return Response{std::string(1, '\0') + login_.username + std::string(1, '\0') + login_.password, true};
      }
      client_first_ = fmt::format("n={},r={}", escaped(login_.username), nonce_);
      awaits_ = Awaits::server_first;
      return Response{std::string(gs2_header) + client_first_, false};
    case Awaits::login_name: awaits_ = Awaits::login_password; return Response{login_.username, false};
    case Awaits::login_password: awaits_ = Awaits::nothing; return Response{login_.password, true};
    case Awaits::server_first: return prove(challenge);
    case Awaits::server_final: return check_signature(challenge);
    case Awaits::nothing: break;
  }
  return base::fail(Kind::refused, fmt::format("the server asks for more than {} has", mechanism_));
}

/// RFC 5802 3.
Result<SaslClient::Response> SaslClient::prove(std::string_view server_first) {
  const auto server = read_server_first(server_first);
  if (!server) return std::unexpected(server.error());
  if (!server->nonce.starts_with(nonce_) || server->nonce.size() == nonce_.size()) {
    return base::fail(Kind::refused, "the server breaks the rules of SCRAM: its nonce does not follow ours");
  }
  const std::string without_proof = fmt::format("c={},r={}", base::base64_encode(gs2_header), server->nonce);
  const std::string auth_message = fmt::format("{},{},{}", client_first_, server_first, without_proof);
  const std::string salted = salted_password(login_.password, server->salt, server->iterations);
  const std::string client_key = hmac_sha256(salted, "Client Key");
  const std::string proof = scram::either_or(client_key, hmac_sha256(sha256(client_key), auth_message));
  signature_ = hmac_sha256(hmac_sha256(salted, "Server Key"), auth_message);
  awaits_ = Awaits::server_final;
  return Response{fmt::format("{},p={}", without_proof, base::base64_encode(proof)), false};
}

/// "v=signature", or "e=why".
Result<SaslClient::Response> SaslClient::check_signature(std::string_view server_final) {
  const std::string_view first = server_final.substr(0, server_final.find(','));
  if (const auto why = scram::attribute(first, 'e')) {
    return base::fail(Kind::refused, fmt::format("the server refuses the password: {}", base::printable(*why)));
  }
  const auto signature = base::base64_decode(scram::attribute(first, 'v').value_or("?"));
  if (!signature || !is_equal_secret(*signature, signature_)) {
    return base::fail(Kind::refused, "the server does not prove that it knows the password: it may be somebody else");
  }
  awaits_ = Awaits::nothing;
  return Response{std::string(), true};
}

}  // namespace relay::delivery

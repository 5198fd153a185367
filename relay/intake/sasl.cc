// The three mechanisms, message by message.
#include "relay/intake/sasl.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "relay/hashes.h"
#include "relay/scram.h"

namespace relay::intake::sasl {
namespace {

using scram::attribute;
using scram::either_or;

/// RFC 5802 5.1: "=2C" is a comma, "=3D" an equals sign, no other "=" may stand.
std::optional<std::string> read_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    i += 2;
  }
  if (name.empty() || name.size() > Users::longest_name || name.find('\0') != std::string::npos) return std::nullopt;
  return name;
}

}  // namespace

Exchange::Exchange(const Users& users, std::string_view mechanism, std::string nonce)
    : users_(users),
      awaits_(mechanism == "PLAIN"   ? Awaits::plain
              : mechanism == "LOGIN" ? Awaits::login_name
                                     : Awaits::client_first),
      nonce_(std::move(nonce)) {}

Step Exchange::start(const std::optional<std::string>& initial) {
  if (initial) return next(*initial);
  return Challenge{awaits_ == Awaits::login_name ? "Username:" : ""};
}

Step Exchange::next(std::string_view octets) {
  switch (awaits_) {
    case Awaits::plain: return plain(octets);
    case Awaits::login_name:
      if (octets.empty() || octets.size() > Users::longest_name) return Malformed{};
      name_ = octets;
      awaits_ = Awaits::login_password;
      return Challenge{"Password:"};
    case Awaits::login_password: return CheckPassword{name_, std::string(octets)};
    case Awaits::client_first: return client_first(octets);
    case Awaits::client_final: return client_final(octets);
    case Awaits::acknowledgement:
      if (!octets.empty()) return Malformed{};
      return Success{name_};
  }
  return Malformed{};
}

/// "authzid NUL authcid NUL passwd"; to act for somebody else is given to nobody.
Step Exchange::plain(std::string_view message) const {
  const std::vector<std::string_view> parts = base::split(message, '\0');
  if (parts.size() != 3 || parts[1].empty() || parts[1].size() > Users::longest_name || parts[2].empty()) return Malformed{};
  if (!parts[0].empty() && parts[0] != parts[1]) return Failure{std::string(parts[1])};
  return CheckPassword{std::string(parts[1]), std::string(parts[2])};
}

/// "n,,n=user,r=nonce". "y" says that we might offer channel binding, and we do not; "p" asks for it.
Step Exchange::client_first(std::string_view message) {
  const std::vector<std::string_view> parts = base::split(message, ',');
  if (parts.size() < 4 || (parts[0] != "n" && parts[0] != "y")) return Malformed{};
  const auto name_text = attribute(parts[2], 'n');  // RFC 5802 5.1: "m=" here is an extension that nobody may ignore
  const auto client_nonce = attribute(parts[3], 'r');
  if (!name_text || !client_nonce || !scram::is_nonce(*client_nonce)) return Malformed{};
  const auto name = read_name(*name_text);
  if (!name) return Malformed{};
  name_ = *name;
  if (!parts[1].empty()) {
    const auto acts_for = attribute(parts[1], 'a');
    if (!acts_for) return Malformed{};
    if (read_name(*acts_for) != name_) return Failure{name_};
  }
  gs2_header_ = fmt::format("{},{},", parts[0], parts[1]);
  nonce_.insert(0, *client_nonce);
  verifier_ = users_.verifier(name_);
  const std::string answer = fmt::format("r={},s={},i={}", nonce_, base::base64_encode(verifier_.salt), verifier_.iterations);
  auth_message_ = fmt::format("{},{}", message.substr(gs2_header_.size()), answer);
  awaits_ = Awaits::client_final;
  return Challenge{answer};
}

/// "c=biws,r=nonce,p=proof"
Step Exchange::client_final(std::string_view message) {
  const std::size_t last = message.rfind(",p=");
  if (last == std::string_view::npos) return Malformed{};
  const std::string_view without_proof = message.substr(0, last);
  const std::vector<std::string_view> parts = base::split(without_proof, ',');
  const auto proof = base::base64_decode(message.substr(last + 3));
  if (parts.size() < 2 || !proof || proof->size() != verifier_.stored_key.size()) return Malformed{};
  if (attribute(parts[0], 'c') != base::base64_encode(gs2_header_)) return Failure{name_};
  if (attribute(parts[1], 'r') != nonce_) return Failure{name_};
  auth_message_ += fmt::format(",{}", without_proof);
  const std::string client_key = either_or(*proof, hmac_sha256(verifier_.stored_key, auth_message_));
  if (!is_equal_secret(sha256(client_key), verifier_.stored_key)) return Failure{name_};
  awaits_ = Awaits::acknowledgement;
  return Challenge{fmt::format("v={}", base::base64_encode(hmac_sha256(verifier_.server_key, auth_message_)))};
}

}  // namespace relay::intake::sasl

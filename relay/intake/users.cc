// Reading the users' file, and crypt(3): the only file that includes it.
#include "relay/intake/users.h"

#include <crypt.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.h"
#include "relay/hashes.h"
#include "relay/scram.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;

constexpr std::size_t longest_salt = 64;
/// How a hash of crypt(3) begins, and the octets behind its last "$". What is older falls to a guess in no time.
struct Method {
  std::string_view start;
  std::size_t tail;
};
constexpr std::array<Method, 8> strong{{{"$y$", 43},   // yescrypt
                                        {"$gy$", 43},  // gost-yescrypt
                                        {"$7$", 43},   // scrypt
                                        {"$2a$", 53},  // bcrypt, its salt among them
                                        {"$2b$", 53},
                                        {"$2y$", 53},
                                        {"$6$", 86},    // SHA-512
                                        {"$5$", 43}}};  // SHA-256

std::string crypt_with(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  const char* hash = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  return hash == nullptr || *hash == '*' ? std::string() : std::string(hash);
}

/// By its form: to try every hash would make a reload as slow as the hashes are.
std::string check_hash(const std::string& hash) {
  const auto* const method = std::ranges::find_if(strong, [&](const Method& known) { return hash.starts_with(known.start); });
  if (method == strong.end()) {
    return "the hash is none of yescrypt, scrypt, bcrypt, sha512 and sha256: make one with mkpasswd -m yescrypt";
  }
  const bool whole = hash.size() - hash.rfind('$') - 1 == method->tail && ::crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK;
  return whole ? "" : "the hash is not whole: make one with mkpasswd -m yescrypt";
}

std::optional<std::string> decoded(std::string_view text) {
  auto octets = base::base64_decode(text);
  if (!octets) return std::nullopt;
  return *std::move(octets);
}

/// "iterations:salt$StoredKey:ServerKey" of RFC 5803.
std::optional<ScramVerifier> read_verifier(std::string_view text) {
  const std::vector<std::string_view> halves = base::split(text, '$');
  if (halves.size() != 2) return std::nullopt;
  const std::vector<std::string_view> cost = base::split(halves[0], ':');
  const std::vector<std::string_view> keys = base::split(halves[1], ':');
  if (cost.size() != 2 || keys.size() != 2) return std::nullopt;
  const auto iterations = base::parse_number(cost[0]);
  const auto salt = decoded(cost[1]);
  const auto stored = decoded(keys[0]);
  const auto server = decoded(keys[1]);
  if (!iterations || !salt || !stored || !server) return std::nullopt;
  const bool right = *iterations >= scram::fewest_iterations && *iterations <= scram::most_iterations && !salt->empty() &&
                     salt->size() <= longest_salt && stored->size() == sha256_octets && server->size() == sha256_octets;
  if (!right) return std::nullopt;
  return ScramVerifier{static_cast<unsigned>(*iterations), *salt, *stored, *server};
}

bool fits(std::string_view password, const ScramVerifier& verifier) {
  const std::string client_key = hmac_sha256(salted_password(password, verifier.salt, verifier.iterations), "Client Key");
  return is_equal_secret(sha256(client_key), verifier.stored_key);
}

}  // namespace

Result<Users> Users::parse(std::string_view text, std::string_view path) {
  Users users;
  users.secret_ = sha256(text);
  std::size_t number = 0;
  for (std::string_view line : base::split(text, '\n')) {
    ++number;
    line = base::trim(line);
    const auto wrong = [&](std::string_view why) {
      return base::fail(Kind::invalid, fmt::format("{}:{}: {}", path, number, why));
    };
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    const std::string name(line.substr(0, colon));
    if (colon == std::string_view::npos) return wrong("write name:hash");
    const bool right = !name.empty() && name.size() <= longest_name && base::printable(name) == name;
    if (!right) return wrong("a name has 1 to 255 octets that can be printed");
    const std::string_view hash = line.substr(colon + 1);
    User& user = users.users_[name];
    if (hash.starts_with(scram::mechanism)) {
      if (user.verifier) return wrong(fmt::format("{} has a verifier already: remove one of the lines", name));
      if (hash.substr(scram::mechanism.size()).starts_with('$'))
        user.verifier = read_verifier(hash.substr(scram::mechanism.size() + 1));
      if (!user.verifier) {
        return wrong("write SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, with base64 and 4096 to 1000000 iterations");
      }
      continue;
    }
    if (!user.hash.empty()) return wrong(fmt::format("{} has a hash already: remove one of the lines", name));
    if (const std::string why = check_hash(std::string(hash)); !why.empty()) return wrong(why);
    user.hash = hash;
  }
  if (users.users_.empty()) return base::fail(Kind::invalid, fmt::format("{}: no user: write lines name:hash", path));
  return users;
}

bool Users::is_password(std::string_view name, const std::string& password) const {
  const auto found = users_.find(name);
  // A name that is not there takes as long as the first one that is.
  const User& user = found == users_.end() ? users_.begin()->second : found->second;
  const bool sound = password.size() <= longest_password && password.find('\0') == std::string::npos;
  const std::string tried = sound ? password : std::string("?");
  const bool right = user.hash.empty() ? fits(tried, *user.verifier) : is_equal_secret(crypt_with(tried, user.hash), user.hash);
  return right && sound && found != users_.end();
}

ScramVerifier Users::verifier(std::string_view name) const {
  const auto found = users_.find(name);
  if (found != users_.end() && found->second.verifier) return *found->second.verifier;
  ScramVerifier made_up{scram::fewest_iterations, std::string(16, '\0'), {}, {}};
  const auto model = std::ranges::find_if(users_, [](const auto& entry) { return entry.second.verifier.has_value(); });
  if (model != users_.end()) made_up = *model->second.verifier;
  const auto of = [&](std::string_view purpose) { return hmac_sha256(secret_, fmt::format("{} {}", purpose, name)); };
  std::string salt = of("salt") + of("more salt");
  salt.resize(made_up.salt.size());
  made_up.salt = salt;
  made_up.stored_key = of("stored key");
  made_up.server_key = of("server key");
  return made_up;
}

std::vector<std::string> Users::mechanisms() const {
  std::vector<std::string> names{"PLAIN", "LOGIN"};
  const bool any = std::ranges::any_of(users_, [](const auto& entry) { return entry.second.verifier.has_value(); });
  if (any) names.emplace_back(scram::mechanism);
  return names;
}

}  // namespace relay::intake

// OpenSSL's hashes as functions of strings. They fail only when memory is out.
#include "relay/hashes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <new>

#include "base/text.h"

namespace relay {
namespace {

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void needed(bool done) {
  if (!done) throw std::bad_alloc();
}

}  // namespace

std::string sha256(std::string_view text) {
  std::string digest(sha256_octets, '\0');
  needed(SHA256(octets(text), text.size(), octets(digest)) != nullptr);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string digest(sha256_octets, '\0');
  needed(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(), octets(digest), nullptr) !=
         nullptr);
  return digest;
}

std::string salted_password(std::string_view password, std::string_view salt, unsigned iterations) {
  std::string key(sha256_octets, '\0');
  needed(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                           static_cast<int>(iterations), EVP_sha256(), static_cast<int>(key.size()), octets(key)) == 1);
  return key;
}

bool is_equal_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string fresh_nonce() {
  std::string nonce(18, '\0');
  needed(RAND_bytes(octets(nonce), static_cast<int>(nonce.size())) == 1);
  return base::base64_encode(nonce);
}

}  // namespace relay

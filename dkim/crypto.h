// The cryptography that DKIM needs, over OpenSSL's EVP (the only file that includes it, with crypto.cc): SHA-256, RSA and Ed25519
// keys.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dkim {

using base::Result;
using Digest = std::array<std::uint8_t, 32>;

/// A running SHA-256; the algorithm is fetched once for the process.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view octets);
  Digest finish();  ///< once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// a= of RFC 6376 3.3 and RFC 8463; rsa-sha1 is never made and never passes (RFC 8301).
enum class Algorithm : std::uint8_t { rsa_sha256, ed25519_sha256 };
std::string_view to_string(Algorithm algorithm);

/// What a DNS record publishes.
class PublicKey {
 public:
  /// p= of a key record, base64 removed: SubjectPublicKeyInfo (or a bare RSAPublicKey) for RSA, 32 octets for Ed25519 (RFC 8463
  /// 4).
  static Result<PublicKey> from_record(Algorithm algorithm, std::string_view octets);
  Algorithm algorithm() const;
  int bits() const;
  /// Whether `signature` is right for a digest of the signed data.
  bool verifies(const Digest& digest, std::string_view signature) const;

 private:
  friend class PrivateKey;
  struct State;
  std::shared_ptr<const State> state_;
};

/// Immutable, cheap to copy, usable from several threads at once.
class PrivateKey {
 public:
  /// PEM, PKCS#1 or PKCS#8, RSA of 1,024-4,096 bits or Ed25519. The pair is tested by a signature.
  static Result<PrivateKey> from_pem(std::string_view pem);
  static PrivateKey generate(Algorithm algorithm, int rsa_bits = 2048);
  std::string to_pem() const;  ///< PKCS#8
  Algorithm algorithm() const;
  int bits() const;
  PublicKey public_key() const;
  /// "v=DKIM1; k=rsa; p=..." (RFC 6376 3.6.1), one string.
  std::string public_record() const;
  Result<std::string> sign(const Digest& digest) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace dkim

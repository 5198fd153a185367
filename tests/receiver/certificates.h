// Certificates as receivers have them: good ones, and those with something wrong.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace receiver {

enum class Tls : std::uint8_t {
  none,  ///< not offered
  good,  ///< of a known authority, for the host's name
  expired,
  not_yet_valid,
  other_name,
  unknown_authority,  ///< self-signed
  old_version,        ///< speaks TLS 1.0 only
  odd_cipher,         ///< has no cipher that anybody else has
  asks_for_ours,      ///< good, and asks for a client's certificate without insisting
};

using TlsServer = std::shared_ptr<SSL_CTX>;

/// An authority that signs for the receivers of a test.
class Authority {
 public:
  Authority();
  /// Its certificate, for those who shall trust it.
  std::string pem() const;
  /// A server that shows such a certificate for the host; null for Tls::none.
  TlsServer server(Tls kind, const std::string& host) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace receiver

// The hashes of SASL over OpenSSL: HMAC, PBKDF2, comparing secrets, nonces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relay {

inline constexpr std::size_t sha256_octets = 32;

std::string sha256(std::string_view text);
/// HMAC-SHA-256 (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view text);
/// Hi() of RFC 5802 2.2, which is PBKDF2 with HMAC-SHA-256. Slow: that is what it is for.
std::string salted_password(std::string_view password, std::string_view salt, unsigned iterations);
/// In a time that does not tell where they differ.
bool is_equal_secret(std::string_view a, std::string_view b);
/// 144 bits that nobody can foresee, in base64.
std::string fresh_nonce();

}  // namespace relay

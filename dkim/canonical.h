// Canonicalization of RFC 6376 3.4: header fields at once, bodies streaming and independent of how they are cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dkim/crypto.h"

namespace dkim {

enum class Canonicalization : std::uint8_t { simple, relaxed };
std::string_view to_string(Canonicalization canonicalization);

/// c=: header and body.
struct CanonicalizationPair {
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  friend bool operator==(const CanonicalizationPair&, const CanonicalizationPair&) = default;
};
/// "relaxed/simple"; a lone "relaxed" means relaxed/simple (RFC 6376 3.5 c=).
Result<CanonicalizationPair> parse_canonicalization(std::string_view text);
std::string to_string(const CanonicalizationPair& pair);

/// A whole field with its final CR LF (RFC 6376 3.4.1, 3.4.2).
std::string canonical_field(Canonicalization canonicalization, std::string_view raw_field);

/// The hash of a body that streams in, CR LF line ends, any chunks (RFC 6376 3.4.3, 3.4.4).
class BodyHash {
 public:
  explicit BodyHash(Canonicalization canonicalization, std::optional<std::uint64_t> length_limit = std::nullopt);
  void update(std::string_view body);
  Digest finish();
  /// Octets of canonical body after finish() (what l= is compared with).
  std::uint64_t canonical_length() const { return length_; }

 private:
  // the implementation shapes this part; memory does not grow with runs of blank lines or spaces
  Canonicalization canonicalization_;
  std::optional<std::uint64_t> limit_;
  std::uint64_t length_ = 0;
  Sha256 sha_;
};

/// The body hashes that a set of signing rules needs, in one pass.
class BodyHashes {
 public:
  BodyHashes(bool simple, bool relaxed);
  void update(std::string_view body);
  void finish();
  const Digest& of(Canonicalization canonicalization) const;

 private:
  std::optional<BodyHash> simple_;
  std::optional<BodyHash> relaxed_;
  Digest simple_digest_{};
  Digest relaxed_digest_{};
};

}  // namespace dkim

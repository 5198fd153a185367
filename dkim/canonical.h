// Canonicalization of RFC 6376 3.4: header fields at once, bodies streaming and independent of how they are cut.
#pragma once

#include <array>
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

/// A whole field with its final CR LF (RFC 6376 3.4.1, 3.4.2); one is added when it is missing.
std::string canonical_field(Canonicalization canonicalization, std::string_view raw_field);

/// The hash of a body that streams in, CR LF line ends, any chunks (RFC 6376 3.4.3, 3.4.4). A CR or LF alone is text.
class BodyHash {
 public:
  /// Only the first `length_limit` octets of the canonical body are hashed (l=).
  explicit BodyHash(Canonicalization canonicalization, std::optional<std::uint64_t> length_limit = std::nullopt);
  void update(std::string_view body);
  Digest finish();  ///< once
  /// Octets of canonical body after finish() (what l= is compared with).
  std::uint64_t canonical_length() const { return length_; }

 private:
  void simple_text(std::string_view body);
  void relaxed_text(std::string_view body);
  void squeeze(std::string_view part);
  void squeeze_inside(std::string_view text);
  void end_line();
  void put(std::string_view text);
  void emit(std::string_view text);
  void hash_buffer();

  Canonicalization canonicalization_;
  std::uint64_t limit_;
  std::uint64_t length_ = 0;
  std::uint64_t line_ends_ = 0;   // not hashed yet: dropped when nothing but line ends follows
  bool carriage_return_ = false;  // the last octet so far is a CR that may begin a line end
  bool in_line_ = false;          // relaxed: part of a line was seen
  bool white_space_ = false;      // relaxed: not hashed yet, dropped at a line end
  std::array<char, 2048> buffer_;
  std::size_t buffered_ = 0;
  Sha256 sha_;
};

/// The body hashes that a set of signing rules needs, in one pass.
class BodyHashes {
 public:
  BodyHashes(bool simple, bool relaxed);
  void update(std::string_view body);
  void finish();
  /// After finish(); zeros for one that was not asked for.
  const Digest& of(Canonicalization canonicalization) const;

 private:
  std::optional<BodyHash> simple_;
  std::optional<BodyHash> relaxed_;
  Digest simple_digest_{};
  Digest relaxed_digest_{};
};

}  // namespace dkim

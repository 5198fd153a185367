// DKIM verification without I/O (RFC 6376 6): a signature field is parsed, its key record is fed, the verdict comes back.
// Used to check what we have just signed before it is committed, and by the playground's receiver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dkim/canonical.h"
#include "dkim/crypto.h"
#include "mail/header.h"

namespace dkim {

/// The tags of a DKIM-Signature that verification needs (RFC 6376 3.5).
class Signature {
 public:
  /// From the field's value. Kind::invalid with the reason (permerror) when a tag is missing, doubled or malformed, or i= is
  /// outside of d=; Kind::refused for rsa-sha1 (RFC 8301), Kind::unsupported for an unknown a= or q=. Expiry is not judged.
  static Result<Signature> parse(std::string_view field_value);

  Algorithm algorithm = Algorithm::rsa_sha256;
  std::string domain;
  std::string selector;
  CanonicalizationPair canonicalization;
  std::vector<std::string> signed_fields;    ///< h=
  std::string body_hash;                     ///< bh=, decoded
  std::string signature;                     ///< b=, decoded
  std::optional<std::uint64_t> body_length;  ///< l=
  std::string identity;                      ///< i=, "@" and d= when it is missing
  std::optional<std::uint64_t> timestamp;    ///< t=, seconds since 1970
  std::optional<std::uint64_t> expiration;   ///< x=, seconds since 1970; later than t=
};

/// The name of a signature's key record (RFC 6376 3.6.2.1).
std::string key_record_name(std::string_view selector, std::string_view domain);

/// A key record "v=DKIM1; k=rsa; p=..." (RFC 6376 3.6.1, RFC 8463).
struct KeyRecord {
  PublicKey key;
  bool testing = false;       ///< t=y
  bool exact_domain = false;  ///< t=s: the domain of i= must be d= itself
};

/// The record read for a signature by that algorithm: Kind::refused when the key is revoked (empty p=), Kind::invalid when it is
/// malformed or not meant for this use.
Result<KeyRecord> read_key_record(std::string_view record, Algorithm algorithm);

/// Only the key of read_key_record().
Result<PublicKey> parse_key_record(std::string_view record, Algorithm algorithm);

/// Whether the signature in `field` is right for this header, body hash and key: nothing when it is, else Kind::refused and the
/// reason. When `field` is one of `header`'s own, h= never picks it. `body_hash` is made as c= and l= say.
Result<void> check_signature(const mail::Field& field, const Signature& signature, const mail::HeaderBlock& header,
                             const Digest& body_hash, const PublicKey& key);

/// Parses and checks a whole field "DKIM-Signature: ...\r\n" as make_signature() gives it, for a header that does not hold it.
Result<void> check_field(std::string_view raw_field, const mail::HeaderBlock& header, const Digest& body_hash,
                         const PublicKey& key);

}  // namespace dkim

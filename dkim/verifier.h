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
  /// From the field's value. Kind::invalid with the reason (permerror) when a tag is missing, doubled or malformed.
  static Result<Signature> parse(std::string_view field_value);

  Algorithm algorithm = Algorithm::rsa_sha256;
  std::string domain;
  std::string selector;
  CanonicalizationPair canonicalization;
  std::vector<std::string> signed_fields;    ///< h=
  std::string body_hash;                     ///< bh=, decoded
  std::string signature;                     ///< b=, decoded
  std::optional<std::uint64_t> body_length;  ///< l=
};

/// p= of a key record "v=DKIM1; k=rsa; p=..." (RFC 6376 3.6.1) as a key for that algorithm; Kind::refused when revoked (empty
/// p=).
Result<PublicKey> parse_key_record(std::string_view record, Algorithm algorithm);

/// Whether the signature in `field` is right for this header, body hash and key: nothing when it is, else Kind::refused and the
/// reason.
Result<void> check_signature(const mail::Field& field, const Signature& signature, const mail::HeaderBlock& header,
                             const Digest& body_hash, const PublicKey& key);

}  // namespace dkim

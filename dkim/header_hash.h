// The header hash of RFC 6376 3.7: the signed fields from the bottom up, then the signature's own field with an empty b=.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dkim/canonical.h"
#include "dkim/crypto.h"
#include "mail/header.h"

namespace dkim {

/// `names` is h=: each mention takes the next field of that name from the bottom up, nothing when none is left (RFC 6376 5.4.2).
/// `own_field` is the DKIM-Signature with the value of b= removed; the field of `header` that lies at `own_place` is the
/// signature itself and is passed over.
Digest header_hash(Canonicalization canonicalization, const mail::HeaderBlock& header, const std::vector<std::string>& names,
                   std::string_view own_field, std::string_view own_place = {});

}  // namespace dkim

// What a header is given or relieved of before it is signed and stored.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "mail/header.h"

namespace mail {

/// The fields Date and Message-ID, where a complete header has none, to be put before it (RFC 5322 3.6; RFC 6409 8 lets the first
/// server add them). Empty also when the message is signed already, for its signature may forbid them, when it has no header to
/// put them before, and when the header would become too large. The Message-ID is "<ID.SECONDS@HOSTNAME>".
std::string missing_fields(const HeaderBlock& header, std::string_view hostname, std::string_view id, base::Time now);

/// Whether a field is meant.
using WhichFields = std::function<bool(const Field&)>;

/// All of a complete header but those fields, as it came, with the empty line that ended it.
std::string without_fields(const HeaderBlock& header, const WhichFields& which);

/// The values of those fields for a log: unfolded, from top to bottom, " | " between them, at most `most` octets.
std::string values_of(const HeaderBlock& header, const WhichFields& which, std::size_t most);

}  // namespace mail

// Internationalised domain names (IDNA 2008, RFC 5891): U-labels, which people read, and A-labels, which DNS and we compare.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

/// A domain in UTF-8 with A-labels in place of its U-labels, in lower case; mapped as UTS 46 has it (capitals, full-width
/// letters), not transitional. Kind::invalid for what is no domain name of IDNA 2008.
Result<std::string> to_a_labels(std::string_view domain);

/// The same for a pattern with "*" and "?"; wildcards cannot stand in a label that is not ASCII.
Result<std::string> pattern_to_a_labels(std::string_view pattern);

/// With U-labels where to_a_labels() gives the same domain back, else as it is.
std::string to_u_labels(std::string_view domain);

}  // namespace base

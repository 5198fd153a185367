// Mail that receivers refuse whatever it says: found at the door, so that the one who made it hears of it and not a stranger.
#pragma once

#include <string>

#include "mail/header.h"

namespace mail {

/// What is wrong with a complete header, naming the field; empty when nothing is: no From field, several of them or one without
/// an address that can be read (RFC 5322 3.6.2; large receivers refuse all three), a field twice that may stand once (RFC
/// 5322 3.6, and the fields of RFC 2045 that decide how the body is read).
std::string flaw(const HeaderBlock& header);

}  // namespace mail

// From the octets of a DNS message to an Answer (RFC 1035 4), and from what people write to a name that may be asked for. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/resolver.h"

namespace dns {

/// Lower case, without a final dot. Kind::invalid: empty, over 253 characters, a label that is empty or over 63, blanks, control
/// characters, backslash, eight-bit. Anything else is DNS's own affair: "_dmarc.example" is a name.
Result<std::string> normal_name(std::string_view name);

/// The answer to the question (`name` as by normal_name()) that this message gives. CNAMEs in the answer section are followed. A
/// response code other than NOERROR and NXDOMAIN, a message that was cut off, a referral, the answer to another question and
/// malformed octets are Kind::temporary.
Result<Answer> parse_answer(std::string_view message, std::string_view name, RecordType type);

/// FORMERR: from a server that does not know EDNS (RFC 6891 7).
bool is_format_error(std::string_view message);

}  // namespace dns

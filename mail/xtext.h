// xtext (RFC 3461 4): how the values of ENVID= and ORCPT= stand on the wire.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// What stands behind the xtext: ASCII that can be printed, blanks and tabs among it (RFC 3461 4.2, 4.4). Nothing when `text` is
/// no xtext or hides other octets.
std::optional<std::string> decode_xtext(std::string_view text);

/// The xtext of ASCII; other octets than RFC 3461 4 lets stand are written "+XX".
std::string encode_xtext(std::string_view text);

}  // namespace mail

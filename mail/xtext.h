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

/// An address in UTF-8 as RFC 6533 3 has it in ASCII (utf-8-addr-xtext): "\x{7528}" for each character that ORCPT= or a report
/// cannot hold as it is.
std::string encode_utf8_address(std::string_view address);

/// The reverse, with UTF-8 among it allowed (utf-8-addr-unitext). Nothing when `text` is neither, or hides what cannot be
/// printed.
std::optional<std::string> decode_utf8_address(std::string_view text);

/// What of a value in UTF-8 is beyond ASCII, in the same way; the rest is encoded already (utf-8-addr-unitext).
std::string escape_utf8(std::string_view value);

}  // namespace mail

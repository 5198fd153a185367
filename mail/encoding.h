// Text as mail carries it (RFC 2045, 2047, 5322): fields that hold more than ASCII, quoted-printable, and both read for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mail {

bool is_utf8(std::string_view text);

/// Text for people on one line: UTF-8 whose control characters, line ends and marks that turn the direction of writing have
/// become blanks, runs of blanks one; of octets that are not UTF-8 see base::printable(). Over `most` characters it is cut, with
/// "..." .
std::string one_line(std::string_view text, std::size_t most);

/// The value of an unstructured field for people, as one_line(): unfolded, encoded words read (RFC 2047) also where a character
/// is cut in two; 8-bit octets that are not UTF-8 as GB18030. Looks at the first 4,096 octets.
std::string readable(std::string_view raw_value, std::size_t most);

/// "name: value" and its CR LF, ASCII, folded to 78 octets where words allow it. `value` is UTF-8 on one line; what is not a
/// plain word becomes encoded words.
std::string unstructured_field(std::string_view name, std::string_view value);

/// "name: value" and its CR LF for values that have no encoding (message/delivery-status): other than ASCII is written \x{4E2D},
/// as RFC 6533 3 has it. Folded before blanks, so that unfolding gives the value back; words over 500 octets are cut in two.
std::string plain_field(std::string_view name, std::string_view value);

/// RFC 2045 6.7, lines of at most 76 octets with CR LF. LF and CR LF end a line of `text`; the last line ends in any case.
std::string quoted_printable(std::string_view text);

}  // namespace mail

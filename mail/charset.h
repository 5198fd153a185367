// Text in the charsets that subjects come in, as UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mail {

/// UTF-8, US-ASCII, ISO-8859-1, GB2312, GBK, GB18030 and Big5, by their MIME names in any case. What is wrong in the octets
/// becomes
/// '?'; nothing when the charset is another one.
std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets);

}  // namespace mail

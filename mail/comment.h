// Comments in structured header fields (RFC 5322 3.2.2).
#pragma once

#include <cstddef>
#include <string_view>

namespace mail {

/// Octets of the comment that `text` begins with, nested ones and its parentheses included; npos when it does not end.
std::size_t comment_size(std::string_view text);

}  // namespace mail

// Reading a message file or standard input as SMTP would carry it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace relay::cli {

/// How the lines of the file end. What a Unix program wrote ends in LF; it is judged as the CR LF that would go on the wire.
enum class LineEnd : std::uint8_t { cr_lf, lf };

/// Gives the message in pieces with CR LF line ends to `sink`. A file whose first line ends in CR LF is taken as it is, octet for
/// octet; one whose first line ends in LF alone gets CR LF everywhere. "-" is standard input.
base::Result<LineEnd> read_message(const std::string& file, const std::function<void(std::string_view)>& sink);

}  // namespace relay::cli

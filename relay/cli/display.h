// Text as a terminal shows it: what may be shown at all, how many columns it takes, and how it is cut. Pure; never the locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace relay::cli {

/// What a terminal may be given: control characters and invalid UTF-8 as \xHH; what turns the direction of writing or has no
/// width (it could make one address look like another) as \u{HHHH}. One line, whatever a receiver or sender wrote.
std::string safe_text(std::string_view text);

/// Columns that a terminal needs for UTF-8 text: two for the wide characters of East Asia and emoji, none for combining marks.
std::size_t display_width(std::string_view text);

/// What stays when text is too wide.
enum class Cut : std::uint8_t {
  end,      ///< "450 4.2.0 greyli…"
  start,    ///< "….mail.example.net"
  address,  ///< "bob.mil…@example.net", and "…example.net" when the domain alone is too wide
};
/// At most `width` columns, the ellipsis included; unchanged when it fits.
std::string cut_text(std::string_view text, std::size_t width, Cut cut);

/// Lines of at most `width` columns that end with a newline, broken at blanks where there are some; all but the first begin with
/// `indent` blanks.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace relay::cli

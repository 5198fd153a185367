// Columns of characters after the tables of the Unicode standard (East Asian Width, general categories Mn, Me and Cf).
#include "relay/cli/display.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"

namespace relay::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

/// Two columns: East Asian Width W and F (UAX #11), emoji among them.
constexpr auto wide = std::to_array<Range>({
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},   {0x23F0, 0x23F0},   {0x23F3, 0x23F3},
    {0x25FD, 0x25FE},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},   {0x26D4, 0x26D4},   {0x26EA, 0x26EA},
    {0x26F2, 0x26F3},   {0x26F5, 0x26F5},   {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
    {0x27B0, 0x27B0},   {0x27BF, 0x27BF},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
    {0x3041, 0x3247},   {0x3250, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1AFF0, 0x1B2FF},
    {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335},
    {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4},
    {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567},
    {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC},
    {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6D7}, {0x1F6DC, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7F0},
    {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
});

/// No column of their own: marks that combine with the character before them.
constexpr auto combining = std::to_array<Range>({
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},   {0x05BF, 0x05BF}, {0x05C1, 0x05C2}, {0x05C4, 0x05C5},
    {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F},   {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4},
    {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0711, 0x0711},   {0x0730, 0x074A}, {0x07A6, 0x07B0}, {0x07EB, 0x07F3},
    {0x0816, 0x0819}, {0x081B, 0x0823}, {0x0825, 0x0827},   {0x0829, 0x082D}, {0x0859, 0x085B}, {0x0898, 0x089F},
    {0x08CA, 0x08E1}, {0x08E3, 0x0902}, {0x093A, 0x093A},   {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},
    {0x0951, 0x0957}, {0x0962, 0x0963}, {0x0981, 0x0981},   {0x09BC, 0x09BC}, {0x09C1, 0x09C4}, {0x09CD, 0x09CD},
    {0x0A01, 0x0A02}, {0x0A3C, 0x0A3C}, {0x0A41, 0x0A51},   {0x0A70, 0x0A71}, {0x0A81, 0x0A82}, {0x0ABC, 0x0ABC},
    {0x0AC1, 0x0AC8}, {0x0ACD, 0x0ACD}, {0x0B3C, 0x0B3C},   {0x0B4D, 0x0B4D}, {0x0BC0, 0x0BC0}, {0x0BCD, 0x0BCD},
    {0x0C3E, 0x0C40}, {0x0C46, 0x0C56}, {0x0CBC, 0x0CBC},   {0x0CCC, 0x0CCD}, {0x0D41, 0x0D44}, {0x0D4D, 0x0D4D},
    {0x0DCA, 0x0DCA}, {0x0DD2, 0x0DD6}, {0x0E31, 0x0E31},   {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x0EB1, 0x0EB1},
    {0x0EB4, 0x0EBC}, {0x0EC8, 0x0ECE}, {0x0F18, 0x0F19},   {0x0F35, 0x0F35}, {0x0F37, 0x0F37}, {0x0F39, 0x0F39},
    {0x0F71, 0x0F7E}, {0x0F80, 0x0F84}, {0x0F86, 0x0F87},   {0x0F8D, 0x0FBC}, {0x102D, 0x1030}, {0x1032, 0x1037},
    {0x1039, 0x103A}, {0x103D, 0x103E}, {0x1160, 0x11FF},   {0x135D, 0x135F}, {0x1712, 0x1714}, {0x17B4, 0x17B5},
    {0x17B7, 0x17BD}, {0x17C6, 0x17C6}, {0x17C9, 0x17D3},   {0x1AB0, 0x1ACE}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20F0},
    {0x2DE0, 0x2DFF}, {0x302A, 0x302D}, {0x3099, 0x309A},   {0xA66F, 0xA672}, {0xA674, 0xA67D}, {0xFB1E, 0xFB1E},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF},
});

/// Invisible, or they turn the direction of what follows: shown as their numbers.
constexpr auto invisible = std::to_array<Range>({
    {0x00AD, 0x00AD},
    {0x034F, 0x034F},
    {0x061C, 0x061C},
    {0x115F, 0x1160},
    {0x17B4, 0x17B5},
    {0x180B, 0x180F},
    {0x200B, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x206F},
    {0x3164, 0x3164},
    {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},
    {0xFFF9, 0xFFFB},
    {0xE0000, 0xE007F},
});

bool is_in(std::span<const Range> ranges, char32_t character) {
  const auto after = std::ranges::upper_bound(ranges, character, {}, &Range::first);
  return after != ranges.begin() && character <= std::prev(after)->last;
}

/// One character and what it takes.
struct Glyph {
  char32_t character = 0;
  std::size_t octets = 1;
};

/// The character at the start of text that is valid UTF-8; of an octet that is none, the octet.
Glyph glyph_at(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t octets = lead < 0xC0U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
  if (octets == 1 || octets > text.size()) return {lead, 1};
  char32_t character = lead & (0xFFU >> (octets + 1));
  for (std::size_t i = 1; i < octets; ++i) character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {character, octets};
}

std::size_t width_of(char32_t character) {
  if (character < 0x300) return 1;
  if (is_in(combining, character)) return 0;
  return is_in(wide, character) ? 2 : 1;
}

/// The longest start of at most `width` columns.
std::string_view head(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  std::size_t used = 0;
  while (end < text.size()) {
    const Glyph glyph = glyph_at(text.substr(end));
    used += width_of(glyph.character);
    if (used > width) break;
    end += glyph.octets;
  }
  return text.substr(0, end);
}

/// The longest end of at most `width` columns.
std::string_view tail(std::string_view text, std::size_t width) {
  std::size_t spare = display_width(text);
  std::size_t start = 0;
  while (spare > width) {
    const Glyph glyph = glyph_at(text.substr(start));
    spare -= width_of(glyph.character);
    start += glyph.octets;
  }
  while (start < text.size() && width_of(glyph_at(text.substr(start)).character) == 0)  // marks without their character
    start += glyph_at(text.substr(start)).octets;
  return text.substr(start);
}

/// Fewer characters of the local part say nothing: then the end of the domain has the room.
constexpr std::size_t least_local_part = 2;
constexpr std::string_view ellipsis = "…";

}  // namespace

std::string safe_text(std::string_view text) {
  const std::string printable = base::printable(text);
  std::string safe;
  safe.reserve(printable.size());
  for (std::size_t at = 0; at < printable.size();) {
    const Glyph glyph = glyph_at(std::string_view(printable).substr(at));
    if (is_in(invisible, glyph.character)) {
      safe += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(glyph.character));
    } else {
      safe += printable.substr(at, glyph.octets);
    }
    at += glyph.octets;
  }
  return safe;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text.substr(at));
    width += width_of(glyph.character);
    at += glyph.octets;
  }
  return width;
}

std::string cut_text(std::string_view text, std::size_t width, Cut cut) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  const std::size_t room = width - 1;
  const std::size_t at = cut == Cut::address ? text.rfind('@') : std::string_view::npos;
  if (at != std::string_view::npos) {
    const std::string_view domain = text.substr(at);
    const std::size_t domain_width = display_width(domain);
    if (domain_width + least_local_part <= room) return fmt::format("{}{}{}", head(text, room - domain_width), ellipsis, domain);
  }
  if (cut == Cut::end) return fmt::format("{}{}", head(text, room), ellipsis);
  return fmt::format("{}{}", ellipsis, tail(text, room));
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string lines;
  std::size_t room = width;
  for (;;) {
    std::string_view line = head(text, room);
    if (line.size() < text.size()) {
      const std::size_t blank = line.rfind(' ');
      const bool has_words = blank != std::string_view::npos && line.find_first_not_of(' ') < blank;
      if (text[line.size()] != ' ' && has_words && (!lines.empty() || blank >= indent)) line = line.substr(0, blank);
      if (line.empty()) line = text.substr(0, glyph_at(text).octets);
    }
    lines += line;
    lines += '\n';
    text.remove_prefix(line.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return lines;
    lines.append(indent, ' ');
    room = width > indent ? width - indent : 1;
  }
}

}  // namespace relay::cli

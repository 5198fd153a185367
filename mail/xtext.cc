// The reader of xtext, strict: what it takes may be passed on as it came.
#include "mail/xtext.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"
#include "mail/encoding.h"

namespace mail {
namespace {

/// RFC 3461 4: only upper case.
std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool is_visible(char c) { return c > ' ' && c <= '~'; }

/// Every character but visible ASCII that is not special as EmbeddedUnicodeChar of RFC 6533 3.
std::string embedded(std::string_view text, std::string_view special) {
  std::string ascii;
  while (!text.empty()) {
    const std::size_t size = std::max<std::size_t>(base::utf8_sequence(text), 1);
    const char first = text.front();
    if (is_visible(first) && special.find(first) == std::string_view::npos) {
      ascii += first;
    } else {
      ascii += fmt::format("\\x{{{:02X}}}", static_cast<unsigned>(base::code_point(text.substr(0, size))));
    }
    text.remove_prefix(size);
  }
  return ascii;
}

void append_code_point(std::string& text, std::uint32_t point) {
  if (point < 0x80U) {
    text += static_cast<char>(point);
    return;
  }
  const int followers = point < 0x800U ? 1 : point < 0x10000U ? 2 : 3;
  constexpr std::array<std::uint32_t, 4> first{0, 0xC0U, 0xE0U, 0xF0U};
  text += static_cast<char>(first.at(static_cast<std::size_t>(followers)) | (point >> (6 * followers)));
  for (int shift = 6 * (followers - 1); shift >= 0; shift -= 6) text += static_cast<char>(0x80U | ((point >> shift) & 0x3FU));
}

/// Takes an EmbeddedUnicodeChar, "\x{7528}", from the start of `text`: 2 to 6 digits.
std::optional<std::uint32_t> take_embedded(std::string_view& text) {
  constexpr std::string_view opening = "\\x{";
  const std::size_t end = text.find('}');
  if (!text.starts_with(opening) || end == std::string_view::npos || end < 5 || end > 9) return std::nullopt;
  std::uint32_t point = 0;
  for (const char c : text.substr(opening.size(), end - opening.size())) {
    const auto digit = hex_digit(c);
    if (!digit) return std::nullopt;
    point = point * 16 + static_cast<std::uint32_t>(*digit);
  }
  text.remove_prefix(end + 1);
  return point;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (!is_visible(c) || c == '=') return std::nullopt;
    if (c == '+') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      if (!is_visible(c) && c != ' ' && c != '\t') return std::nullopt;
      i += 2;
    }
    octets += c;
  }
  return octets;
}

std::string encode_xtext(std::string_view text) {
  std::string coded;
  for (const char c : text) {
    const bool plain = is_visible(c) && c != '+' && c != '=';
    coded += plain ? std::string(1, c) : fmt::format("+{:02X}", static_cast<unsigned char>(c));
  }
  return coded;
}

std::string encode_utf8_address(std::string_view address) { return embedded(address, "+=\\"); }

std::optional<std::string> decode_utf8_address(std::string_view text) {
  constexpr std::string_view must_be_embedded = "+=\\";
  std::string address;
  while (!text.empty()) {
    if (const char c = text.front(); c != '\\') {
      if (base::is_ascii(text.substr(0, 1)) && (!is_visible(c) || must_be_embedded.find(c) != std::string_view::npos)) {
        return std::nullopt;
      }
      address += c;
      text.remove_prefix(1);
      continue;
    }
    const auto point = take_embedded(text);
    if (!point || *point < 0x20U || *point == 0x7FU) return std::nullopt;
    append_code_point(address, *point);
  }
  if (!is_utf8(address)) return std::nullopt;
  return address;
}

std::string escape_utf8(std::string_view value) { return embedded(value, {}); }

}  // namespace mail

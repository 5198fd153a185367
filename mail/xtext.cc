// The reader of xtext, strict: what it takes may be passed on as it came.
#include "mail/xtext.h"

#include <fmt/format.h>

namespace mail {
namespace {

/// RFC 3461 4: only upper case.
std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool is_visible(char c) { return c > ' ' && c <= '~'; }

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

}  // namespace mail

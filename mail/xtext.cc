// The reader of xtext, strict: what it takes may be passed on as it came.
#include "mail/xtext.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

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

std::string escape_utf8(std::string_view value) { return embedded(value, {}); }

}  // namespace mail

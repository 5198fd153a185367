// Plain operations on text.
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <ranges>

namespace base {
namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view crockford_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view blank = " \t\r\n";

unsigned octet(char c) { return static_cast<unsigned char>(c); }

}  // namespace

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_lower);
  return result;
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), to_upper);
  return result;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return octet(c) < 0x80U; });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, to_lower, to_lower); }

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Result<std::uint64_t> parse_number(std::string_view text) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return fail(Kind::invalid, "a number is missing");
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return fail(Kind::invalid, fmt::format("\"{}\" is not a number", printable(text)));
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (most - digit) / 10) return fail(Kind::invalid, fmt::format("{} is too large", text));
    value = value * 10 + digit;
  }
  return value;
}

std::string base64_encode(std::string_view octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t left = octets.size() - i;
    const unsigned group =
        octet(octets[i]) << 16U | (left > 1 ? octet(octets[i + 1]) << 8U : 0U) | (left > 2 ? octet(octets[i + 2]) : 0U);
    text += base64_alphabet[group >> 18U];
    text += base64_alphabet[group >> 12U & 63U];
    text += left > 1 ? base64_alphabet[group >> 6U & 63U] : '=';
    text += left > 2 ? base64_alphabet[group & 63U] : '=';
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string octets;
  octets.reserve(text.size() / 4 * 3 + 3);
  unsigned group = 0;
  int digits = 0;
  bool padding = false;
  for (const char c : text) {
    if (blank.find(c) != std::string_view::npos) continue;
    if (c == '=') {
      padding = true;
      continue;
    }
    const std::size_t digit = base64_alphabet.find(c);
    if (digit == std::string_view::npos || padding) return fail(Kind::invalid, "not base64");
    group = group << 6U | static_cast<unsigned>(digit);
    if (++digits == 4) {
      octets += {static_cast<char>(group >> 16U & 255U), static_cast<char>(group >> 8U & 255U), static_cast<char>(group & 255U)};
      group = 0;
      digits = 0;
    }
  }
  if (digits == 1) return fail(Kind::invalid, "base64 is cut off");
  if (digits >= 2) octets += static_cast<char>((digits == 2 ? group >> 4U : group >> 10U) & 255U);
  if (digits == 3) octets += static_cast<char>(group >> 2U & 255U);
  return octets;
}

std::string hex(std::string_view octets) {
  std::string text;
  text.reserve(octets.size() * 2);
  for (const char c : octets) text += fmt::format("{:02x}", octet(c));
  return text;
}

std::string crockford32(std::uint64_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (char& place : std::views::reverse(text)) {
    place = crockford_alphabet[value & 31U];
    value >>= 5U;
  }
  return text;
}

Result<std::uint64_t> parse_crockford32(std::string_view text) {
  if (text.empty() || text.size() > 13) return fail(Kind::invalid, "not a base 32 number");
  std::uint64_t value = 0;
  for (char c : text) {
    c = to_upper(c);
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    const std::size_t digit = crockford_alphabet.find(c);
    if (digit == std::string_view::npos || value >> 59U != 0) {
      return fail(Kind::invalid, fmt::format("\"{}\" is not a base 32 number", printable(text)));
    }
    value = value << 5U | digit;
  }
  return value;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || to_lower(pattern[p]) == to_lower(text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned lead = octet(text.front());
  if (lead < 0x80U) return 1;
  const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(text[i]) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = octet(text[1]);
  const bool overlong = (lead == 0xE0U && second < 0xA0U) || (lead == 0xF0U && second < 0x90U);
  const bool outside = (lead == 0xEDU && second > 0x9FU) || (lead == 0xF4U && second > 0x8FU);
  const bool c1_control = lead == 0xC2U && second < 0xA0U;
  return overlong || outside || c1_control ? 0 : length;
}

char32_t code_point(std::string_view sequence) {
  if (sequence.size() == 1) return octet(sequence[0]);
  char32_t value = octet(sequence[0]) & (0x7FU >> sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) value = value << 6U | (octet(sequence[i]) & 0x3FU);
  return value;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const unsigned c = octet(text.front());
    const std::size_t length = c < 0x20U || c == 0x7FU ? 0 : utf8_sequence(text);
    if (length == 0) {
      result += fmt::format("\\x{:02x}", c);
      text.remove_prefix(1);
    } else {
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

}  // namespace base

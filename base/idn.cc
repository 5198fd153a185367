// libidn2, wrapped.
#include "base/idn.h"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace base {
namespace {

constexpr std::size_t longest_domain = 1020;  // octets of UTF-8: four for each of 255 characters

bool is_of_a_name(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

struct Freed {
  void operator()(char* text) const { idn2_free(text); }
};
using Text = std::unique_ptr<char, Freed>;

}  // namespace

Result<std::string> to_a_labels(std::string_view domain) {
  if (is_ascii(domain)) return lower(domain);
  if (domain.size() > longest_domain || domain.find('\0') != std::string_view::npos) {
    return fail(Kind::invalid, "not the name of a domain");
  }
  const std::string text(domain);
  char* found = nullptr;
  // Not with IDN2_USE_STD3_ASCII_RULES: libidn2 leaves out what they forbid, and goes on with another name.
  const int error = idn2_to_ascii_8z(text.c_str(), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const Text converted(found);
  if (error != IDN2_OK) return fail(Kind::invalid, fmt::format("\"{}\": {}", printable(domain), idn2_strerror(error)));
  std::string ascii = lower(converted.get());
  if (!std::ranges::all_of(ascii, is_of_a_name)) {
    return fail(Kind::invalid, fmt::format("\"{}\": letters, digits and hyphens make a name", printable(domain)));
  }
  return ascii;
}

Result<std::string> pattern_to_a_labels(std::string_view pattern) {
  std::string converted;
  for (const std::string_view label : split(pattern, '.')) {
    if (!converted.empty() || label.data() != pattern.data()) converted += '.';
    auto ascii = to_a_labels(label);
    if (!ascii) return ascii;
    converted += *ascii;
  }
  return converted;
}

std::string to_u_labels(std::string_view domain) {
  std::string text(domain);
  if (text.find("xn--") == std::string::npos) return text;
  char* found = nullptr;
  const int error = idn2_to_unicode_8z8z(text.c_str(), &found, IDN2_NONTRANSITIONAL);
  const Text converted(found);
  if (error != IDN2_OK || to_a_labels(converted.get()) != text) return text;
  return converted.get();
}

}  // namespace base

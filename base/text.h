// Plain operations on text: case, trimming, splitting, base64, hex, Crockford base 32. ASCII only, never the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace base {

char to_lower(char c);
char to_upper(char c);
std::string lower(std::string_view text);
std::string upper(std::string_view text);
/// No octet of 0x80 and above.
bool is_ascii(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// Without spaces, tabs, CR and LF at both ends.
std::string_view trim(std::string_view text);
/// Parts between separators; empty parts stay. The views point into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Parts between runs of spaces and tabs; no empty ones.
std::vector<std::string_view> words(std::string_view text);

/// Digits only, no sign, no overflow.
Result<std::uint64_t> parse_number(std::string_view text);

std::string base64_encode(std::string_view octets);
/// White space is skipped, padding may be missing; anything else strange is an error.
Result<std::string> base64_decode(std::string_view text);
std::string hex(std::string_view octets);

/// `digits` characters of Crockford base 32, most significant first (no I, L, O, U).
std::string crockford32(std::uint64_t value, int digits);
/// Either case; O reads as 0, I and L as 1. At most 13 digits.
Result<std::uint64_t> parse_crockford32(std::string_view text);

/// "*" matches any run of characters, "?" one; without regard to case.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// How far two words are apart (insertions, deletions, changes), to name the key that somebody meant.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Octets of the UTF-8 sequence at the start of `text`; 0 when there is none, or a control character of C1.
std::size_t utf8_sequence(std::string_view text);
/// What such a sequence stands for, or an octet alone.
char32_t code_point(std::string_view sequence);

/// What a log line or terminal may show: control characters, DEL and invalid UTF-8 as \xHH.
std::string printable(std::string_view text);

}  // namespace base

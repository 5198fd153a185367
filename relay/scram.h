// What both sides of SCRAM (RFC 5802) do to their messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace relay::scram {

inline constexpr std::string_view mechanism = "SCRAM-SHA-256";
inline constexpr unsigned fewest_iterations = 4096;     ///< RFC 7677 4
inline constexpr unsigned most_iterations = 1'000'000;  ///< half a second of a processor
inline constexpr std::size_t longest_nonce = 256;

/// What stands behind "x=".
std::optional<std::string_view> attribute(std::string_view part, char letter);
/// Printable, without blanks, of bounded length.
bool is_nonce(std::string_view text);
/// Octet by octet; both are of the same length.
std::string either_or(std::string_view a, std::string_view b);

}  // namespace relay::scram

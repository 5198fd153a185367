// Attributes, nonces and proofs of SCRAM.
#include "relay/scram.h"

#include <algorithm>

namespace relay::scram {

std::optional<std::string_view> attribute(std::string_view part, char letter) {
  if (part.size() < 2 || part[0] != letter || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= longest_nonce && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::string either_or(std::string_view a, std::string_view b) {
  std::string result(a);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<char>(result[i] ^ b[i]);
  return result;
}

}  // namespace relay::scram

// The language of tests/transcripts (see its README.md), as far as both players share it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/reply.h"

namespace transcript {

/// What one side says in one write, or a directive.
struct Step {
  enum class Kind { client, server, directive };
  Kind kind = Kind::directive;
  int line = 0;                       ///< where it begins in the file
  std::string octets;                 ///< of client and server
  std::vector<std::string> patterns;  ///< server: line by line, as it stands in the file, repeated as asked
  std::string name;                   ///< of the directive
  std::string argument;               ///< what stands behind it, not unescaped
};

struct Script {
  std::string name;
  std::vector<Step> steps;
};

/// Every script in tests/transcripts/<folder>, in the order of their names.
std::vector<Script> load_all(const std::string& folder);
Script parse(const std::string& name, std::string_view text);

std::string unescape(std::string_view text);
/// For people: what a mismatch shows.
std::string escape(std::string_view octets);

/// "550 5.1.1 no such user".
mail::Reply parse_reply(std::string_view text);
/// "..." at its end means anything.
bool matches(std::string_view pattern, std::string_view text);

/// Where a play cuts what is fed.
struct Cut {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  static constexpr std::size_t everywhere = static_cast<std::size_t>(-2);
  std::size_t at = nowhere;  ///< octets from the start of all that is fed in the play
};
/// `octets`, the first of which is number `offset` of the play, in pieces.
std::vector<std::string_view> pieces(std::string_view octets, std::size_t offset, Cut cut);

}  // namespace transcript

// From TOML text to plain values; the only room that knows toml++.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "conf/node.h"

namespace conf {

/// Where the text is no TOML, and why.
struct SyntaxError {
  Position where;
  std::string words;
};

/// Most octets of a configuration file.
constexpr std::size_t largest_file = 1U << 20U;

/// The whole text as one table. Text over largest_file and values nested deeper than any key are an error.
std::expected<Node, SyntaxError> read_toml(std::string_view text);

}  // namespace conf

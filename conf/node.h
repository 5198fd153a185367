// A value of the configuration file as plain data: what the TOML reader gives and what `config show` prints.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace conf {

/// Where something stands in the file; both count from 1.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Member;

/// One TOML value and where it stands.
struct Node {
  using Array = std::vector<Node>;
  using Table = std::vector<Member>;
  /// A type that no key has (dates, numbers with a fraction); `name` says which.
  struct Other {
    std::string name;
  };

  std::variant<std::string, std::int64_t, bool, Array, Table, Other> value;
  Position where = {};

  const std::string* text() const { return std::get_if<std::string>(&value); }
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&value); }
  const bool* boolean() const { return std::get_if<bool>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const Table* table() const { return std::get_if<Table>(&value); }
};

struct Member {
  std::string name;
  Position where;  ///< of the name
  Node value;
};

Node text_node(std::string_view text);
Node number_node(std::int64_t number);

/// "text", "a number", "a list" ...
std::string_view type_name(const Node& node);

/// As TOML on one line.
std::string to_toml(const Node& node);
std::string to_json(const Node& node);

/// The value under a dotted key ("listen.address"; of several blocks the `block`-th), or the nearest table around it that is
/// there.
const Node& find_nearest(const Node& root, std::string_view key, std::size_t block = 0);

}  // namespace conf

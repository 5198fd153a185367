// The tree of toml++ copied into ours; its exceptions end here.
#include "conf/toml_reader.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cstddef>
#include <optional>

#include "base/text.h"

namespace conf {
namespace {

/// Deeper than any key lies (shape: dkim, its sign, a block, a list, an item).
constexpr int deepest = 8;
/// toml++ 3.3 bounds nested brackets but not dotted keys, and gives the tables of "a.a.a. ..." back by recursion.
constexpr std::ptrdiff_t most_dots = 64;

Position position_of(const toml::source_position& position) {
  return Position{std::max(1U, position.line), std::max(1U, position.column)};
}

/// A line before `=` with far more dots than a key can have.
std::expected<void, SyntaxError> check_dots(std::string_view text) {
  Position where;
  for (const std::string_view line : base::split(text, '\n')) {
    for (const std::string_view part : base::split(base::trim(line).starts_with('#') ? "" : line, ',')) {
      if (std::ranges::count(part, '.') > most_dots) return std::unexpected(SyntaxError{where, "a key with too many dots"});
    }
    ++where.line;
  }
  return {};
}

/// The cure for the two slips that toml++ has no plain words for: text without quotes, and a quote too few.
std::string hint(std::string_view text, Position where) {
  const std::vector<std::string_view> lines = base::split(text, '\n');
  if (where.line > lines.size()) return "";
  const std::string_view line = lines[where.line - 1];
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return "";
  const std::string_view key = base::trim(line.substr(0, equals));
  const std::string_view value = base::trim(line.substr(equals + 1));
  if (std::ranges::count(line, '"') % 2 == 1) return "; is a quote missing?";
  const bool plain = value == "true" || value == "false" || value.find_first_not_of("0123456789") == std::string_view::npos;
  if (plain || value.find_first_of("\"'#[{") != std::string_view::npos) return "";
  return fmt::format("; text stands in quotes: {} = \"{}\"", key, value);
}

class Copier {
 public:
  Node copy(const toml::node& node, int depth) {
    Node result{Node::Other{"a value"}, position_of(node.source().begin)};
    if (depth > deepest) {
      if (!too_deep_) too_deep_ = SyntaxError{result.where, "nested too deep; no key lies there"};
      return result;
    }
    if (const auto* text = node.as_string()) result.value = text->get();
    if (const auto* number = node.as_integer()) result.value = number->get();
    if (const auto* boolean = node.as_boolean()) result.value = boolean->get();
    if (node.is_floating_point()) result.value = Node::Other{"a number with a fraction"};
    if (node.is_date() || node.is_time() || node.is_date_time()) result.value = Node::Other{"a date or time"};
    if (const auto* array = node.as_array()) result.value = copy_items(*array, depth);
    if (const auto* table = node.as_table()) result.value = copy_members(*table, depth);
    return result;
  }

  const std::optional<SyntaxError>& too_deep() const { return too_deep_; }

 private:
  Node::Array copy_items(const toml::array& array, int depth) {
    Node::Array items;
    items.reserve(array.size());
    for (const toml::node& item : array) items.push_back(copy(item, depth + 1));
    return items;
  }

  Node::Table copy_members(const toml::table& table, int depth) {
    Node::Table members;
    members.reserve(table.size());
    for (const auto& [key, value] : table) {
      members.push_back(Member{std::string(key.str()), position_of(key.source().begin), copy(value, depth + 1)});
    }
    return members;
  }

  std::optional<SyntaxError> too_deep_;
};

}  // namespace

std::expected<Node, SyntaxError> read_toml(std::string_view text) {
  if (text.size() > largest_file) return std::unexpected(SyntaxError{{}, "the file is larger than 1 MiB"});
  if (auto dots = check_dots(text); !dots) return std::unexpected(dots.error());
  try {
    Copier copier;
    Node root = copier.copy(toml::parse(text), 0);
    root.where = Position{};
    if (copier.too_deep()) return std::unexpected(*copier.too_deep());
    return root;
  } catch (const toml::parse_error& error) {
    const Position where = position_of(error.source().begin);
    return std::unexpected(SyntaxError{where, std::string(error.description()) + hint(text, where)});
  }
}

}  // namespace conf

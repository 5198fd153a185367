// Printing of values as TOML and JSON, and the way to a value by its key.
#include "conf/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace conf {
namespace {

/// TOML's basic strings and JSON's strings share these escapes.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (octet < 0x20U || octet == 0x7FU) {
      result += fmt::format("\\u{:04x}", octet);
    } else {
      result += c;
    }
  }
  return result + '"';
}

struct Notation {
  std::string_view assign;
  bool quoted_names;
};
constexpr Notation toml{" = ", false};
constexpr Notation json{": ", true};

/// A name that TOML takes without quotes.
bool is_bare(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string print(const Node& node, const Notation& notation) {
  if (const std::string* text = node.text()) return quoted(*text);
  if (const std::int64_t* number = node.number()) return fmt::format("{}", *number);
  if (const bool* boolean = node.boolean()) return *boolean ? "true" : "false";
  std::string inside;
  if (const Node::Array* array = node.array()) {
    for (const Node& item : *array) inside += (inside.empty() ? "" : ", ") + print(item, notation);
    return "[" + inside + "]";
  }
  if (const Node::Table* table = node.table()) {
    for (const Member& member : *table) {
      if (!inside.empty()) inside += ", ";
      inside += notation.quoted_names || !is_bare(member.name) ? quoted(member.name) : member.name;
      inside += notation.assign;
      inside += print(member.value, notation);
    }
  }
  return "{" + inside + "}";
}

const Node* member_of(const Node& node, std::string_view name) {
  const Node::Table* table = node.table();
  if (table == nullptr) return nullptr;
  const auto found = std::ranges::find(*table, name, &Member::name);
  return found == table->end() ? nullptr : &found->value;
}

}  // namespace

Node text_node(std::string_view text) { return Node{std::string(text)}; }
Node number_node(std::int64_t number) { return Node{number}; }

std::string_view type_name(const Node& node) {
  if (const auto* other = std::get_if<Node::Other>(&node.value)) return other->name;
  constexpr std::array<std::string_view, 5> names{"text", "a number", "true or false", "a list", "a table"};
  return names[node.value.index()];
}

std::string to_toml(const Node& node) { return print(node, toml); }
std::string to_json(const Node& node) { return print(node, json); }

const Node& find_nearest(const Node& root, std::string_view key, std::size_t block) {
  const Node* node = &root;
  for (const std::string_view name : base::split(key, '.')) {
    const Node* next = member_of(*node, name);
    if (next == nullptr) break;
    node = next;
    const Node::Array* blocks = node->array();
    if (blocks != nullptr && block < blocks->size() && (*blocks)[block].table() != nullptr) node = &(*blocks)[block];
  }
  return *node;
}

}  // namespace conf

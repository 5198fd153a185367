// The field list: every key with its member, its meaning and its check. Reading, showing and documenting walk the same list.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "conf/config.h"
#include "conf/values.h"

namespace conf {

struct Entry;
using Entries = std::vector<Entry>;

enum class Need : std::uint8_t { optional, required };

/// A key with a value, tied to a member of one Config.
struct Field {
  std::function<void(const Node& node, Place& place)> read;  ///< complains, or sets the member
  std::function<Node()> show;
  EnumWords words = {};              ///< what may be written, for an enumeration
  std::optional<Node> example = {};  ///< the sample file shows this instead of the default
  Need need = Need::optional;
};

/// A key of a feature that is not there yet: nothing but `off` may be written.
struct LaterField {
  Node off;
};

/// [name]
struct Table {
  std::vector<Entry> entries;
};

/// [[name]]: so many as the file has; the first in the file replaces the defaults.
struct Blocks {
  std::function<void()> clear;
  std::function<Entries()> add;               ///< one more with its defaults; its entries are good until the next
  std::function<std::vector<Entries>()> all;  ///< those that are there
};

struct Entry {
  std::string name;
  std::string_view help;
  std::variant<Field, LaterField, Table, Blocks> what;

  /// The same with a value that the sample file shows.
  Entry shown_as(Node example) &&;
  /// The same, and the key has to be written.
  Entry required(Node example) &&;
};

/// All of the configuration. The entries point into `config`.
Entries entries_of(Config& config);
/// Of a [[reply]], in the configuration and in the built-in table of receivers.
Entries entries_of(ReplyRule& rule);

template <class T>
Entry field(std::string_view name, T& member, std::string_view help, Check<std::type_identity_t<T>> check = {}) {
  Field made;
  made.read = [&member, check = std::move(check)](const Node& node, Place& place) {
    auto value = Reading<T>::read(node, place);
    if (!value) return;
    const std::string wrong = check ? check(*value) : std::string();
    if (!wrong.empty()) return place.complain(node, wrong);
    member = std::move(*value);
  };
  made.show = [&member] { return show_value(member); };
  if constexpr (std::is_enum_v<T>) made.words = words_of(T{});
  return Entry{std::string(name), help, std::move(made)};
}

/// A list: `each` looks at every item, `whole` at the list when all items are right.
template <class T>
Entry list(std::string_view name, std::vector<T>& member, std::string_view help, Check<std::type_identity_t<T>> each = {},
           Check<std::vector<std::type_identity_t<T>>> whole = {}) {
  Field made;
  made.read = [&member, each = std::move(each), whole = std::move(whole)](const Node& node, Place& place) {
    if (node.array() == nullptr) return place.complain_of_type(node, "a list like [\"...\"]");
    std::vector<T> values;
    for (const Node& item : *node.array()) {
      auto value = Reading<T>::read(item, place);
      if (!value) continue;
      const std::string wrong = each ? each(*value) : std::string();
      if (!wrong.empty()) place.complain(item, wrong);
      values.push_back(std::move(*value));
    }
    if (values.size() != node.array()->size()) return;
    const std::string wrong = whole ? whole(values) : std::string();
    if (!wrong.empty()) return place.complain(node, wrong);
    member = std::move(values);
  };
  made.show = [&member] { return show_value(member); };
  return Entry{std::string(name), help, std::move(made)};
}

template <class T>
Entry blocks(std::string_view name, std::vector<T>& members, std::string_view help, Entries (*entries)(T&)) {
  Blocks made;
  made.clear = [&members] { members.clear(); };
  made.add = [&members, entries] { return entries(members.emplace_back()); };
  made.all = [&members, entries] {
    std::vector<Entries> all;
    all.reserve(members.size());
    for (T& member : members) all.push_back(entries(member));
    return all;
  };
  return Entry{std::string(name), help, std::move(made)};
}

}  // namespace conf

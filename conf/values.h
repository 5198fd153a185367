// How each type of value is spelled in the file: read with complaints that say what to write, and shown again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "conf/config.h"
#include "conf/mistakes.h"
#include "conf/node.h"

namespace conf {

/// The key that is being read: where its complaints go.
class Place {
 public:
  Place(Mistakes& mistakes, std::string key, std::string_view directory)
      : mistakes_(mistakes), key_(std::move(key)), directory_(directory) {}

  void complain(const Node& node, std::string_view words) { mistakes_.add(node.where, key_, words); }
  /// "expected <what>, not <type of node>".
  void complain_of_type(const Node& node, std::string_view what);
  const std::string& key() const { return key_; }
  /// Relative paths are relative to this folder.
  const std::string& directory() const { return directory_; }

 private:
  Mistakes& mistakes_;
  std::string key_;
  std::string directory_;
};

/// What is wrong with a value (empty: nothing); may bring it to its normal form.
template <class T>
using Check = std::function<std::string(T&)>;

/// The words of an enumeration in the order of its enumerators.
struct EnumWords {
  std::span<const std::string_view> known;
};
EnumWords words_of(LogLevel);
EnumWords words_of(LogFormat);
EnumWords words_of(ListenTls);
EnumWords words_of(TlsMinimum);
EnumWords words_of(BareNewline);
EnumWords words_of(Malformed);
EnumWords words_of(LongLines);
EnumWords words_of(Trace);
EnumWords words_of(DkimMode);
EnumWords words_of(OnSignFailure);
EnumWords words_of(Unsigned);
EnumWords words_of(DeliveryTls);
EnumWords words_of(ReplyAction);
EnumWords words_of(ReplyScope);
EnumWords words_of(IpVersions);

/// Each gives nothing after it has complained.
template <class T>
struct Reading {
  static std::optional<T> read(const Node& node, Place& place);
};
template <>
std::optional<std::string> Reading<std::string>::read(const Node& node, Place& place);
template <>
std::optional<bool> Reading<bool>::read(const Node& node, Place& place);
template <>
std::optional<std::uint64_t> Reading<std::uint64_t>::read(const Node& node, Place& place);
template <>
std::optional<std::uint16_t> Reading<std::uint16_t>::read(const Node& node, Place& place);
template <>
std::optional<Duration> Reading<Duration>::read(const Node& node, Place& place);
template <>
std::optional<std::optional<Duration>> Reading<std::optional<Duration>>::read(const Node& node, Place& place);  ///< "": unset
template <>
std::optional<std::optional<base::Rate>> Reading<std::optional<base::Rate>>::read(const Node& node, Place& place);  ///< "": unset
template <>
std::optional<Bytes> Reading<Bytes>::read(const Node& node, Place& place);
template <>
std::optional<base::Endpoint> Reading<base::Endpoint>::read(const Node& node, Place& place);
template <>
std::optional<base::Cidr> Reading<base::Cidr>::read(const Node& node, Place& place);
template <>
std::optional<Aliases> Reading<Aliases>::read(const Node& node, Place& place);

/// The index of the word, in the order of `words.known`.
std::optional<std::size_t> read_word(const Node& node, Place& place, const EnumWords& words);

template <class T>
  requires std::is_enum_v<T>
struct Reading<T> {
  static std::optional<T> read(const Node& node, Place& place) {
    const auto index = read_word(node, place, words_of(T{}));
    if (!index) return std::nullopt;
    return static_cast<T>(*index);
  }
};

/// "": unset.
template <class T>
  requires std::is_enum_v<T>
struct Reading<std::optional<T>> {
  static std::optional<std::optional<T>> read(const Node& node, Place& place) {
    if (node.text() != nullptr && node.text()->empty()) return std::optional<T>();
    return Reading<T>::read(node, place);
  }
};

/// An absolute path: relative ones are taken from place.directory(). The empty text stays empty.
std::optional<std::string> read_path(const Node& node, Place& place);

Node show_value(const std::string& value);
Node show_value(bool value);
Node show_value(std::uint64_t value);
Node show_value(std::uint16_t value);
Node show_value(Duration value);
Node show_value(std::optional<Duration> value);
Node show_value(const std::optional<base::Rate>& value);
Node show_value(Bytes value);
Node show_value(const base::Endpoint& value);
Node show_value(const base::Cidr& value);
Node show_value(const Aliases& value);
template <class T>
  requires std::is_enum_v<T>
Node show_value(T value) {
  return text_node(words_of(value).known[static_cast<std::size_t>(value)]);
}
template <class T>
  requires std::is_enum_v<T>
Node show_value(std::optional<T> value) {
  return value ? show_value(*value) : text_node("");
}
template <class T>
Node show_value(const std::vector<T>& values) {
  Node::Array items;
  for (const T& value : values) items.push_back(show_value(value));
  return Node{std::move(items)};
}

}  // namespace conf

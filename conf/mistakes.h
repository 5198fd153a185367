// What is wrong with a configuration file, gathered so that one reading tells all of it.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "conf/node.h"

namespace conf {

class Mistakes {
 public:
  /// `key` may be empty; `words` say what is wrong and what to write instead.
  void add(Position where, std::string_view key, std::string_view words);
  bool empty() const { return all_.empty(); }
  /// There is already a mistake at this key, so that its value is not the one in the file.
  bool touches(std::string_view key) const;
  /// One a line in the order of the file: "<name>:<line>:<column>: <key>: <words>"; at most 100.
  std::string to_string(std::string_view name) const;

 private:
  struct Mistake {
    Position where;
    std::string key;
    std::string words;
    friend auto operator<=>(const Mistake&, const Mistake&) = default;
  };
  std::vector<Mistake> all_;
};

}  // namespace conf

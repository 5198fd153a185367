// The patterns of paused destinations: which one matches a name.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace queue {

/// The patterns stay where they are in memory until they are removed, so that pointers to them serve as marks.
class Pauses {
 public:
  /// The same pattern again is one pattern.
  const std::string* add(std::string pattern) { return &*patterns_.insert(std::move(pattern)).first; }
  bool remove(const std::string& pattern) { return patterns_.erase(pattern) > 0; }
  /// A pattern that matches (case is ignored), or null.
  const std::string* match(std::string_view name) const;
  const std::string* find(const std::string& pattern) const;
  bool empty() const { return patterns_.empty(); }

 private:
  std::set<std::string> patterns_;
};

}  // namespace queue

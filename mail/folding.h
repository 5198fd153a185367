// Structured header fields that we write: word after word, a new line where one would become too wide.
#pragma once

#include <string>
#include <string_view>

namespace mail {

/// A field under construction. Lines are of at most 78 octets (RFC 5322 2.1.1) where words allow it.
class FoldedField {
 public:
  /// `start` is "Name:"; lines that follow begin with `indent`, a blank or a tab.
  FoldedField(std::string_view start, char indent) : text_(start), width_(start.size()), indent_(indent) {}

  /// What comes next stands in a new line.
  void fold();
  /// One word behind a blank, or in a new line instead; "?" for what is not printable ASCII.
  void add(std::string_view word);
  /// With the final CR LF.
  std::string finish() &&;

 private:
  std::string text_;
  std::size_t width_;  // of the last line
  char indent_;
};

}  // namespace mail

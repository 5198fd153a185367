// Tables for people: columns that fit the terminal, colours only there.
#pragma once

#include <string>
#include <vector>

namespace relay::cli {

/// Columns of the terminal; 80 when the output is none, and never under 40.
std::size_t terminal_width();

/// Rows of cells under headings; where they are wider than the terminal the widest columns are cut, with an ellipsis.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string to_string(std::size_t width) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace relay::cli

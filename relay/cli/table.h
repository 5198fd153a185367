// Tables for people: columns that share the width of the terminal, each row one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/cli/display.h"

namespace relay::cli {

enum class Align : std::uint8_t { left, right };

/// How a column gives way when the table is wider than the terminal.
class Column {
 public:
  std::string heading;
  Align align = Align::left;
  Cut cut = Cut::end;
  std::size_t least = 0;   ///< columns that it keeps, the ellipsis included; 0: it is never cut
  std::size_t weight = 1;  ///< its share of what there is, beside other columns that are cut
  unsigned rank = 0;       ///< when even the least does not fit the column of the highest rank is left out; 0: never
};

/// Colours that mean something, on a terminal that has them.
enum class Tone : std::uint8_t { plain, good, warning, bad };
enum class Colours : std::uint8_t { off, on };
std::string coloured(std::string_view text, Tone tone, Colours colours);

class Cell {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a cell is mostly just text
  Cell(std::string words, Tone in = Tone::plain) : text(safe_text(words)), tone(in) {}

  std::string text;  ///< safe for a terminal whatever it was made of
  Tone tone;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);
  /// As many cells as there are columns.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  /// The rows added since the last call, under headings the first time. No line is wider than `width`; columns stay where they
  /// were as far as the new rows allow.
  std::string take(std::size_t width, Colours colours);

 private:
  void measure();

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
  std::vector<std::size_t> natural_;  ///< the widest cell so far
  bool headed_ = false;
};

}  // namespace relay::cli

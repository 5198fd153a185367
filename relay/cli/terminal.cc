// Laying out a table by the width of the terminal.
#include "relay/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace relay::cli {
namespace {

constexpr std::size_t usual_width = 80;
constexpr std::size_t least_width = 40;
constexpr std::size_t gap = 2;
/// What is narrower says nothing any more: then the line is longer than the terminal.
constexpr std::size_t narrowest_column = 11;

/// Code points, near enough to columns for addresses and replies.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string cut(const std::string& text, std::size_t width) {
  if (columns_of(text) <= width) return text;
  std::string result;
  std::size_t used = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && ++used >= width) break;
    result += c;
  }
  return result + "…";
}

void append_row(std::string& text, const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string cell = cut(row[i], widths[i]);
    line += cell;
    if (i + 1 < row.size()) line.append(widths[i] - columns_of(cell) + gap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

}  // namespace

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_width;
  return std::max<std::size_t>(size.ws_col, least_width);
}

std::string Table::to_string(std::size_t width) const {
  std::vector<std::size_t> widths;
  widths.reserve(headings_.size());
  for (const std::string& heading : headings_) widths.push_back(columns_of(heading));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::size_t total = gap * (widths.size() - 1);
  for (const std::size_t column : widths) total += column;
  while (total > width) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= narrowest_column) break;
    --*widest;
    --total;
  }
  std::string text;
  append_row(text, headings_, widths);
  for (const auto& row : rows_) append_row(text, row, widths);
  return text;
}

}  // namespace relay::cli

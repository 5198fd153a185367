// Sharing out the width of a terminal.
#include "relay/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace relay::cli {
namespace {

constexpr std::size_t usual_gap = 2;
constexpr std::size_t least_gap = 1;

/// Width of each column that is shown, by its number.
struct Layout {
  std::vector<std::size_t> shown;
  std::vector<std::size_t> widths;
  std::size_t gap = usual_gap;

  std::size_t total() const {
    return std::accumulate(widths.begin(), widths.end(), shown.empty() ? 0 : gap * (shown.size() - 1));
  }
};

std::size_t least_of(const Column& column, std::size_t natural) {
  return column.least == 0 ? natural : std::min(column.least, natural);
}

/// Takes columns from those that have the most for their weight, down to the least of each.
void shrink(Layout& layout, const std::vector<Column>& columns, std::size_t width) {
  for (std::size_t total = layout.total(); total > width; --total) {
    std::optional<std::size_t> richest;
    for (std::size_t i = 0; i < layout.shown.size(); ++i) {
      const Column& column = columns[layout.shown[i]];
      if (column.least == 0 || layout.widths[i] <= column.least) continue;
      if (!richest || layout.widths[i] * columns[layout.shown[*richest]].weight > layout.widths[*richest] * column.weight)
        richest = i;
    }
    if (!richest) return;
    --layout.widths[*richest];
  }
}

/// The columns that there is room for at their least, without those of the highest ranks.
std::vector<std::size_t> shown_columns(const std::vector<Column>& columns, const std::vector<std::size_t>& natural,
                                       std::size_t width) {
  std::vector<std::size_t> shown(columns.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  for (;;) {
    std::size_t needed = least_gap * (shown.size() - 1);
    for (const std::size_t i : shown) needed += least_of(columns[i], natural[i]);
    if (needed <= width) return shown;
    const auto last = std::ranges::max_element(shown, {}, [&](std::size_t i) { return columns[i].rank; });
    if (columns[*last].rank == 0) return shown;
    shown.erase(last);
  }
}

Layout lay_out(const std::vector<Column>& columns, const std::vector<std::size_t>& natural, std::size_t width) {
  Layout layout;
  layout.shown = shown_columns(columns, natural, width);
  for (const std::size_t i : layout.shown) layout.widths.push_back(natural[i]);
  if (layout.total() <= width) return layout;
  layout.gap = least_gap;
  shrink(layout, columns, width);
  return layout;
}

void append_row(std::string& text, const std::vector<Cell>& row, const std::vector<Column>& columns, const Layout& layout,
                std::size_t width, Colours colours) {
  std::string line;
  std::size_t used = 0;  // columns, trailing blanks left out
  std::size_t start = 0;
  for (std::size_t i = 0; i < layout.shown.size(); ++i) {
    const Column& column = columns[layout.shown[i]];
    const Cell& cell = row[layout.shown[i]];
    const std::size_t room = start >= width ? 0 : std::min(layout.widths[i], width - start);
    const std::string shown = cut_text(cell.text, room, column.cut);
    const std::size_t taken = display_width(shown);
    const std::size_t from = start + (column.align == Align::right ? room - taken : 0);
    if (taken > 0) {
      line.append(from - used, ' ');
      line += coloured(shown, cell.tone, colours);
      used = from + taken;
    }
    start += layout.widths[i] + layout.gap;
  }
  text += line + '\n';
}

}  // namespace

std::string coloured(std::string_view text, Tone tone, Colours colours) {
  if (colours == Colours::off) return std::string(text);
  switch (tone) {
    case Tone::plain: return std::string(text);
    case Tone::good: return fmt::format("\x1b[32m{}\x1b[0m", text);
    case Tone::warning: return fmt::format("\x1b[33m{}\x1b[0m", text);
    case Tone::bad: return fmt::format("\x1b[31m{}\x1b[0m", text);
  }
  return std::string(text);
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  natural_.reserve(columns_.size());
  for (const Column& column : columns_) natural_.push_back(display_width(column.heading));
}

void Table::measure() {
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < natural_.size(); ++i) natural_[i] = std::max(natural_[i], display_width(row[i].text));
  }
}

std::string Table::take(std::size_t width, Colours colours) {
  measure();
  const Layout layout = lay_out(columns_, natural_, width);
  std::string text;
  if (!headed_) {
    std::vector<Cell> headings;
    headings.reserve(columns_.size());
    for (const Column& column : columns_) headings.emplace_back(column.heading);
    std::vector<Column> cut_at_end = columns_;
    for (Column& column : cut_at_end) column.cut = Cut::end;
    append_row(text, headings, cut_at_end, layout, width, Colours::off);
    if (colours == Colours::on && text.size() > 1) text = fmt::format("\x1b[1m{}\x1b[0m\n", text.substr(0, text.size() - 1));
    headed_ = true;
  }
  for (const auto& row : rows_) append_row(text, row, columns_, layout, width, colours);
  rows_.clear();
  return text;
}

}  // namespace relay::cli

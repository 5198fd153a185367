// The terminal, or whatever else standard output is: its size, its colours, the pager, and views that are drawn again.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "relay/cli/table.h"

namespace relay::cli {

/// Columns of the terminal. Where there is none: what COLUMNS says, else 80. Never under 40.
std::size_t terminal_width();
/// Lines of the terminal; 0 where there is none.
std::size_t terminal_height();
/// On a terminal that is not "dumb", unless NO_COLOR is set (no-color.org).
Colours terminal_colours();

/// Standard output for people. What is longer than the terminal goes through the pager: PAGER, else "less -FRX"; an empty PAGER
/// or "cat" is none. Elsewhere it is written as it comes.
class Screen {
 public:
  Screen();
  /// Waits for the pager.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::size_t width() const { return width_; }
  Colours colours() const { return colours_; }
  /// Whole lines. False when nobody reads any more: the rest need not be made.
  bool print(std::string_view lines);

 private:
  bool flush();

  std::size_t width_;
  std::size_t height_;  ///< 0: no pager
  Colours colours_;
  std::string waiting_;    ///< until it is known whether the pager is needed
  std::size_t lines_ = 0;  ///< in waiting_
  FILE* pager_ = nullptr;
  bool ended_ = false;
};

/// What a view may take up: on a terminal at most `lines`, elsewhere 0: all of it.
struct ViewSize {
  std::size_t width = 80;
  std::size_t lines = 0;
  Colours colours = Colours::off;
};
/// Draws a view every two seconds until SIGINT or SIGTERM, or until nobody reads: in place on a terminal, elsewhere as blocks,
/// each under the time.
void watch(const std::function<std::string(const ViewSize&)>& view);

}  // namespace relay::cli

// The terminal, the pager and views that are drawn again; a real pseudo-terminal is what the program sees.
#include "relay/cli/terminal.h"

#include <cstdlib>

#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/relay/shown.h"

namespace {

using relay::cli::Colours;
using world::Shown;

void set(const char* name, const char* value) { ::setenv(name, value, 1); }

void print_lines(int count) {
  relay::cli::Screen screen;
  for (int i = 1; i <= count; ++i) screen.print("line " + std::to_string(i) + "\n");
}

}  // namespace

TEST_CASE("tables are as wide as the terminal") {
  const auto tell = [] { std::printf("%zu x %zu\n", relay::cli::terminal_width(), relay::cli::terminal_height()); };
  CHECK(Shown(132, 43, tell).all() == "132 x 43\n");
  CHECK(Shown(20, 10, tell).all() == "40 x 10\n");
}

TEST_CASE("where there is no terminal there are 80 columns, or what COLUMNS says") {
  const auto tell = [](const char* columns) {
    return [columns] {
      set("COLUMNS", columns);
      std::printf("%zu x %zu\n", relay::cli::terminal_width(), relay::cli::terminal_height());
    };
  };
  CHECK(Shown(0, 0, tell("")).all() == "80 x 0\n");
  CHECK(Shown(0, 0, tell("120")).all() == "120 x 0\n");
  CHECK(Shown(0, 0, tell("wide")).all() == "80 x 0\n");
  CHECK(Shown(100, 30, tell("120")).all() == "100 x 30\n");
}

TEST_CASE("colours are for terminals that may have them") {
  const auto tell = [](const char* term, const char* no_color) {
    return [term, no_color] {
      set("TERM", term);
      set("NO_COLOR", no_color);
      std::printf(relay::cli::terminal_colours() == Colours::on ? "on" : "off");
    };
  };
  CHECK(Shown(80, 24, tell("xterm", "")).all() == "on");
  CHECK(Shown(80, 24, tell("xterm", "1")).all() == "off");
  CHECK(Shown(80, 24, tell("dumb", "")).all() == "off");
  CHECK(Shown(0, 0, tell("xterm", "")).all() == "off");
}

TEST_CASE("what is longer than the terminal goes through the pager") {
  const auto work = [](int lines) {
    return [lines] {
      set("PAGER", "sed s/line/paged/");
      print_lines(lines);
    };
  };
  CHECK(Shown(80, 5, work(4)).all() == "line 1\nline 2\nline 3\nline 4\n");
  CHECK(Shown(80, 5, work(6)).all() == "paged 1\npaged 2\npaged 3\npaged 4\npaged 5\npaged 6\n");
  CHECK(Shown(0, 0, work(6)).all() == "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n");
}

TEST_CASE("no pager is needed: an empty one, cat, and one that is not there") {
  for (const char* pager : {"", "cat", "/nothing/here -x"}) {
    const auto work = [pager] {
      set("PAGER", pager);
      print_lines(6);
    };
    CHECK(Shown(80, 5, work).all() == "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n");
  }
}

TEST_CASE("when the reader of a pager has seen enough, no more is made") {
  const auto work = [] {
    set("PAGER", "head -n 1");
    int made = 0;
    {
      relay::cli::Screen screen;
      while (made < 1'000'000 && screen.print("line " + std::to_string(made) + "\n")) ++made;
    }
    std::printf(made < 1'000'000 ? "enough" : "all");
  };
  CHECK(Shown(80, 5, work).all() == "line 0\nenough");
}

TEST_CASE("a watched view is drawn in place, never longer than the terminal, until it is interrupted") {
  const auto work = [] {
    int drawn = 0;
    relay::cli::watch([&drawn](const relay::cli::ViewSize& size) {
      std::string text = "view " + std::to_string(++drawn) + " of " + std::to_string(size.lines) + "\n";
      for (int i = 0; i < 50; ++i) text += "row\n";
      return text;
    });
    std::printf("ended");
  };
  Shown shown(80, 10, work);
  const std::string text = shown.read_until("view 2");
  shown.interrupt();
  CHECK(shown.all().ends_with("ended"));
  CHECK(text.starts_with("\x1b[2J\x1b[H"));
  CHECK(text.find("view 1 of 8\x1b[K\n") != std::string::npos);
  const std::string first = text.substr(0, text.find("\x1b[J"));
  CHECK(base::split(first, '\n').size() == 10);
}

TEST_CASE("elsewhere a watched view comes as blocks") {
  const auto work = [] {
    relay::cli::watch([](const relay::cli::ViewSize& size) { return "view of " + std::to_string(size.lines) + "\n"; });
  };
  Shown shown(0, 0, work);
  const std::string text = shown.read_until("view of 0\n\n");
  shown.interrupt();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("every 2 s") < text.find("view of 0"));
  shown.all();
}

// Tables for people: every row one line, no line wider than the terminal.
#include "relay/cli/table.h"

#include "base/text.h"
#include "tests/catch.h"

namespace {

using relay::cli::Align;
using relay::cli::Cell;
using relay::cli::Colours;
using relay::cli::Cut;
using relay::cli::display_width;
using relay::cli::Table;
using relay::cli::Tone;

Table sample() {
  Table table({{.heading = "ID"},
               {.heading = "AGE", .align = Align::right, .rank = 1},
               {.heading = "RECIPIENT", .cut = Cut::address, .least = 10, .weight = 2},
               {.heading = "LAST REPLY", .least = 10}});
  table.add({std::string("0ABCDEFGHJK"), std::string("12m"), std::string("robert.miller@example.net"),
             std::string("450 4.2.0 greylisted, come back in five minutes please")});
  table.add({std::string("0ABCDEFGHJM"), std::string("3s"), std::string("a@b.example"), std::string()});
  return table;
}

std::string at(std::size_t width) { return sample().take(width, Colours::off); }

}  // namespace

TEST_CASE("a table that fits is as wide as its cells") {
  CHECK(at(120) ==
        "ID           AGE  RECIPIENT                  LAST REPLY\n"
        "0ABCDEFGHJK  12m  robert.miller@example.net  450 4.2.0 greylisted, come back in five minutes please\n"
        "0ABCDEFGHJM   3s  a@b.example\n");
}

TEST_CASE("what does not fit is cut where it says least, after the gaps") {
  CHECK(at(50) ==
        "ID          AGE RECIPIENT              LAST REPLY\n"
        "0ABCDEFGHJK 12m robert.mi…@example.net 450 4.2.0 …\n"
        "0ABCDEFGHJM  3s a@b.example\n");
}

TEST_CASE("the least of each column stays") {
  CHECK(at(40) ==
        "ID          AGE RECIPIENT     LAST REPLY\n"
        "0ABCDEFGHJK 12m …@example.net 450 4.2.0…\n"
        "0ABCDEFGHJM  3s a@b.example\n");
}

TEST_CASE("below that the column of the highest rank is left out, and an id is never cut") {
  CHECK(at(35) ==
        "ID          RECIPIENT    LAST REPLY\n"
        "0ABCDEFGHJK …example.net 450 4.2.0…\n"
        "0ABCDEFGHJM a@b.example\n");
}

TEST_CASE("no line is ever wider than the terminal") {
  for (std::size_t width = 1; width < 130; ++width) {
    const std::string text = at(width);
    const auto lines = base::split(text, '\n');
    REQUIRE(lines.size() == 4);  // the last one is empty
    for (const std::string_view line : lines) CHECK(display_width(line) <= width);
  }
}

TEST_CASE("wide characters keep the columns in line") {
  Table table({{.heading = "A"}, {.heading = "B"}});
  table.add({std::string("用户"), std::string("x")});
  table.add({std::string("äöü"), std::string("y")});
  CHECK(table.take(80, Colours::off) == "A     B\n用户  x\näöü   y\n");
}

TEST_CASE("a cell is one line and sends no control sequence, whatever a receiver said") {
  Table table({{.heading = "REPLY"}});
  table.add({std::string("550 \x1b[31m no\r\n250 forged")});
  CHECK(table.take(80, Colours::on) == "\x1b[1mREPLY\x1b[0m\n550 \\x1b[31m no\\x0d\\x0a250 forged\n");
}

TEST_CASE("colours take no columns and stand only where they are wanted") {
  Table table({{.heading = "STATE"}, {.heading = "X"}});
  table.add({Cell("held", Tone::warning), std::string("1")});
  CHECK(table.take(80, Colours::on) == "\x1b[1mSTATE  X\x1b[0m\n\x1b[33mheld\x1b[0m   1\n");
  table.add({Cell("held", Tone::warning), std::string("1")});
  CHECK(table.take(80, Colours::off) == "held   1\n");
}

TEST_CASE("a long listing has one heading, and its columns stay where they are") {
  Table table({{.heading = "A"}, {.heading = "B"}});
  table.add({std::string("abcdef"), std::string("x")});
  CHECK(table.take(80, Colours::off) == "A       B\nabcdef  x\n");
  CHECK(table.empty());
  table.add({std::string("a"), std::string("x")});
  CHECK(table.take(80, Colours::off) == "a       x\n");
}

// Tables for people.
#include "relay/cli/terminal.h"

#include "base/text.h"
#include "tests/catch.h"

namespace {

using relay::cli::Table;

Table sample() {
  Table table({"ID", "RECIPIENT", "LAST REPLY"});
  table.add({"0ABCDEFGHJK", "bob@example.net", "450 4.2.0 greylisted, come back in five minutes please"});
  table.add({"0ABCDEFGHJM", "a@b.example", ""});
  return table;
}

}  // namespace

TEST_CASE("a table that fits is as wide as its cells") {
  CHECK(sample().to_string(120) ==
        "ID           RECIPIENT        LAST REPLY\n"
        "0ABCDEFGHJK  bob@example.net  450 4.2.0 greylisted, come back in five minutes please\n"
        "0ABCDEFGHJM  a@b.example\n");
}

TEST_CASE("the widest column is cut to the terminal") {
  CHECK(sample().to_string(50) ==
        "ID           RECIPIENT        LAST REPLY\n"
        "0ABCDEFGHJK  bob@example.net  450 4.2.0 greyliste…\n"
        "0ABCDEFGHJM  a@b.example\n");
}

TEST_CASE("an id is never cut") {
  const std::string text = sample().to_string(10);
  CHECK(text.find("0ABCDEFGHJK") != std::string::npos);
  CHECK(text.find("0ABCDEFGHJM") != std::string::npos);
}

TEST_CASE("characters are counted, not octets") {
  Table table({"A", "B"});
  table.add({"äöü", "x"});
  table.add({"abc", "y"});
  CHECK(table.to_string(80) == "A    B\näöü  x\nabc  y\n");
}

TEST_CASE("a table without rows is empty") {
  Table table({"A"});
  CHECK(table.empty());
  CHECK(table.to_string(80) == "A\n");
}

TEST_CASE("where there is no terminal it has 80 columns") { CHECK(relay::cli::terminal_width() >= 40); }

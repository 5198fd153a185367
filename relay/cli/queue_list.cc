// queue list: one line per message and pending recipient.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;

/// Rows of each block of --watch where there is no terminal whose height says how many.
constexpr std::uint64_t rows_of_a_block = 50;

std::vector<Cell> cells_of(const json::object& row) {
  return {text_of(row, "id"),
          short_age(number_of(row, "age_seconds")),
          size_text(row.at("size").to_number<std::uint64_t>()),
          sender_text(text_of(row, "sender")),
          text_of(row, "recipient"),
          state_cell(text_of(row, "state")),
          text_of(row, "attempts"),
          next_text(row),
          text_of(row, "last_reply")};
}

Table make_table() {
  return Table({{.heading = "ID"},
                {.heading = "AGE", .align = Align::right, .rank = 2},
                {.heading = "SIZE", .align = Align::right, .rank = 5},
                {.heading = "SENDER", .cut = Cut::address, .least = 8, .weight = 3, .rank = 3},
                {.heading = "RECIPIENT", .cut = Cut::address, .least = 8, .weight = 3},
                {.heading = "STATE"},
                {.heading = "TRY", .align = Align::right, .rank = 4},
                {.heading = "NEXT", .align = Align::right, .rank = 1},
                {.heading = "LAST REPLY", .least = 10, .weight = 2}});
}

int list_json(Source& source, const QueueArguments& arguments) {
  bool first = true;
  const auto print = [&first](const json::object& row) {
    std::cout << (first ? "[\n" : ",\n") << json::serialize(row);
    first = false;
  };
  const auto listed = source.each_row(arguments.filters, arguments.limit, print, [] { return std::cout.good(); });
  std::cout << (first ? "[]\n" : "\n]\n");
  if (listed) return done;
  complain(listed.error().words);
  return failed;
}

int list_table(Source& source, const QueueArguments& arguments) {
  Table table = make_table();
  Screen screen;
  const auto listed = source.each_row(
      arguments.filters, arguments.limit, [&](const json::object& row) { table.add(cells_of(row)); },
      [&] { return table.empty() || screen.print(table.take(screen.width(), screen.colours())); });
  if (!listed) {
    complain(listed.error().words);
    return failed;
  }
  if (*listed == 0) screen.print("no message matches\n");
  return done;
}

std::uint64_t limit_of(const QueueArguments& arguments, const ViewSize& size) {
  const std::uint64_t room = size.lines > 1 ? size.lines - 1 : rows_of_a_block;
  if (arguments.limit == 0) return room;
  return size.lines == 0 ? arguments.limit : std::min(arguments.limit, room);
}

/// One drawing of --watch, with the words of an error in its place: the relay may start again.
std::string drawing(const Common& common, const QueueArguments& arguments, const ViewSize& size) {
  auto source = Source::open(common);
  if (!source) return fmt::format("{}\n", safe_text(source.error().words));
  Table table = make_table();
  const auto listed = source->each_row(
      arguments.filters, limit_of(arguments, size), [&](const json::object& row) { table.add(cells_of(row)); },
      [] { return true; });
  if (!listed) return fmt::format("{}\n", safe_text(listed.error().words));
  return *listed == 0 ? std::string("no message matches\n") : table.take(size.width, size.colours);
}

}  // namespace

int queue_list(const Common& common, const QueueArguments& arguments) {
  const auto selection = admin::parse_selection(arguments.filters, base::now());
  if (!selection) {
    complain(selection.error().words);
    return wrong_usage;
  }
  if (arguments.watch) {
    watch([&](const ViewSize& size) { return drawing(common, arguments, size); });
    return done;
  }
  auto source = Source::open(common);
  if (!source) {
    complain(source.error().words);
    return failed;
  }
  return common.json ? list_json(*source, arguments) : list_table(*source, arguments);
}

}  // namespace relay::cli

// queue summary: what waits, by destination, by host or by sender.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;

/// Groups of each block of --watch where there is no terminal whose height says how many.
constexpr std::uint64_t rows_of_a_block = 20;
/// More of them nobody reads; programs get all.
constexpr std::uint64_t most_for_people = 1000;

/// How much its receiver takes now, where that is less than usual: "1/20 slow".
Cell limit_of(const json::object& row) {
  const json::value* value = row.if_contains("limit");
  if (value == nullptr || !value->is_object()) return std::string();
  const json::object& limit = value->as_object();
  return Cell(fmt::format("{}/{} {}", text_of(limit, "connections"), text_of(limit, "most_connections"), text_of(limit, "state")),
              Tone::warning);
}

bool is_limited(const json::value& row) {
  const json::value* limit = row.as_object().if_contains("limit");
  return limit != nullptr && limit->is_object();
}

enum class Limits : std::uint8_t { none, some };

Table make_table(const std::string& by, Limits limits) {
  const std::string heading = by == "mx" ? "MX" : by == "sender" ? "SENDER" : "DOMAIN";
  std::vector<Column> columns = {{.heading = heading, .cut = Cut::address, .least = 12, .weight = 2},
                                 {.heading = "WAIT", .align = Align::right},
                                 {.heading = "QUEUED", .align = Align::right, .rank = 3},
                                 {.heading = "DEFER", .align = Align::right, .rank = 4},
                                 {.heading = "HELD", .align = Align::right, .rank = 2},
                                 {.heading = "OLDEST", .align = Align::right},
                                 {.heading = "NEXT", .align = Align::right, .rank = 1}};
  if (limits == Limits::some) columns.push_back({.heading = "LIMIT"});
  columns.push_back({.heading = "LAST REPLY", .least = 10});
  return Table(std::move(columns));
}

/// A group without a name has one all the same.
std::string name_of(const json::object& row, const std::string& by) {
  std::string name = text_of(row, "name");
  if (!name.empty()) return name;
  return by == "sender" ? "<>" : by == "mx" ? "(none yet)" : "(others)";
}

std::vector<Cell> cells_of(const json::object& row, const std::string& by, Limits limits) {
  const std::string held = text_of(row, "held");
  std::vector<Cell> cells = {name_of(row, by),
                             text_of(row, "recipients"),
                             text_of(row, "queued"),
                             text_of(row, "deferred"),
                             Cell(held, held == "0" ? Tone::plain : Tone::warning),
                             short_age(number_of(row, "age_seconds")),
                             next_text(row)};
  if (limits == Limits::some) cells.push_back(limit_of(row));
  cells.emplace_back(text_of(row, "last_reply"));
  return cells;
}

/// The sums of all groups, and the age of the oldest.
std::vector<Cell> total_of(const json::array& rows, Limits limits) {
  constexpr std::array<std::string_view, 4> counts = {"recipients", "queued", "deferred", "held"};
  std::array<std::int64_t, counts.size()> sums = {};
  std::int64_t oldest = 0;
  for (const json::value& value : rows) {
    const json::object& row = value.as_object();
    for (std::size_t i = 0; i < counts.size(); ++i) sums[i] += number_of(row, counts[i]);
    oldest = std::max(oldest, number_of(row, "age_seconds"));
  }
  std::vector<Cell> cells = {fmt::format("TOTAL ({})", rows.size())};
  for (const std::int64_t sum : sums) cells.emplace_back(std::to_string(sum));
  cells.emplace_back(short_age(oldest));
  const std::size_t without = limits == Limits::some ? 3 : 2;
  for (std::size_t i = 0; i < without; ++i) cells.emplace_back(std::string());
  return cells;
}

base::Result<json::array> ask(Source& source, const std::string& by, std::uint64_t limit) {
  Source::Parameters parameters = {{"by", by}};
  if (limit != 0) parameters.emplace_back("limit", std::to_string(limit));
  return source.summary(parameters);
}

std::string laid_out(const json::array& rows, const std::string& by, std::uint64_t limit, std::size_t width, Colours colours) {
  if (rows.empty()) return "nothing waits\n";
  const Limits limits = std::ranges::any_of(rows, is_limited) ? Limits::some : Limits::none;
  Table table = make_table(by, limits);
  const bool is_whole = limit == 0 || rows.size() < limit;
  if (is_whole && rows.size() > 1) table.add(total_of(rows, limits));
  for (const json::value& row : rows) table.add(cells_of(row.as_object(), by, limits));
  return table.take(width, colours);
}

/// One drawing of --watch, with the words of an error in its place: the relay may start again.
std::string drawing(const Common& common, const QueueArguments& arguments, const ViewSize& size) {
  auto source = Source::open(common);
  if (!source) return fmt::format("{}\n", safe_text(source.error().words));
  const std::uint64_t room = size.lines > 2 ? size.lines - 2 : rows_of_a_block;
  const std::uint64_t limit = arguments.limit == 0 ? room : arguments.limit;
  const auto rows = ask(*source, arguments.by, limit);
  if (!rows) return fmt::format("{}\n", safe_text(rows.error().words));
  return laid_out(*rows, arguments.by, limit, size.width, size.colours);
}

}  // namespace

int queue_summary(const Common& common, const QueueArguments& arguments) {
  if (arguments.watch) {
    watch([&](const ViewSize& size) { return drawing(common, arguments, size); });
    return done;
  }
  const bool for_people = !common.json && arguments.limit == 0;
  const std::uint64_t limit = for_people ? most_for_people : arguments.limit;
  auto source = Source::open(common);
  const auto rows = source ? ask(*source, arguments.by, limit) : std::unexpected(source.error());
  if (!rows) {
    complain(rows.error().words);
    return failed;
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(*rows));
  } else {
    Screen screen;
    screen.print(laid_out(*rows, arguments.by, limit, screen.width(), screen.colours()));
    if (for_people && rows->size() == limit) {
      screen.print(fmt::format("the {} largest; --limit N shows more, --json all\n", count_text(limit)));
    }
  }
  return done;
}

}  // namespace relay::cli

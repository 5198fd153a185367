// queue list|show|cat|retry|drop and status: through the admin socket, and for reading from the database when the relay is
// stopped.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <functional>
#include <iostream>
#include <set>

#include "base/text.h"
#include "queue/content_file.h"
#include "relay/admin/views.h"
#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Kind;
using base::Result;

constexpr std::size_t page_rows = 1000;
constexpr std::size_t ids_per_request = 5000;

/// In three or four columns: "99s", "12m", "47h", "9d".
std::string short_age(std::int64_t seconds) {
  if (seconds < 100) return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 100L * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48L * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

/// "-", "now", or in how long the next attempt comes.
std::string next_text(const json::object& row) {
  const json::value& seconds = row.at("next_seconds");
  if (seconds.is_null()) return "-";
  const auto left = seconds.to_number<std::int64_t>();
  return left > 0 ? short_age(left) : "now";
}

/// In at most four columns: "999", "9.9K", "123K", "1.2M".
std::string size_text(std::uint64_t octets) {
  constexpr std::string_view units = " KMGT";
  auto amount = static_cast<double>(octets);
  std::size_t unit = 0;
  for (; amount >= 999.5 && unit + 1 < units.size(); ++unit) amount /= 1000;
  if (unit == 0) return fmt::format("{}", octets);
  return amount < 9.95 ? fmt::format("{:.1f}{}", amount, units[unit]) : fmt::format("{:.0f}{}", amount, units[unit]);
}

Tone tone_of(std::string_view state) {
  if (state == "active") return Tone::good;
  return state == "held" ? Tone::warning : Tone::plain;
}

std::vector<Cell> list_cells(const json::object& row) {
  const std::string sender = text_of(row, "sender");
  const std::string state = text_of(row, "state");
  return {text_of(row, "id"),
          short_age(row.at("age_seconds").to_number<std::int64_t>()),
          size_text(row.at("size").to_number<std::uint64_t>()),
          sender.empty() ? "<>" : sender,
          text_of(row, "recipient"),
          Cell(state, tone_of(state)),
          text_of(row, "attempts"),
          next_text(row),
          text_of(row, "last_reply")};
}

Table list_table() {
  return Table({{.heading = "ID"},
                {.heading = "AGE", .align = Align::right, .rank = 2},
                {.heading = "SIZE", .align = Align::right, .rank = 5},
                {.heading = "SENDER", .cut = Cut::address, .least = 8, .weight = 3, .rank = 3},
                {.heading = "RECIPIENT", .cut = Cut::address, .least = 10, .weight = 3},
                {.heading = "STATE"},
                {.heading = "TRY", .align = Align::right, .rank = 4},
                {.heading = "NEXT", .align = Align::right, .rank = 1},
                {.heading = "LAST REPLY", .least = 10, .weight = 2}});
}

/// Calls `each` for every matching row until `limit` or until a page is not wanted any more; the answer is how many.
Result<std::uint64_t> for_each_row(Source& source, const QueueArguments& arguments,
                                   const std::function<void(const json::object&)>& each, const std::function<bool()>& page_done) {
  std::uint64_t count = 0;
  std::string cursor;
  do {
    const std::uint64_t room = arguments.limit == 0 ? page_rows : std::min<std::uint64_t>(page_rows, arguments.limit - count);
    auto parameters = arguments.filters;
    parameters.emplace_back("limit", std::to_string(room));
    auto rows = source.page(parameters, cursor);
    if (!rows) return std::unexpected(rows.error());
    for (const json::value& row : *rows) {
      if (arguments.limit != 0 && count == arguments.limit) return count;
      each(row.as_object());
      ++count;
    }
    if (!page_done()) return count;
  } while (!cursor.empty() && (arguments.limit == 0 || count < arguments.limit));
  return count;
}

int list_json(Source& source, const QueueArguments& arguments) {
  bool first = true;
  std::cout << '[';
  auto listed = for_each_row(
      source, arguments,
      [&](const json::object& row) {
        std::cout << (first ? "\n" : ",\n") << json::serialize(row);
        first = false;
      },
      [] { return true; });
  std::cout << (first ? "]\n" : "\n]\n");
  if (listed) return done;
  complain(listed.error().words);
  return failed;
}

/// The ids that the arguments name or that their filters match, in order.
Result<std::vector<std::string>> chosen_ids(Source& source, const QueueArguments& arguments) {
  std::vector<std::string> ids;
  for (const std::string& text : arguments.ids) {
    auto id = queue::QueueId::parse(text);
    if (!id) return std::unexpected(id.error());
    ids.push_back(id->to_string());
  }
  if (!arguments.ids.empty()) return ids;
  auto listed = for_each_row(
      source, arguments,
      [&](const json::object& row) {
        std::string id = text_of(row, "id");
        if (ids.empty() || ids.back() != id) ids.push_back(std::move(id));  // rows come by id
      },
      [] { return true; });
  if (!listed) return std::unexpected(listed.error());
  return ids;
}

bool confirmed(std::string_view verb, std::size_t count) {
  if (::isatty(STDIN_FILENO) == 0) {
    complain(fmt::format("{} messages match; add --yes to {} them all", count, verb));
    return false;
  }
  fmt::print("{} {} messages? [y/N] ", verb, count);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// POST /v1/queue/<verb> for the chosen messages; `counted` is what the answer counts.
int act(const Common& common, const QueueArguments& arguments, std::string_view verb, std::string_view past,
        std::string_view counted) {
  if (arguments.ids.empty() && arguments.filters.empty()) {
    complain(fmt::format("queue {} needs ids or filters; see mailferry queue {} --help", verb, verb));
    return wrong_usage;
  }
  auto source = Source::open(common);
  if (!source) {
    complain(source.error().words);
    return failed;
  }
  if (source->client() == nullptr) {
    complain(fmt::format("{}; start it first: queue {} needs the running relay", source->why_offline(), verb));
    return failed;
  }
  auto ids = chosen_ids(*source, arguments);
  if (!ids) {
    complain(ids.error().words);
    return failed;
  }
  if (ids->size() > 1 && !arguments.yes && !confirmed(verb, ids->size())) return failed;
  std::uint64_t count = 0;
  for (std::size_t start = 0; start < ids->size(); start += ids_per_request) {
    json::array batch(ids->begin() + static_cast<std::ptrdiff_t>(start),
                      ids->begin() + static_cast<std::ptrdiff_t>(std::min(ids->size(), start + ids_per_request)));
    json::object body;
    body["ids"] = std::move(batch);
    auto answer = source->client()->post(fmt::format("/v1/queue/{}", verb), body);
    if (!answer) {
      complain(answer.error().words);
      return failed;
    }
    count += answer->at(counted).to_number<std::uint64_t>();
  }
  if (common.json) {
    fmt::print("{{\"{}\":{}}}\n", counted, count);
  } else {
    fmt::print("{} {} {}\n", past, count, counted);
  }
  return count > 0 ? done : failed;
}

void print_message(const json::object& message) {
  fmt::print("id          {}\nmessage-id  {}\nreceived    {} from {}[{}]{}\nexpires     {}\nsize        {}\nsender      <{}>\n\n",
             text_of(message, "id"), text_of(message, "message_id"), text_of(message, "received"),
             text_of(message.at("client").as_object(), "helo"), text_of(message.at("client").as_object(), "address"),
             text_of(message.at("client").as_object(), "tls").empty() ? "" : " with TLS", text_of(message, "expires"),
             text_of(message, "size"), text_of(message, "sender"));
  for (const json::value& value : message.at("recipients").as_array()) {
    const json::object& row = value.as_object();
    fmt::print("<{}>  {}, {} attempts", text_of(row, "recipient"), text_of(row, "state"), text_of(row, "attempts"));
    if (!text_of(row, "next_attempt").empty()) fmt::print(", next {}", text_of(row, "next_attempt"));
    fmt::print("\n");
    if (!text_of(row, "last_reply").empty())
      fmt::print("    {}{}\n", text_of(row, "mx").empty() ? "" : text_of(row, "mx") + ": ", text_of(row, "last_reply"));
  }
}

Result<json::value> message_from_database(queue::Reader& reader, queue::QueueId id) {
  auto message = reader.load(id);
  if (!message) return std::unexpected(message.error());
  auto rows = reader.recipients(id);
  if (!rows) return std::unexpected(rows.error());
  return json::value(admin::message_view(*message, *rows, nothing_active, base::now()));
}

Result<void> cat_from_database(queue::Reader& reader, queue::QueueId id, const std::function<void(std::string_view)>& sink) {
  auto message = reader.load(id);
  if (!message) return std::unexpected(message.error());
  sink(message->prefix);
  auto content = queue::ContentReader::open(message->content);
  if (!content) return std::unexpected(content.error());
  std::string piece(std::size_t{64} << 10U, '\0');
  for (;;) {
    auto count = content->read(piece);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return {};
    sink(std::string_view(piece).substr(0, *count));
  }
}

/// For a command about one message: its id, where the answer comes from, and what went wrong.
int for_message(const Common& common, const std::string& text,
                const std::function<Result<void>(Source&, queue::QueueId)>& act_on) {
  const auto id = queue::QueueId::parse(text);
  if (!id) {
    complain(id.error().words);
    return wrong_usage;
  }
  auto source = Source::open(common);
  const auto acted = source ? act_on(*source, *id) : Result<void>(std::unexpected(source.error()));
  if (acted) return done;
  complain(acted.error().words);
  return failed;
}

}  // namespace

int queue_list(const Common& common, const QueueArguments& arguments) {
  auto source = Source::open(common);
  if (!source) {
    complain(source.error().words);
    return failed;
  }
  if (common.json) return list_json(*source, arguments);
  Table table = list_table();
  Screen screen;
  auto listed = for_each_row(
      *source, arguments, [&](const json::object& row) { table.add(list_cells(row)); },
      [&] { return table.empty() || screen.print(table.take(screen.width(), screen.colours())); });
  if (!listed) {
    complain(listed.error().words);
    return failed;
  }
  if (*listed == 0) screen.print("no message matches\n");
  return done;
}

int queue_show(const Common& common, const std::string& text) {
  return for_message(common, text, [&common](Source& source, queue::QueueId id) -> Result<void> {
    auto message = source.client() != nullptr ? source.client()->get("/v1/queue/" + id.to_string())
                                              : message_from_database(source.reader(), id);
    if (!message) return std::unexpected(message.error());
    if (common.json) {
      fmt::print("{}\n", json::serialize(*message));
    } else {
      print_message(message->as_object());
    }
    return {};
  });
}

int queue_cat(const Common& common, const std::string& text) {
  return for_message(common, text, [](Source& source, queue::QueueId id) {
    const auto sink = [](std::string_view octets) {
      std::cout.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    };
    auto sent = source.client() != nullptr ? source.client()->stream(fmt::format("/v1/queue/{}/content", id.to_string()), sink)
                                           : cat_from_database(source.reader(), id, sink);
    std::cout.flush();
    return sent;
  });
}

int queue_retry(const Common& common, const QueueArguments& arguments) {
  return act(common, arguments, "retry", "due now:", "recipients");
}

int queue_drop(const Common& common, const QueueArguments& arguments) {
  return act(common, arguments, "drop", "dropped", "messages");
}

}  // namespace relay::cli

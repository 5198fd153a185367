// queue pause|resume|pauses: deliveries to a domain, or to whoever has a host of that name, stop and go on.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;

Result<void> pause(const Common& common, const std::string& pattern) {
  auto client = Source::open_relay(common);
  if (!client) return std::unexpected(client.error());
  const auto paused = client->post("/v1/queue/pauses", json::object{{"pattern", pattern}});
  if (!paused) return std::unexpected(paused.error());
  const json::object& view = paused->as_object();
  if (common.json) {
    fmt::print("{}\n", json::serialize(view));
  } else {
    fmt::print("paused {0}: {1} of {2} {3}; mailferry queue resume '{0}' lets them go\n", text_of(view, "pattern"),
               count_text(view, "recipients", "recipient"), count_text(view, "destinations", "destination"),
               number_of(view, "recipients") == 1 ? "waits" : "wait");
  }
  return {};
}

Result<void> resume(const Common& common, const std::string& pattern) {
  auto client = Source::open_relay(common);
  if (!client) return std::unexpected(client.error());
  const auto resumed = client->remove(fmt::format("/v1/queue/pauses/{}", admin::percent_encoded(pattern)));
  if (!resumed) {
    if (resumed.error().kind != base::Kind::invalid) return std::unexpected(resumed.error());
    return base::fail(resumed.error().kind, fmt::format("{}; mailferry queue pauses lists what is", resumed.error().words));
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(*resumed));
  } else {
    fmt::print("resumed {}\n", text_of(resumed->as_object(), "pattern"));
  }
  return {};
}

Result<void> list(const Common& common) {
  auto source = Source::open(common);
  if (!source) return std::unexpected(source.error());
  const auto pauses = source->pauses();
  if (!pauses) return std::unexpected(pauses.error());
  if (common.json) {
    fmt::print("{}\n", json::serialize(*pauses));
    return {};
  }
  Screen screen;
  if (pauses->empty()) screen.print("nothing is paused\n");
  if (pauses->empty()) return {};
  Table table({{.heading = "DESTINATION", .cut = Cut::address, .least = 12},
               {.heading = "SINCE", .rank = 2},
               {.heading = "FOR", .align = Align::right},
               {.heading = "DOMAINS", .align = Align::right, .rank = 1},
               {.heading = "RECIPIENTS", .align = Align::right},
               {.heading = "REFUSED WITH", .cut = Cut::end, .rank = 1}});
  for (const json::value& value : *pauses) {
    const json::object& row = value.as_object();
    table.add({text_of(row, "pattern"), text_of(row, "since"), short_age(number_of(row, "age_seconds")),
               text_of(row, "destinations"), text_of(row, "recipients"), text_of(row, "reply")});
  }
  screen.print(table.take(screen.width(), screen.colours()));
  return {};
}

}  // namespace

int queue_pause(const Common& common, const QueueArguments& arguments) { return code_of(pause(common, arguments.pattern)); }

int queue_resume(const Common& common, const QueueArguments& arguments) { return code_of(resume(common, arguments.pattern)); }

int queue_pauses(const Common& common) { return code_of(list(common)); }

}  // namespace relay::cli

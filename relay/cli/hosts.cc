// hosts, hosts forget: what the relay remembers of receivers' hosts for a while.
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

/// What it is, and what follows from it.
std::string trouble_text(const std::string& trouble) {
  if (trouble == "tls") return "tls: fails, so plaintext";
  if (trouble == "dead") return "dead: no answer, tried last";
  if (trouble == "chunks") return "chunks: no BDAT, so DATA";
  return trouble;
}

std::string address_text(const json::object& row) {
  const std::string address = text_of(row, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", text_of(row, "port"));
}

Result<void> list(const Common& common) {
  auto client = Source::open_relay(common);
  if (!client) return std::unexpected(client.error());
  const auto answer = client->get("/v1/hosts");
  if (!answer) return std::unexpected(answer.error());
  const json::array& hosts = answer->at("rows").as_array();
  if (common.json) {
    fmt::print("{}\n", json::serialize(hosts));
    return {};
  }
  Screen screen;
  if (hosts.empty()) screen.print("nothing is remembered of any host\n");
  if (hosts.empty()) return {};
  Table table({{.heading = "HOST", .cut = Cut::start, .least = 12},
               {.heading = "ADDRESS", .rank = 2},
               {.heading = "TROUBLE", .cut = Cut::end, .least = 6, .weight = 2},
               {.heading = "TIMES", .align = Align::right, .rank = 1},
               {.heading = "FOR", .align = Align::right}});
  for (const json::value& value : hosts) {
    const json::object& row = value.as_object();
    table.add({text_of(row, "host"), address_text(row), trouble_text(text_of(row, "trouble")), text_of(row, "times"),
               short_age(number_of(row, "left_seconds"))});
  }
  screen.print(table.take(screen.width(), screen.colours()));
  return {};
}

Result<void> forget(const Common& common, const std::string& host) {
  auto client = Source::open_relay(common);
  if (!client) return std::unexpected(client.error());
  const bool all = host == "all";
  const auto answer = client->remove(all ? "/v1/hosts" : fmt::format("/v1/hosts/{}", admin::percent_encoded(host)));
  if (!answer) {
    if (answer.error().kind != base::Kind::invalid) return std::unexpected(answer.error());
    return base::fail(answer.error().kind, fmt::format("{}; mailferry hosts lists what is", answer.error().words));
  }
  const json::object& view = answer->as_object();
  if (common.json) {
    fmt::print("{}\n", json::serialize(view));
  } else {
    const std::string whose = all ? "of all hosts" : fmt::format("of {}", safe_text(text_of(view, "host")));
    fmt::print("forgot {} {}\n", count_text(view, "forgotten", "trouble"), whose);
  }
  return {};
}

}  // namespace

int hosts(const Common& common) { return code_of(list(common)); }

int hosts_forget(const Common& common, const std::string& host) { return code_of(forget(common, host)); }

}  // namespace relay::cli

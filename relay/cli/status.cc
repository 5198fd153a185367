// status: the state of the running relay.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/units.h"
#include "relay/cli/commands.h"
#include "relay/cli/source.h"

namespace relay::cli {

namespace json = boost::json;

int status(const Common& common) {
  auto source = Source::open(common);
  if (!source) {
    complain(source.error().words);
    return failed;
  }
  if (source->client() == nullptr) {
    complain(source->why_offline());
    return failed;
  }
  auto answer = source->client()->get("/v1/status");
  if (!answer) {
    complain(answer.error().words);
    return failed;
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
    return done;
  }
  const json::object& view = answer->as_object();
  const json::object& queue = view.at("queue").as_object();
  const json::object& since = view.at("since_start").as_object();
  const auto uptime = base::Duration(view.at("uptime_seconds").to_number<std::int64_t>() * 1000);
  fmt::print("mailferry {} on {}, pid {}, up {}\n", text_of(view, "version"), text_of(view, "hostname"), text_of(view, "pid"),
             base::age_text(uptime));
  fmt::print("queue        {} messages, {} recipients waiting, {} held; store {}\n", text_of(queue, "messages"),
             text_of(queue, "recipients"), text_of(queue, "held"), text_of(view, "store"));
  fmt::print("since start  {} accepted, {} refused, {} delivered, {} deferred, {} bounced\n", text_of(since, "accepted"),
             text_of(since, "refused"), text_of(since, "delivered"), text_of(since, "deferred"), text_of(since, "bounced"));
  fmt::print("connections  {} in, {} out\n", text_of(view, "connections_in"), text_of(view, "connections_out"));
  for (const json::value& address : view.at("listening").as_array())
    fmt::print("listening    {}\n", std::string_view(address.get_string()));
  return done;
}

}  // namespace relay::cli

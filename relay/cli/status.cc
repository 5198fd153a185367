// status: the state of the running relay.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/units.h"
#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t indent = 13;

/// "name         value"
std::string line(std::string_view name, std::string_view value, std::size_t width) {
  return wrapped(fmt::format("{:<{}}{}", name, indent, safe_text(value)), width, indent);
}

std::string queue_text(const json::object& view) {
  const json::object& queue = view.at("queue").as_object();
  const std::string held =
      number_of(queue, "held") == 0
          ? std::string()
          : fmt::format(", {} of them held", count_text(static_cast<std::uint64_t>(number_of(queue, "held"))));
  return fmt::format("{}, {} waiting{}; store {}", count_text(queue, "messages", "message"),
                     count_text(queue, "recipients", "recipient"), held, text_of(view, "store"));
}

std::string since_start_text(const json::object& view) {
  const json::object& since = view.at("since_start").as_object();
  return fmt::format("{} accepted, {} refused, {} delivered, {} deferred, {} bounced", text_of(since, "accepted"),
                     text_of(since, "refused"), text_of(since, "delivered"), text_of(since, "deferred"),
                     text_of(since, "bounced"));
}

std::string action_text(const json::object& action) {
  const std::string left =
      number_of(action, "skipped") == 0 ? std::string() : fmt::format(", {} left alone", text_of(action, "skipped"));
  return fmt::format("{} {} {}: {} so far{}, since {}", text_of(action, "id"), text_of(action, "action"),
                     text_of(action, "filter"), count_text(action, "touched", "recipient"), left, text_of(action, "begun"));
}

std::string pause_text(const json::object& pause) {
  return fmt::format("{} since {}: {} of {}", text_of(pause, "pattern"), text_of(pause, "since"),
                     count_text(pause, "recipients", "recipient"), count_text(pause, "destinations", "destination"));
}

std::string quarantined_text(const json::object& message) {
  return fmt::format("{} from <{}> at {}: {}", text_of(message, "id"), text_of(message, "sender"), text_of(message, "when"),
                     text_of(message, "reason"));
}

/// Nothing for a key that signs and is published, or of which nothing is known.
std::string key_text(const json::object& key) {
  const std::string stage = text_of(key, "stage");
  const std::string record = text_of(key, "record");
  const std::string name = fmt::format("{} of {}", text_of(key, "selector"), text_of(key, "domain"));
  if (stage == "pending") return fmt::format("{} waits for its record, which is {}", name, record);
  if (stage == "retiring") return fmt::format("{} retires, publish it until {}", name, text_of(key, "needed_until"));
  if (stage == "retired") return fmt::format("{} is retired: withdraw its record, remove its block", name);
  if (record == "missing" || record == "differs")
    return fmt::format("{} signs, but its record {}", name, record == "missing" ? "is missing" : "differs");
  return {};
}

std::string host_name_text(const json::object& host) {
  std::string addresses;
  for (const json::value& address : host.at("addresses").as_array()) {
    if (!addresses.empty()) addresses += ", ";
    addresses += std::string_view(address.as_string());
  }
  std::string text = fmt::format("{}: {}", text_of(host, "name"), addresses.empty() ? "no address" : addresses);
  if (!host.at("looked_up").is_null()) text += fmt::format("; looked up {}", text_of(host, "looked_up"));
  if (!host.at("failure").is_null()) text += fmt::format("; failed {}: {}", text_of(host, "failed"), text_of(host, "failure"));
  return text;
}

/// Receivers that we go slowly with, and the day of a warm-up.
std::string delivery_text(const json::object& delivery, std::size_t width) {
  std::string text;
  for (const json::value& value : delivery.at("limited").as_array()) {
    const json::object& group = value.as_object();
    const bool rests = !group.at("rests_until").is_null();
    text += line("slow",
                 fmt::format("{} {} until {}", text_of(group, "receiver"), rests ? "rests" : "gets a message a minute",
                             text_of(group, rests ? "rests_until" : "slow_until")),
                 width);
  }
  if (!delivery.at("fallbacks").as_array().empty()) {
    text +=
        line("fallback",
             fmt::format("{} domains go round; mailferry status --json lists them", delivery.at("fallbacks").as_array().size()),
             width);
  }
  if (number_of(delivery, "host_troubles") > 0) {
    text +=
        line("hosts", fmt::format("{} remembered; mailferry hosts lists them", count_text(delivery, "host_troubles", "trouble")),
             width);
  }
  if (delivery.at("warmup").is_null()) return text;
  const json::object& warmup = delivery.at("warmup").as_object();
  text += line("warm-up",
               fmt::format("day {}, {} messages for each receiver", text_of(warmup, "day"), text_of(warmup, "messages_for_each")),
               width);
  for (const json::value& value : warmup.at("receivers").as_array()) {
    const json::object& receiver = value.as_object();
    text += line("",
                 fmt::format("{}: {} sent today, {} left", text_of(receiver, "receiver"), text_of(receiver, "sent"),
                             text_of(receiver, "left")),
                 width);
  }
  return text;
}

/// What needs an eye, where there is some.
std::string concerns(const json::object& view, std::size_t width) {
  std::string text;
  for (const json::value& pause : view.at("pauses").as_array()) text += line("paused", pause_text(pause.as_object()), width);
  text += delivery_text(view.at("delivery").as_object(), width);
  for (const json::value& action : view.at("actions").as_array()) text += line("running", action_text(action.as_object()), width);
  if (number_of(view, "stuck") > 0) {
    text += line("stuck", fmt::format("{}; the log tells which", count_text(view, "stuck", "delivery attempt")), width);
  }
  for (const json::value& key : view.at("dkim").as_array()) {
    const std::string words = key_text(key.as_object());
    if (!words.empty()) text += line("dkim key", words, width);
  }
  const json::object& queue = view.at("queue").as_object();
  if (number_of(queue, "quarantined") == 0) return text;
  text += line("quarantine", fmt::format("{} set aside as damaged", count_text(queue, "quarantined", "message")), width);
  for (const json::value& message : view.at("quarantined").as_array())
    text += line("", quarantined_text(message.as_object()), width);
  return text;
}

std::string status_text(const json::object& view, std::size_t width) {
  const auto uptime = base::Duration(number_of(view, "uptime_seconds") * 1000);
  std::string text = wrapped(fmt::format("mailferry {} on {}, pid {}, up {}", text_of(view, "version"), text_of(view, "hostname"),
                                         text_of(view, "pid"), base::age_text(uptime)),
                             width, indent);
  text += line("queue", queue_text(view), width);
  text += line("since start", since_start_text(view), width);
  text +=
      line("connections", fmt::format("{} in, {} out", text_of(view, "connections_in"), text_of(view, "connections_out")), width);
  for (const json::value& address : view.at("listening").as_array())
    text += line("listening", std::string_view(address.as_string()), width);
  for (const json::value& host : view.at("host_names").as_array())
    text += line("host name", host_name_text(host.as_object()), width);
  return text + concerns(view, width);
}

}  // namespace

int status(const Common& common) {
  auto client = Source::open_relay(common);
  const auto answer = client ? client->get("/v1/status") : base::Result<json::value>(std::unexpected(client.error()));
  if (!answer) {
    complain(answer.error().words);
    return failed;
  }
  if (common.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else {
    Screen screen;
    screen.print(status_text(answer->as_object(), screen.width()));
  }
  return done;
}

}  // namespace relay::cli

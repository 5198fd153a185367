// queue retry|hold|release|bounce|drop: acts on what filters or ids mean, and tells how much that was.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <thread>

#include "relay/cli/commands.h"
#include "relay/cli/source.h"
#include "relay/cli/wording.h"

namespace relay::cli {
namespace {

namespace json = boost::json;
using base::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Most actions end within it; the others go on without us.
constexpr milliseconds patience(700);
constexpr milliseconds first_look(10);
constexpr milliseconds longest_look(200);

std::string_view past_of(queue::Deed deed) {
  switch (deed) {
    case queue::Deed::retry: return "due now:";
    case queue::Deed::hold: return "held";
    case queue::Deed::release: return "released";
    case queue::Deed::bounce: return "bounced";
    case queue::Deed::drop: return "dropped";
  }
  return "done:";
}

admin::Parameters conditions(const QueueArguments& arguments) {
  admin::Parameters parameters = arguments.filters;
  for (const std::string& id : arguments.ids) parameters.emplace_back("id", id);
  return parameters;
}

/// What is wrong with the command line, if anything.
Result<void> check(const QueueArguments& arguments, queue::Deed deed) {
  if (arguments.ids.empty() && arguments.filters.empty()) {
    return base::fail(base::Kind::invalid,
                      fmt::format("queue {0} needs ids or filters (--to '*' is everything); see mailferry queue "
                                  "{0} --help",
                                  queue::to_string(deed)));
  }
  const auto selection = admin::parse_selection(conditions(arguments), base::now());
  if (!selection) return std::unexpected(selection.error());
  if (selection->only == admin::Only::active)
    return base::fail(base::Kind::invalid, "state: what is being delivered is left alone; --state active is for queue list");
  return {};
}

bool confirmed(queue::Deed deed, const json::object& matches) {
  const std::string much =
      fmt::format("{}{} to {}", matches.at("more").as_bool() ? "more than " : "", count_text(matches, "messages", "message"),
                  count_text(matches, "recipients", "recipient"));
  if (::isatty(STDIN_FILENO) == 0) {
    complain(fmt::format("{} match; add --yes to {} them all", much, queue::to_string(deed)));
    return false;
  }
  fmt::print(stderr, "{} {}? [y/N] ", queue::to_string(deed), much);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

enum class Go : std::uint8_t { on, stop };

/// Asks where there is more than one message, and stops where there is none.
Result<Go> ask(admin::Client& client, const QueueArguments& arguments, queue::Deed deed) {
  if (arguments.yes || (arguments.ids.size() == 1 && arguments.filters.empty())) return Go::on;
  const auto answer = client.get(admin::target_of("/v1/queue/count", conditions(arguments)));
  if (!answer) return std::unexpected(answer.error());
  const json::object& matches = answer->as_object();
  const std::int64_t messages = number_of(matches, "messages");
  if (messages > 1) return confirmed(deed, matches) ? Go::on : Go::stop;
  if (messages == 1 || !arguments.ids.empty()) return Go::on;  // ids that are not there are told by name
  complain("no message matches");
  return Go::stop;
}

/// {"action": "hold", "filters": {"from": ["a@b.com"]}, "ids": ["..."]}
json::object order(const QueueArguments& arguments, queue::Deed deed) {
  json::object filters;
  for (const auto& [name, value] : arguments.filters) {
    json::value& values = filters[name];
    if (!values.is_array()) values = json::array();
    values.as_array().emplace_back(value);
  }
  json::object body;
  body["action"] = queue::to_string(deed);
  body["filters"] = std::move(filters);
  if (!arguments.ids.empty()) body["ids"] = json::array(arguments.ids.begin(), arguments.ids.end());
  return body;
}

/// Looks until the action has ended, or for as long as most do; with --wait to the end.
Result<json::object> follow(admin::Client& client, const std::string& id, const QueueArguments& arguments) {
  const Clock::time_point until = Clock::now() + patience;
  const bool tells = arguments.wait && ::isatty(STDERR_FILENO) == 1;
  for (milliseconds look = first_look;; look = std::min(2 * look, longest_look)) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    std::this_thread::sleep_for(arguments.wait ? look : std::clamp(left, milliseconds(0), look));
    auto answer = client.get(fmt::format("/v1/queue/actions/{}", id));
    if (!answer) return std::unexpected(answer.error());
    json::object& action = answer->as_object();
    const bool is_over = !action.at("finished").is_null() || (!arguments.wait && Clock::now() >= until);
    const std::string progress = fmt::format("{} so far", count_text(action, "touched", "recipient"));
    if (tells) fmt::print(stderr, "\r\x1b[K{}", is_over ? std::string() : progress);
    if (is_over) return std::move(action);
  }
}

int tell(const Common& common, const json::object& action, queue::Deed deed) {
  const std::int64_t touched = number_of(action, "touched");
  const std::int64_t skipped = number_of(action, "skipped");
  const bool goes_on = action.at("finished").is_null();
  const std::string left = skipped == 0 ? std::string()
                                        : fmt::format("; {} {} being delivered and left alone",
                                                      count_text(action, "skipped", "recipient"), skipped == 1 ? "was" : "were");
  const std::string did = fmt::format("{} {}", past_of(deed), count_text(action, "touched", "recipient"));
  if (common.json) {
    fmt::print("{}\n", json::serialize(action));
  } else if (goes_on) {
    fmt::print("{} so far{}; it goes on in the background as action {}: see mailferry status\n", did, left,
               text_of(action, "id"));
  } else if (touched + skipped == 0) {
    fmt::print("nothing to {}\n", queue::to_string(deed));
  } else {
    fmt::print("{}{}\n", did, left);
  }
  return goes_on || touched > 0 ? done : failed;
}

Result<int> act(const Common& common, const QueueArguments& arguments, queue::Deed deed) {
  auto client = Source::open_relay(common);
  if (!client) return std::unexpected(client.error());
  const auto go = ask(*client, arguments, deed);
  if (!go) return std::unexpected(go.error());
  if (*go == Go::stop) return failed;
  const auto begun = client->post("/v1/queue/actions", order(arguments, deed));
  if (!begun) return std::unexpected(begun.error());
  const auto action = follow(*client, text_of(begun->as_object(), "id"), arguments);
  if (!action) return std::unexpected(action.error());
  return tell(common, *action, deed);
}

}  // namespace

int queue_act(const Common& common, const QueueArguments& arguments, queue::Deed deed) {
  if (const auto checked = check(arguments, deed); !checked) {
    complain(checked.error().words);
    return wrong_usage;
  }
  const auto code = act(common, arguments, deed);
  if (code) return *code;
  complain(code.error().words);
  return failed;
}

}  // namespace relay::cli

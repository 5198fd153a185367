// The table of routes, and a handler for each.
#include "relay/admin/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "relay/admin/delivery_views.h"

namespace relay::admin {
namespace {

using base::Kind;
using base::Result;

/// Quarantined messages that `status` tells of, beside their number.
constexpr std::size_t quarantined_told = 5;
/// Missing ids that an error names.
constexpr std::size_t missing_told = 5;

Response view(json::value body) { return Response{200, std::move(body), nullptr}; }

/// For an answer that a worker made.
template <class Value>
Response view_of(Result<Value> answer) {
  if (!answer) return problem(answer.error());
  return view(std::move(*answer));
}

Result<queue::Deed> parse_deed(std::string_view text) {
  for (const queue::Deed deed :
       {queue::Deed::retry, queue::Deed::hold, queue::Deed::release, queue::Deed::bounce, queue::Deed::drop}) {
    if (text == queue::to_string(deed)) return deed;
  }
  return base::fail(Kind::invalid, "action: one of retry, hold, release, bounce, drop is needed");
}

Result<json::object> parse_object(const std::string& body) {
  boost::system::error_code error;
  json::value parsed = json::parse(body, error);
  if (error || !parsed.is_object()) return base::fail(Kind::invalid, "the body is no JSON object");
  return std::move(parsed.as_object());
}

Result<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return base::fail(Kind::invalid, fmt::format("{}: a string is needed", name));
  return std::string(value->get_string());
}

/// A string, or an array of them.
Result<void> add_values(Parameters& parameters, const std::string& name, const json::value& value) {
  if (value.is_string()) {
    parameters.emplace_back(name, std::string(value.get_string()));
    return {};
  }
  if (value.is_array() && std::ranges::all_of(value.get_array(), [](const json::value& each) { return each.is_string(); })) {
    for (const json::value& each : value.get_array()) parameters.emplace_back(name, std::string(each.get_string()));
    return {};
  }
  return base::fail(Kind::invalid, fmt::format("{}: a string or an array of strings is needed", base::printable(name)));
}

struct Order {
  queue::Deed deed = queue::Deed::retry;
  queue::Filter filter;
  bool by_id = false;  ///< the ids were given one by one: each must be there
};

/// {"action": "hold", "filters": {"from": "a@b.com"}, "ids": ["..."]}
Result<Order> parse_order(const std::string& body, base::Time now) {
  const auto object = parse_object(body);
  if (!object) return std::unexpected(object.error());
  const auto name = text_member(*object, "action");
  if (!name) return std::unexpected(name.error());
  const auto deed = parse_deed(*name);
  if (!deed) return std::unexpected(deed.error());
  Parameters parameters;
  if (const json::value* ids = object->if_contains("ids")) {
    if (auto added = add_values(parameters, "id", *ids); !added) return std::unexpected(added.error());
  }
  const bool by_id = !parameters.empty();
  if (const json::value* filters = object->if_contains("filters")) {
    if (!filters->is_object()) return base::fail(Kind::invalid, "filters: an object is needed");
    for (const auto& each : filters->get_object()) {
      if (auto added = add_values(parameters, std::string(each.key()), each.value()); !added)
        return std::unexpected(added.error());
    }
  }
  auto selection = parse_selection(parameters, now);
  if (!selection) return std::unexpected(selection.error());
  if (selection->only == Only::active)
    return base::fail(Kind::invalid, "state: what is being delivered is left alone; \"active\" can only be listed");
  if (selection->filter.is_empty())
    return base::fail(Kind::invalid, "ids or filters are needed; everything is {\"filters\": {\"to\": \"*\"}}");
  return Order{*deed, std::move(selection->filter), by_id};
}

std::string missing_text(const std::vector<queue::QueueId>& missing) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(missing.size(), missing_told); ++i) names.push_back(missing[i].to_string());
  const std::string more = missing.size() > missing_told ? fmt::format(" and {} more", missing.size() - missing_told) : "";
  return fmt::format("not in the queue: {}{}; nothing was done", fmt::join(names, ", "), more);
}

/// Those of `ids` that are not there make an error; none are asked for when the filter does not go by ids.
Result<void> check_ids(queue::Reader& reader, const Order& order) {
  if (!order.by_id) return {};
  const auto missing = missing_ids(reader, order.filter.ids);
  if (!missing) return std::unexpected(missing.error());
  if (!missing->empty()) return base::fail(Kind::invalid, missing_text(*missing));
  return {};
}

json::object matches_view(const Matches& matches) {
  return {{"messages", matches.messages}, {"recipients", matches.recipients}, {"more", matches.more}};
}

Result<json::array> read_quarantined(queue::Reader& reader) {
  const auto messages = reader.quarantined(quarantined_told);
  if (!messages) return std::unexpected(messages.error());
  json::array views;
  for (const queue::QuarantinedMessage& message : *messages) views.push_back(quarantined_view(message));
  return views;
}

json::array action_views(const std::vector<queue::Action>& actions) {
  json::array views;
  for (const queue::Action& action : actions) views.push_back(action_view(action));
  return views;
}

}  // namespace

struct Api::Route {
  std::string_view method;
  std::vector<std::string_view> path;  ///< "*" is any segment
  Task<Response> (Api::*handler)(Request);

  bool matches(const Request& request) const {
    if (request.method != method || request.path.size() != path.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] != "*" && path[i] != request.path[i]) return false;
    }
    return true;
  }
};

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table = {
      {"GET", {"v1", "status"}, &Api::get_status},
      {"GET", {"v1", "queue"}, &Api::get_queue},
      {"GET", {"v1", "queue", "count"}, &Api::get_count},
      {"GET", {"v1", "queue", "summary"}, &Api::get_summary},
      {"GET", {"v1", "queue", "pauses"}, &Api::get_pauses},
      {"POST", {"v1", "queue", "pauses"}, &Api::post_pause},
      {"DELETE", {"v1", "queue", "pauses", "*"}, &Api::delete_pause},
      {"GET", {"v1", "queue", "actions"}, &Api::get_actions},
      {"POST", {"v1", "queue", "actions"}, &Api::post_action},
      {"GET", {"v1", "queue", "actions", "*"}, &Api::get_action},
      {"GET", {"v1", "queue", "*"}, &Api::get_message},
      {"GET", {"v1", "queue", "*", "content"}, &Api::get_content},
      {"GET", {"v1", "queue", "*", "reasons"}, &Api::get_reasons},
      {"GET", {"v1", "hosts"}, &Api::get_hosts},
      {"DELETE", {"v1", "hosts"}, &Api::delete_hosts},
      {"DELETE", {"v1", "hosts", "*"}, &Api::delete_host},
  };
  return table;
}

Api::Api(Services& services, delivery::Dispatcher& dispatcher, delivery::Actions& actions, Readers readers,
         std::function<Task<json::object>()> status)
    : services_(services),
      dispatcher_(dispatcher),
      actions_(actions),
      readers_(std::move(readers)),
      listing_(asio::make_strand(services.workers.get_executor())),
      quick_(asio::make_strand(services.workers.get_executor())),
      status_(std::move(status)) {}

Task<Response> Api::answer(Request request) {
  for (const Route& route : routes()) {
    if (!route.matches(request)) continue;
    auto task = (this->*route.handler)(std::move(request));
    co_return co_await std::move(task);
  }
  co_return problem(404, "no such resource");
}

ActiveKeys Api::active() const {
  ActiveKeys keys = dispatcher_.active();
  std::ranges::sort(keys);
  return keys;
}

Task<Result<json::array>> Api::pauses() {
  if (!dispatcher_.has_pauses()) co_return json::array();
  auto task = dispatcher_.pauses();
  const auto pauses = co_await std::move(task);
  if (!pauses) co_return std::unexpected(pauses.error());
  json::array views;
  for (const delivery::PauseView& each : *pauses) {
    const Waiting waiting = {each.destinations, each.recipients};
    json::object view = pause_view(each.pause, waiting, base::now());
    add_block(view, each.block);
    views.push_back(std::move(view));
  }
  co_return views;
}

Task<Response> Api::get_status(Request) {
  auto task = status_();
  json::object status = co_await std::move(task);
  auto work = [reader = readers_.quick.get()] { return read_quarantined(*reader); };
  auto quarantined = co_await on(quick_, services_.loop, work);
  auto paused = co_await pauses();
  status["quarantined"] = quarantined ? std::move(*quarantined) : json::array();
  status["pauses"] = paused ? std::move(*paused) : json::array();
  status["actions"] = action_views(actions_.running());
  json::object delivery = delivery_view(dispatcher_, base::now());
  delivery["host_troubles"] = services_.host_memory.entries(Clock::now()).size();
  status["delivery"] = std::move(delivery);
  co_return view(std::move(status));
}

Task<Response> Api::get_queue(Request request) {
  const base::Time now = base::now();
  const auto parsed = parse_page_request(request.query, now);
  if (!parsed) co_return problem(400, parsed.error().words);
  const ActiveKeys keys = active();
  auto work = [reader = readers_.listing.get(), &parsed, &keys, now] { return read_page(*reader, *parsed, keys, now); };
  auto page = co_await on(listing_, services_.loop, work);
  if (!page) co_return problem(page.error());
  json::object body;
  body["rows"] = std::move(page->rows);
  body["next"] = page->next.empty() ? json::value(nullptr) : json::value(page->next);
  co_return view(std::move(body));
}

Task<Response> Api::get_count(Request request) {
  const auto parsed = parse_selection(request.query, base::now());
  if (!parsed) co_return problem(400, parsed.error().words);
  const ActiveKeys keys = active();
  auto work = [reader = readers_.listing.get(), &parsed, &keys] { return count_matches(*reader, *parsed, keys); };
  const auto matches = co_await on(listing_, services_.loop, work);
  if (!matches) co_return problem(matches.error());
  co_return view(matches_view(*matches));
}

Task<Response> Api::get_summary(Request request) {
  const base::Time now = base::now();
  const auto parsed = parse_summary_request(request.query);
  if (!parsed) co_return problem(400, parsed.error().words);
  const delivery::CurrentLimits limits = dispatcher_.limits();
  const auto settings = services_.settings.get();
  auto work = [reader = readers_.listing.get(), &parsed, &limits, &settings, now] {
    auto rows = read_summary(*reader, *parsed, now);
    if (rows) add_limits(*rows, parsed->by, limits, settings->config);
    return rows;
  };
  auto rows = co_await on(listing_, services_.loop, work);
  if (!rows) co_return problem(rows.error());
  json::object body;
  body["rows"] = std::move(*rows);
  co_return view(std::move(body));
}

Task<Response> Api::get_pauses(Request) {
  auto rows = co_await pauses();
  if (!rows) co_return problem(rows.error());
  json::object body;
  body["rows"] = std::move(*rows);
  co_return view(std::move(body));
}

Task<Response> Api::post_pause(Request request) {
  const auto object = parse_object(request.body);
  if (!object) co_return problem(400, object.error().words);
  const auto text = text_member(*object, "pattern");
  if (!text) co_return problem(400, text.error().words);
  const std::string pattern = base::lower(*text);
  auto task = dispatcher_.pause(pattern);
  const auto paused = co_await std::move(task);
  if (!paused && paused.error().kind == Kind::invalid) co_return problem(400, fmt::format("pattern: {}", paused.error().words));
  if (!paused) co_return problem(paused.error());
  auto rows = co_await pauses();
  if (!rows) co_return problem(rows.error());
  for (json::value& pause : *rows) {
    if (pause.at("pattern").as_string() == pattern) co_return view(std::move(pause));
  }
  co_return problem(404, "resumed meanwhile");
}

Task<Response> Api::delete_pause(Request request) {
  const std::string pattern = base::lower(request.path.at(3));
  auto task = dispatcher_.resume(pattern);
  const auto count = co_await std::move(task);
  if (!count) co_return problem(count.error());
  if (*count == 0) co_return problem(404, fmt::format("{} is not paused", base::printable(pattern)));
  json::object body;
  body["pattern"] = base::printable(pattern);
  body["resumed"] = *count;
  co_return view(std::move(body));
}

Task<Response> Api::get_actions(Request) {
  auto work = [reader = readers_.quick.get()] { return reader->actions(); };
  const auto actions = co_await on(quick_, services_.loop, work);
  if (!actions) co_return problem(actions.error());
  json::object body;
  body["rows"] = action_views(*actions);
  co_return view(std::move(body));
}

Task<Response> Api::post_action(Request request) {
  const auto order = parse_order(request.body, base::now());
  if (!order) co_return problem(400, order.error().words);
  auto work = [reader = readers_.quick.get(), &order] { return check_ids(*reader, *order); };
  const auto checked = co_await on(quick_, services_.loop, work);
  if (!checked) co_return problem(checked.error());
  auto task = actions_.begin(order->deed, order->filter);
  const auto id = co_await std::move(task);
  if (!id) co_return problem(id.error());
  json::object body;
  body["id"] = id->to_string();
  co_return view(std::move(body));
}

Task<Response> Api::get_action(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(3));
  if (!id) co_return problem(400, id.error().words);
  if (const auto action = actions_.find(*id)) co_return view(action_view(*action));
  auto work = [reader = readers_.quick.get()] { return reader->actions(); };
  const auto actions = co_await on(quick_, services_.loop, work);
  if (!actions) co_return problem(actions.error());
  const auto found = std::ranges::find(*actions, *id, &queue::Action::id);
  if (found == actions->end()) co_return problem(404, fmt::format("there is no action {}", id->to_string()));
  co_return view(action_view(*found));
}

Task<Response> Api::get_message(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(2));
  if (!id) co_return problem(400, id.error().words);
  const ActiveKeys keys = active();
  const base::Time now = base::now();
  auto work = [reader = readers_.quick.get(), id = *id, &keys, now] { return read_message(*reader, id, keys, now); };
  auto message = co_await on(quick_, services_.loop, work);
  co_return view_of(std::move(message));
}

/// Why each recipient that waits does so: the message, and what is in the way of its destinations.
Task<Response> Api::get_reasons(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(2));
  if (!id) co_return problem(400, id.error().words);
  const ActiveKeys keys = active();
  const base::Time now = base::now();
  auto work = [reader = readers_.quick.get(), id = *id, &keys, now] { return read_message(*reader, id, keys, now); };
  auto message = co_await on(quick_, services_.loop, work);
  if (message) add_reasons(*message, dispatcher_, services_.settings.get()->config, now);
  co_return view_of(std::move(message));
}

Task<Response> Api::get_content(Request request) {
  const auto id = queue::QueueId::parse(request.path.at(2));
  if (!id) co_return problem(400, id.error().words);
  auto load = [reader = readers_.quick.get(), id = *id] { return reader->load(id); };
  auto message = co_await on(quick_, services_.loop, load);
  if (!message) co_return problem(message.error());
  Response response;
  response.message = std::make_shared<const queue::Message>(std::move(*message));
  co_return response;
}

}  // namespace relay::admin

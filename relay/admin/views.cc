// Building the JSON of the queue, and reading its pages.
#include "relay/admin/views.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace relay::admin {
namespace {

using base::Kind;
using base::Result;

constexpr std::size_t most_rows = 10'000;
/// Cursors start before every id; the first index of the first message must not be skipped.
constexpr std::uint32_t before_first = 0xFFFFFFFFU;

Result<void> set_cursor(PageRequest& request, std::string_view text) {
  const std::size_t dot = text.find('.');
  auto id = queue::QueueId::parse(text.substr(0, dot));
  if (!id) return std::unexpected(id.error());
  auto index = base::parse_number(dot == std::string_view::npos ? std::string_view("4294967295") : text.substr(dot + 1));
  if (!index || *index > before_first) return base::fail(Kind::invalid, "after: the cursor is ID.INDEX");
  request.after = *id;
  request.after_index = static_cast<std::uint32_t>(*index);
  return {};
}

Result<void> set_parameter(PageRequest& request, const std::string& name, const std::string& value) {
  if (name == "from") {
    request.filter.from = value;
  } else if (name == "to") {
    request.filter.to = value;
  } else if (name == "domain") {
    request.filter.domain = value;
  } else if (name == "after") {
    return set_cursor(request, value);
  } else if (name == "id") {
    auto id = queue::QueueId::parse(value);
    if (!id) return std::unexpected(id.error());
    request.filter.ids = {*id};
  } else if (name == "state" && value == "active") {
    request.only_active = true;
  } else if (name == "state") {
    auto state = queue::parse_state(value);
    if (!state) return std::unexpected(state.error());
    request.filter.state = *state;
  } else if (name == "limit") {
    auto limit = base::parse_number(value);
    if (!limit || *limit == 0) return base::fail(Kind::invalid, "limit: a number of 1 or more is needed");
    request.limit = std::min<std::size_t>(*limit, most_rows);
  } else {
    return base::fail(Kind::invalid,
                      fmt::format("{}: unknown filter; known are id, from, to, domain, state", base::printable(name)));
  }
  return {};
}

}  // namespace

json::object row_view(const queue::ListRow& row, const IsActive& is_active, base::Time now) {
  const bool waits = row.state == queue::State::deferred;
  const bool active = (waits || row.state == queue::State::queued) && is_active(row.id, row.index);
  json::object view;
  view["id"] = row.id.to_string();
  view["index"] = row.index;
  view["received"] = base::iso_time(row.received);
  view["age_seconds"] = (now - row.received).count() / 1000;
  view["size"] = row.size;
  view["sender"] = base::printable(row.sender);
  view["recipient"] = base::printable(row.recipient);
  view["state"] = active ? std::string("active") : std::string(queue::to_string(row.state));
  view["attempts"] = row.attempts;
  view["next_attempt"] = waits && !active ? json::value(base::iso_time(row.next_attempt)) : json::value(nullptr);
  view["next_seconds"] = waits && !active ? json::value((row.next_attempt - now).count() / 1000) : json::value(nullptr);
  view["mx"] = base::printable(row.mx);
  view["last_reply"] = base::printable(row.last_reply);
  return view;
}

json::object message_view(const queue::Message& message, const std::vector<queue::ListRow>& recipients, const IsActive& is_active,
                          base::Time now) {
  json::object view;
  view["id"] = message.id.to_string();
  view["message_id"] = base::printable(message.message_id);
  view["received"] = base::iso_time(message.received);
  view["expires"] = base::iso_time(message.expires);
  view["size"] = message.size();
  view["sender"] = message.envelope.reverse_path.to_string();
  view["client"] = json::object{
      {"helo", base::printable(message.client.helo)}, {"address", message.client.address}, {"tls", message.client.tls}};
  view["prefix_size"] = message.prefix.size();
  json::array rows;
  for (const queue::ListRow& row : recipients) rows.push_back(row_view(row, is_active, now));
  view["recipients"] = std::move(rows);
  return view;
}

Result<Page> read_page(queue::Reader& reader, PageRequest request, const IsActive& is_active) {
  Page page;
  do {
    auto rows = reader.list(request.filter, request.after, request.after_index, request.limit);
    if (!rows) return std::unexpected(rows.error());
    page.more = rows->size() >= request.limit;
    if (!rows->empty()) {
      request.after = rows->back().id;
      request.after_index = rows->back().index;
    }
    std::ranges::copy_if(*rows, std::back_inserter(page.rows),
                         [&](const queue::ListRow& row) { return !request.only_active || is_active(row.id, row.index); });
  } while (request.only_active && page.more && page.rows.size() < request.limit);
  return page;
}

Result<PageRequest> parse_request(const std::vector<std::pair<std::string, std::string>>& parameters) {
  PageRequest request;
  for (const auto& [name, value] : parameters) {
    if (auto set = set_parameter(request, name, value); !set) return std::unexpected(set.error());
  }
  return request;
}

}  // namespace relay::admin

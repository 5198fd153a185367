// Asking the Reader in pages, so that nothing is loaded that is not shown.
#include "relay/admin/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace relay::admin {
namespace {

using base::Kind;
using base::Result;
using queue::RecipientKey;

constexpr std::size_t most_groups = 100'000;
constexpr std::uint32_t last_index = std::numeric_limits<std::uint32_t>::max();

/// "ID.INDEX", or "ID": behind the whole message.
Result<RecipientKey> parse_cursor(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto id = queue::QueueId::parse(text.substr(0, dot));
  if (!id) return base::fail(Kind::invalid, fmt::format("after: {}", id.error().words));
  if (dot == std::string_view::npos) return RecipientKey{*id, last_index};
  const auto index = base::parse_number(text.substr(dot + 1));
  if (!index || *index > last_index) return base::fail(Kind::invalid, "after: the cursor is ID.INDEX");
  return RecipientKey{*id, static_cast<std::uint32_t>(*index)};
}

std::string cursor_text(const RecipientKey& key) { return fmt::format("{}.{}", key.message.to_string(), key.index); }

Result<std::size_t> parse_limit(std::string_view text, std::size_t most) {
  const auto limit = base::parse_number(text);
  if (!limit || *limit == 0) return base::fail(Kind::invalid, "limit: a number of 1 or more is needed");
  return static_cast<std::size_t>(std::min<std::uint64_t>(*limit, most));
}

Result<void> set_condition(Selection& selection, const std::string& name, const std::string& value, base::Time now) {
  if (name != "state" || value != "active") return selection.filter.set(name, value, now);
  if (selection.filter.state) return base::fail(Kind::invalid, "state: given twice");
  selection.only = Only::active;
  return {};
}

bool is_active(const queue::ListRow& row, const ActiveKeys& active) {
  return std::ranges::binary_search(active, RecipientKey{row.id, row.index});
}

/// The database knows "queued" and "deferred" only, whatever happens at this moment.
bool is_meant(const queue::ListRow& row, const Selection& selection, const ActiveKeys& active) {
  if (selection.only == Only::active) return is_active(row, active);
  const bool may_be_active = selection.filter.state == queue::State::queued || selection.filter.state == queue::State::deferred;
  return !may_be_active || !is_active(row, active);
}

/// For --state active the store is asked for the messages that are being delivered, and for no others.
std::vector<queue::QueueId> active_messages(const queue::Filter& filter, const ActiveKeys& active, queue::QueueId from) {
  std::vector<queue::QueueId> ids;
  for (auto key = std::ranges::lower_bound(active, RecipientKey{from, 0}); key != active.end(); ++key) {
    if (!ids.empty() && ids.back() == key->message) continue;
    if (ids.size() == queue::Filter::most_ids) break;
    if (filter.ids.empty() || std::ranges::binary_search(filter.ids, key->message)) ids.push_back(key->message);
  }
  return ids;
}

class RawPage {
 public:
  std::vector<queue::ListRow> rows;  ///< those that are meant
  RecipientKey last;                 ///< of those that were looked at
  bool more = false;
};

Result<RawPage> read_rows(queue::Reader& reader, const PageRequest& request, const ActiveKeys& active) {
  queue::Filter filter = request.selection.filter;
  bool has_more_ids = false;
  if (request.selection.only == Only::active) {
    filter.ids = active_messages(filter, active, request.after.message);
    if (filter.ids.empty()) return RawPage();
    has_more_ids = filter.ids.size() == queue::Filter::most_ids;
  }
  auto rows = reader.list(filter, request.after.message, request.after.index, request.limit);
  if (!rows) return std::unexpected(rows.error());
  RawPage page;
  page.more = rows->size() >= request.limit || has_more_ids;
  if (rows->size() < request.limit && has_more_ids) {
    page.last = RecipientKey{filter.ids.back(), last_index};
  } else if (!rows->empty()) {
    page.last = RecipientKey{rows->back().id, rows->back().index};
  }
  std::erase_if(*rows, [&](const queue::ListRow& row) { return !is_meant(row, request.selection, active); });
  page.rows = std::move(*rows);
  return page;
}

Result<queue::SummaryBy> parse_by(std::string_view text) {
  constexpr std::array names = {std::pair("domain", queue::SummaryBy::domain), std::pair("mx", queue::SummaryBy::mx),
                                std::pair("sender", queue::SummaryBy::sender)};
  for (const auto& [name, by] : names) {
    if (text == name) return by;
  }
  return base::fail(Kind::invalid, "by: one of domain, mx, sender is needed");
}

}  // namespace

Result<PageRequest> parse_page_request(const Parameters& parameters, base::Time now) {
  PageRequest request;
  for (const auto& [name, value] : parameters) {
    if (name == "after") {
      const auto cursor = parse_cursor(value);
      if (!cursor) return std::unexpected(cursor.error());
      request.after = *cursor;
    } else if (name == "limit") {
      const auto limit = parse_limit(value, PageRequest::most_rows);
      if (!limit) return std::unexpected(limit.error());
      request.limit = *limit;
    } else if (auto set = set_condition(request.selection, name, value, now); !set) {
      return std::unexpected(set.error());
    }
  }
  return request;
}

Result<Selection> parse_selection(const Parameters& parameters, base::Time now) {
  Selection selection;
  for (const auto& [name, value] : parameters) {
    if (auto set = set_condition(selection, name, value, now); !set) return std::unexpected(set.error());
  }
  return selection;
}

Result<Page> read_page(queue::Reader& reader, const PageRequest& request, const ActiveKeys& active, base::Time now) {
  const auto raw = read_rows(reader, request, active);
  if (!raw) return std::unexpected(raw.error());
  Page page;
  for (const queue::ListRow& row : raw->rows) page.rows.push_back(row_view(row, active, now));
  if (raw->more) page.next = cursor_text(raw->last);
  return page;
}

Result<Matches> count_matches(queue::Reader& reader, const Selection& selection, const ActiveKeys& active) {
  Matches matches;
  PageRequest request;
  request.selection = selection;
  queue::QueueId last;
  for (;;) {
    const auto page = read_rows(reader, request, active);
    if (!page) return std::unexpected(page.error());
    for (const queue::ListRow& row : page->rows) {
      if (matches.recipients == Matches::most_counted) {
        matches.more = true;
        return matches;
      }
      if (matches.messages == 0 || row.id != last) ++matches.messages;
      last = row.id;
      ++matches.recipients;
    }
    if (!page->more) return matches;
    request.after = page->last;
  }
}

Result<std::vector<queue::QueueId>> missing_ids(queue::Reader& reader, const std::vector<queue::QueueId>& ids) {
  std::vector<queue::QueueId> missing;
  for (const queue::QueueId id : ids) {
    queue::Filter filter;
    filter.ids = {id};
    const auto rows = reader.list(filter, queue::QueueId(), 0, 1);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) missing.push_back(id);
  }
  return missing;
}

Result<SummaryRequest> parse_summary_request(const Parameters& parameters) {
  SummaryRequest request;
  for (const auto& [name, value] : parameters) {
    if (name == "by") {
      const auto by = parse_by(value);
      if (!by) return std::unexpected(by.error());
      request.by = *by;
    } else if (name == "limit") {
      const auto limit = parse_limit(value, most_groups);
      if (!limit) return std::unexpected(limit.error());
      request.limit = *limit;
    } else {
      return base::fail(Kind::invalid, fmt::format("{}: unknown; a summary knows by and limit", base::printable(name)));
    }
  }
  return request;
}

Result<json::array> read_summary(queue::Reader& reader, const SummaryRequest& request, base::Time now) {
  const auto rows = reader.summary(request.by, request.limit);
  if (!rows) return std::unexpected(rows.error());
  json::array view;
  view.reserve(rows->size());
  for (const queue::SummaryRow& row : *rows) view.push_back(summary_view(row, now));
  return view;
}

Result<json::object> read_message(queue::Reader& reader, queue::QueueId id, const ActiveKeys& active, base::Time now) {
  const auto message = reader.load(id);
  if (!message) return std::unexpected(message.error());
  const auto rows = reader.recipients(id);
  if (!rows) return std::unexpected(rows.error());
  return message_view(*message, *rows, active, now);
}

Result<json::array> read_pauses(queue::Reader& reader, base::Time now) {
  const auto pauses = reader.pauses();
  if (!pauses) return std::unexpected(pauses.error());
  if (pauses->empty()) return json::array();
  const auto destinations = reader.summary(queue::SummaryBy::domain, most_groups);
  if (!destinations) return std::unexpected(destinations.error());
  json::array views;
  for (const queue::Pause& pause : *pauses) {
    Waiting waiting;
    for (const queue::SummaryRow& row : *destinations) {
      if (!base::matches_pattern(pause.pattern, row.name) && !base::matches_pattern(pause.pattern, row.mx)) continue;
      ++waiting.destinations;
      waiting.recipients += row.recipients - row.held;
    }
    views.push_back(pause_view(pause, waiting, now));
  }
  return views;
}

}  // namespace relay::admin

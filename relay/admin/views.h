// The queue as JSON: the same shapes from the running relay and, with the daemon stopped, from the database itself.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <vector>

#include "queue/store.h"

namespace relay::admin {

namespace json = boost::json;

/// Whether a recipient is being delivered at this moment; with the daemon stopped nothing is.
using IsActive = std::function<bool(queue::QueueId, std::uint32_t)>;

/// One object a row: id, received, age_seconds, size, sender, recipient, state, attempts, next_attempt, mx, last_reply.
json::object row_view(const queue::ListRow& row, const IsActive& is_active, base::Time now);
/// Envelope, client and every recipient.
json::object message_view(const queue::Message& message, const std::vector<queue::ListRow>& recipients, const IsActive& is_active,
                          base::Time now);

/// A page of `queue list`: rows behind the cursor that pass the filter, and whether there may be more.
struct Page {
  std::vector<queue::ListRow> rows;
  bool more = false;
};
/// `only_active` keeps those that are being delivered.
struct PageRequest {
  queue::Filter filter;
  bool only_active = false;
  queue::QueueId after;
  std::uint32_t after_index = 0;
  std::size_t limit = 1000;
};
base::Result<Page> read_page(queue::Reader& reader, PageRequest request, const IsActive& is_active);

/// From names and values as the command line and the API know them: id, from, to, domain, state, after, limit.
base::Result<PageRequest> parse_request(const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace relay::admin

// Questions to the queue, as the API and, with the relay stopped, the command line itself ask them: each answer is bounded.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <utility>
#include <vector>

#include "queue/store.h"
#include "relay/admin/views.h"

namespace relay::admin {

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// What of the queue is meant. "active" is no state of the store, so it stands beside the filter.
enum class Only : std::uint8_t { all, active };
struct Selection {
  queue::Filter filter;
  Only only = Only::all;
};
/// Where a listing goes on, and how far.
class PageRequest {
 public:
  static constexpr std::size_t most_rows = 1000;

  Selection selection;
  queue::RecipientKey after;  ///< the cursor: rows behind it
  std::size_t limit = most_rows;
};
/// From names and values as the command line and the API know them: those of Filter::set() with state=active, and after, limit.
base::Result<PageRequest> parse_page_request(const Parameters& parameters, base::Time now);
/// Without after and limit.
base::Result<Selection> parse_selection(const Parameters& parameters, base::Time now);

/// Rows as row_view() makes them. There may be fewer than the limit although there are more behind the cursor.
struct Page {
  json::array rows;
  std::string next;  ///< cursor; empty: there are no more
};
base::Result<Page> read_page(queue::Reader& reader, const PageRequest& request, const ActiveKeys& active, base::Time now);

/// How much a selection means, counted as far as a person wants to know it.
struct Matches {
  static constexpr std::size_t most_counted = 10'000;  ///< recipients

  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  bool more = false;  ///< there are more than these
};
base::Result<Matches> count_matches(queue::Reader& reader, const Selection& selection, const ActiveKeys& active);
/// Those without a recipient that waits.
base::Result<std::vector<queue::QueueId>> missing_ids(queue::Reader& reader, const std::vector<queue::QueueId>& ids);

struct SummaryRequest {
  queue::SummaryBy by = queue::SummaryBy::domain;
  std::size_t limit = 100'000;
};
/// by: domain, mx or sender; limit: rows.
base::Result<SummaryRequest> parse_summary_request(const Parameters& parameters);
base::Result<json::array> read_summary(queue::Reader& reader, const SummaryRequest& request, base::Time now);

/// The message with every recipient.
base::Result<json::object> read_message(queue::Reader& reader, queue::QueueId id, const ActiveKeys& active, base::Time now);
/// With the relay stopped: what waits for each pattern, by the destinations' names and the hosts asked last.
base::Result<json::array> read_pauses(queue::Reader& reader, base::Time now);

}  // namespace relay::admin

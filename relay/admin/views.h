// The queue as JSON: the same shapes from the running relay and, with the daemon stopped, from the database itself. Each member
// is told in mailferry(1); scripts rely on them.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "queue/store.h"

namespace relay::admin {

namespace json = boost::json;

/// Recipients that are being delivered at this moment, sorted; with the daemon stopped there are none.
using ActiveKeys = std::vector<queue::RecipientKey>;

/// What waits because of a pause.
struct Waiting {
  std::uint64_t destinations = 0;
  std::uint64_t recipients = 0;
};

/// A line of `queue list`.
json::object row_view(const queue::ListRow& row, const ActiveKeys& active, base::Time now);
/// Envelope, client and every recipient: a row_view() with what the sender asked for it.
json::object message_view(const queue::Message& message, const std::vector<queue::ListRow>& recipients, const ActiveKeys& active,
                          base::Time now);
json::object summary_view(const queue::SummaryRow& row, base::Time now);
json::object pause_view(const queue::Pause& pause, const Waiting& waiting, base::Time now);
json::object action_view(const queue::Action& action);
json::object quarantined_view(const queue::QuarantinedMessage& message);

/// A filter as the command line would spell it; times and many ids in words.
std::string filter_text(const queue::Filter& filter);

}  // namespace relay::admin

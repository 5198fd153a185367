// How deliveries stand, as JSON: what is in the way of mail, receivers that we go slowly with, fallbacks, the day of a warm-up.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "relay/delivery/dispatcher.h"

namespace relay::admin {

namespace json = boost::json;

/// What a receiver's block adds to a pause_view().
void add_block(json::object& pause, const std::optional<delivery::Block>& block);
/// To each recipient of a message_view() what makes it wait, and what the last reply means.
void add_reasons(json::object& message, const delivery::Dispatcher& dispatcher, const conf::Config& config, base::Time now);
/// To each of the rows of summary_view() what its receiver lets us do now, where that is less than usual.
void add_limits(json::array& rows, queue::SummaryBy by, const delivery::CurrentLimits& limits, const conf::Config& config);
/// The same moment on both clocks.
json::array host_views(const std::vector<delivery::HostMemory::Entry>& entries, delivery::HostMemory::Time now,
                       base::Time wall_now);
json::object delivery_view(const delivery::Dispatcher& dispatcher, base::Time now);

}  // namespace relay::admin

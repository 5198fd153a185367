// What an admin does to the queue, asked of the daemon's rooms themselves; and the queue as it lies in the spool.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "queue/store.h"
#include "relay/delivery/dispatcher.h"
#include "tests/unit/relay/world.h"

namespace world {

/// Comes back when the action is durable.
queue::QueueId begin(Relay& relay, queue::Deed deed, const queue::Filter& filter);
/// Waits until it is finished.
queue::Action end_of(Relay& relay, queue::QueueId action);
queue::Action act(Relay& relay, queue::Deed deed, const queue::Filter& filter = {});

void pause(Relay& relay, const std::string& pattern);
std::uint64_t resume(Relay& relay, const std::string& pattern);
std::vector<relay::delivery::PauseView> pauses(Relay& relay);

/// A filter with one condition, by its name on the command line.
queue::Filter only(const std::string& name, const std::string& value);

/// Waiting recipients, by message and number.
std::vector<queue::ListRow> rows_in(const conf::Config& config);
/// "bob@example.net deferred", one each; waits until it is so.
bool holds(const conf::Config& config, const std::vector<std::string>& expected);

/// Puts messages with one recipient each into the spool of a relay that does not run, deferred for a day.
void fill(const conf::Config& config, std::size_t count, const std::function<std::string(std::size_t)>& recipient);

}  // namespace world

// What the rooms of the relay share: references to things that the daemon owns and that outlive the loop.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <limits>

#include "dns/resolver.h"
#include "queue/store.h"
#include "relay/await.h"
#include "relay/delivery/host_memory.h"
#include "relay/log.h"
#include "relay/settings.h"
#include "relay/tasks.h"

namespace relay {

/// Since the start; the verbs of the log.
struct Statistics {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  std::uint64_t connections_in = 0;       ///< open now
  std::uint64_t connections_out = 0;      ///< open now
  std::uint64_t connections_in_all = 0;   ///< since the start
  std::uint64_t connections_out_all = 0;  ///< since the start
};

struct Services {
  Executor loop;
  asio::thread_pool& workers;
  Tasks& tasks;
  CurrentSettings& settings;
  Log& log;
  queue::Store& store;
  queue::Disk& disk;
  dns::Resolver& resolver;
  Statistics& statistics;
  delivery::HostMemory& host_memory;
  std::uint64_t free_space = std::numeric_limits<std::uint64_t>::max();  ///< octets under the spool, looked at every second
};

}  // namespace relay

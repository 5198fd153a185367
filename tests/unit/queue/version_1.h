// Queue databases as the first version of mailferry wrote them, made by SQL.
#pragma once

#include <string>
#include <vector>

#include "queue/message.h"

namespace version_1 {

/// Where version 1 left a recipient. It knew the states queued, deferred, delivered and failed.
struct Recipient {
  queue::State state = queue::State::queued;
  std::uint32_t attempts = 0;
  base::Time next_attempt;
  std::string reply;  ///< of "mx.example.com"; empty: none
};

struct Message {
  queue::Message message;
  std::vector<Recipient> recipients;  ///< as many as in the envelope
};

/// Makes the spool and its queue.db. What was written last still stands in the log, as after a crash. False: it did not work.
bool write_queue(const std::string& spool, const std::vector<Message>& messages);

}  // namespace version_1

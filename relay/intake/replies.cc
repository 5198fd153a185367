// The table of replies by kind of error.
#include "relay/intake/replies.h"

namespace relay::intake {

mail::Reply reply_for(const base::Error& error) {
  using mail::EnhancedStatus;
  using mail::Reply;
  switch (error.kind) {
    case base::Kind::invalid: return Reply(554, EnhancedStatus{5, 6, 0}, "the message is malformed: " + error.words);
    case base::Kind::unsupported: return Reply(554, EnhancedStatus{5, 6, 1}, "not supported: " + error.words);
    case base::Kind::refused: return Reply(550, EnhancedStatus{5, 7, 1}, error.words);
    case base::Kind::temporary: return Reply(451, EnhancedStatus{4, 3, 0}, "try again later");
    case base::Kind::timeout: return Reply(421, EnhancedStatus{4, 4, 2}, "timed out");
    case base::Kind::closed: return Reply(421, EnhancedStatus{4, 4, 2}, "connection lost");
    case base::Kind::tls: return Reply(454, EnhancedStatus{4, 7, 0}, "TLS is not available now");
    case base::Kind::storage: return Reply(452, EnhancedStatus{4, 3, 0}, "the queue is closed to writing, try again later");
    case base::Kind::damaged:
      return Reply(451, EnhancedStatus{4, 3, 0}, "the message did not reach the disk whole, try again later");
    case base::Kind::full: return Reply(452, EnhancedStatus{4, 3, 1}, "not enough room on the disk, try again later");
    case base::Kind::cancelled: return Reply(421, EnhancedStatus{4, 3, 2}, "shutting down, try again later");
  }
  return Reply(451, EnhancedStatus{4, 3, 0}, "try again later");
}

}  // namespace relay::intake

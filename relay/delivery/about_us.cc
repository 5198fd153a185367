// By what the reply means.
#include "relay/delivery/about_us.h"

#include "relay/replies.h"

namespace relay::delivery {

bool is_about_us(const conf::Config& config, const dns::Candidate& host, const mail::Reply& reply) {
  const auto meaning = meaning_of(config, host.host, reply);
  if (!meaning || meaning->scope == conf::ReplyScope::recipient) return false;
  switch (meaning->rule->action) {
    case conf::ReplyAction::throttle:
    case conf::ReplyAction::fix:
    case conf::ReplyAction::pause: return true;
    case conf::ReplyAction::retry:
    case conf::ReplyAction::stop: break;
  }
  return false;
}

}  // namespace relay::delivery

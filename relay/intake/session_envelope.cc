// What a session answers to MAIL and RCPT.
#include <fmt/format.h>

#include "relay/intake/replies.h"
#include "relay/intake/session.h"

namespace relay::intake {

using base::Kind;
using mail::EnhancedStatus;
using mail::Reply;

void Session::answer(const mail::event::Mail& event) {
  const conf::Accept& accept = settings_->config.accept;
  draft_.reset();
  if (services_.store.health() == queue::Health::closed) {
    return refuse(reply_for(base::Error(Kind::storage, "closed")), {});
  }
  if (services_.free_space < accept.min_free_space.count) return refuse(reply_for(base::Error(Kind::full, "min_free_space")), {});
  session_.reply(Reply(250, EnhancedStatus{2, 1, 0}, fmt::format("<{}> sender ok", event.reverse_path.to_string())));
}

void Session::answer(const mail::event::Rcpt& event) {
  auto mailbox = may_reach(*settings_, identity_.trust, event.mailbox);
  if (!mailbox) return refuse(mailbox.error(), event.mailbox.to_string());
  session_.accept_recipient(std::move(*mailbox));
  session_.reply(Reply(250, EnhancedStatus{2, 1, 5}, fmt::format("<{}> recipient ok", event.mailbox.to_string())));
}

void Session::refuse(const Reply& reply, std::string_view to) {
  ++services_.statistics.refused;
  services_.log.info("refused")
      .with("client", fmt::format("{}[{}]", session_.client().helo, session_.client().address))
      .with("from", fmt::format("<{}>", session_.envelope().reverse_path.to_string()))
      .with("to", to)
      .with("reply", reply.to_string());
  session_.reply(reply);
}

}  // namespace relay::intake

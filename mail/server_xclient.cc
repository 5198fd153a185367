// XCLIENT on the server's side: when it may come, and the new beginning behind it.
#include <utility>

#include "mail/server_session.h"

namespace mail {

std::optional<Event> ServerSession::on(command::Xclient& xclient) {
  if (!options_.offer_xclient) {
    refuse("550 5.7.0 insufficient authorization");
  } else if (in_transaction_) {
    refuse("503 5.5.1 a transaction is open");
  } else {
    state_ = State::xclient;
    return event::Xclient{std::move(xclient)};
  }
  return std::nullopt;
}

void ServerSession::xclient_answered(const Reply& reply) {
  if (reply.is_positive()) forget_client();
  if (reply.is_permanent()) count_error();
}

}  // namespace mail

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
  way_.reset();
  if (services_.store.health() == queue::Health::closed) {
    return refuse(reply_for(base::Error(Kind::storage, "closed")), {});
  }
  if (services_.free_space < accept.min_free_space.count) return refuse(reply_for(base::Error(Kind::full, "min_free_space")), {});
  if (const auto refusal = refuse_sender(settings_->config, identity_.trust, event.reverse_path)) return refuse(*refusal, {});
  session_.reply(Reply(250, EnhancedStatus{2, 1, 0}, fmt::format("<{}> sender ok", event.reverse_path.to_string())));
}

Task<void> Session::answer_recipient(const mail::event::Rcpt& event) {
  auto reach = may_reach(*settings_, identity_.trust, event.mailbox);
  if (!reach && !reach.error().is_permanent()) {
    co_await recognise_host();
    reach = may_reach(*settings_, identity_.trust, event.mailbox);
  }
  if (!reach) {
    refuse(unless_too_often(reach.error()), event.mailbox.to_string());
    co_return;
  }
  // The client may have been a stranger yet when MAIL was answered.
  if (const auto refusal = refuse_sender(settings_->config, identity_.trust, session_.envelope().reverse_path)) {
    refuse(*refusal, event.mailbox.to_string());
    co_return;
  }
  if (!goes_with_the_others(reach->way)) {
    // RFC 5321 4.5.3.1.10: the client brings it again in a transaction of its own.
    const Reply later(452, EnhancedStatus{4, 5, 3}, "send mail to this relay's own names and to others in two transactions");
    refuse(later, event.mailbox.to_string());
    co_return;
  }
  if (reach->way == Way::relay_domain) {
    const auto refusal = co_await verify(reach->mailbox);
    if (refusal) {
      refuse(*refusal, event.mailbox.to_string());
      co_return;
    }
  }
  way_ = reach->way;
  session_.accept_recipient(std::move(reach->mailbox));
  session_.reply(Reply(250, EnhancedStatus{2, 1, 5}, fmt::format("<{}> recipient ok", event.mailbox.to_string())));
}

/// While a host is asked nothing cuts the client off but the end of the relay.
Task<std::optional<Reply>> Session::verify(mail::Mailbox recipient) {
  auto finding = context_.recipients.recall(recipient);
  if (!finding) {
    const bool is_there = co_await flush();  // earlier replies do not wait for this one
    if (!is_there) co_return refusal_of(Finding(), recipient);
    if (!stopping_) deadline_.suspend();
    finding = co_await context_.recipients.ask(recipient);
    deadline_.after(settings_->config.accept.commands_timeout);
  }
  co_return refusal_of(*finding, recipient);
}

/// A host with a new address may have many recipients; who only tries does not go on for ever.
Reply Session::unless_too_often(const Reply& refusal) {
  if (refusal.is_permanent() || ++put_off_ <= context_.limits.put_off) return refusal;
  return {421, EnhancedStatus{4, 7, 0},
          fmt::format("{} too many recipients put off, try again later", settings_->config.hostname)};
}

/// A message has one reverse-path: that of its sender, or none when it goes on from an alias.
bool Session::goes_with_the_others(Way way) const {
  return !way_ || (*way_ == Way::alias) == (way == Way::alias) || session_.envelope().reverse_path.is_null();
}

mail::Envelope Session::envelope_to_queue() const {
  mail::Envelope envelope = session_.envelope();
  if (way_ == Way::alias) envelope.reverse_path = mail::ReversePath();
  return envelope;
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

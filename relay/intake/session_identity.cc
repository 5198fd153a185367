// Who a session's client is, and how it becomes somebody else: by its certificate, by its name, or because it speaks for another.
#include <fmt/format.h>

#include <algorithm>

#include "relay/intake/session.h"
#include "relay/intake/trusted_names.h"

namespace relay::intake {

using mail::EnhancedStatus;
using mail::Reply;

void Session::become(Identity identity) {
  identity_ = std::move(identity);
  visit_.become(client_, identity_.trust);
  const auto& limits = context_.limits;
  session_ends_ = Clock::now() + (identity_.is_trusted() ? limits.trusted_session : limits.stranger_session);
}

/// An intermediary says for whom it speaks: as that client the session begins anew. A client whose address it does not know is a
/// stranger. LOGIN is not believed: passwords are checked here or not at all.
void Session::answer(const mail::event::Xclient& event) {
  const conf::Config& config = settings_->config;
  const std::string before = client_.to_string();
  base::IpAddress client = client_;
  Identity identity = identity_;
  if (event.client.address) {
    const auto address = base::IpAddress::parse(*event.client.address);
    client = address.value_or(base::IpAddress());
    identity = address ? identity_of(config, context_.names.addresses(), client) : Identity();
    const Verdict verdict = gate_.ask(client, identity.trust, config.accept, Clock::now());
    if (verdict != Verdict::enter) {
      const Reply busy(421, EnhancedStatus{4, 7, 0}, fmt::format("{} too many connections, try again later", config.hostname));
      services_.log.info("closed").with("client", client.to_string()).with("reply", busy.to_string());
      return session_.reply(busy);
    }
  }
  client_ = client;
  become(std::move(identity));
  services_.log.info("xclient").with("client", before).with("for", client_.to_string());
  session_.reply(Reply(220, fmt::format("{} ESMTP mailferry", config.hostname)));
  session_.client().address = client_.to_string();
}

/// A host that accept.mynetworks names may have got another address.
Task<void> Session::recognise_host() {
  deadline_.suspend();  // the look-up is bounded
  co_await context_.names.look_again();
  deadline_.after(settings_->config.accept.commands_timeout);
  Identity identity = identity_of(settings_->config, context_.names.addresses(), client_);
  if (identity.is_trusted()) become(std::move(identity));
}

/// A certificate whose key is in accept.client_certificates makes its client trusted, wherever it is.
void Session::recognise() {
  const std::string key = connection_.peer_key();
  if (key.empty()) return;
  const conf::Config& config = settings_->config;
  const bool pinned = std::ranges::find(config.accept.client_certificates, key) != config.accept.client_certificates.end();
  const bool issued = config.tls.client_ca.empty() || connection_.peer_is_verified();
  const std::string_view verdict = !pinned ? "unknown" : issued ? "trusted" : "not issued by tls.client_ca";
  services_.log.info("client-certificate").with("client", client_.to_string()).with("key", key).with("verdict", verdict);
  if (pinned && issued) become(Identity{Trust::trusted, fmt::format("certificate {}", key)});
}

}  // namespace relay::intake

// Sessions by host, over OpenSSL's callback for new ones.
#include "relay/tls_sessions.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace relay {
namespace {

/// Where a context keeps its sessions.
int sessions_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool is_tls_1_3(const SSL_SESSION* session) { return SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION; }

/// As the server has it, in TLS 1.2 with 0 for "no word on it" (RFC 5077 3.3), in TLS 1.3 for "not at all" (RFC 8446 4.6.1).
base::Time end_of_ticket(const SSL_SESSION* session) {
  const base::Time begun{std::chrono::seconds(SSL_SESSION_get_time(session))};
  const unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
  if (hint == 0 && !is_tls_1_3(session)) return begun + TlsSessions::longest;
  return begun + std::min(std::chrono::seconds(hint), std::chrono::seconds(TlsSessions::longest));
}

}  // namespace

void TlsSessions::Free::operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }

void TlsSessions::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, sessions_index(), this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, take_new);
}

TlsSessions* TlsSessions::of(const SSL_CTX* context) {
  return static_cast<TlsSessions*>(SSL_CTX_get_ex_data(context, sessions_index()));
}

/// Where a connection keeps its Use, which ends with it.
int TlsSessions::use_index() {
  constexpr auto end = [](void*, void* use, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Use*>(use); };
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, end);
  return index;
}

TlsSessions::Use* TlsSessions::use_of(const SSL* ssl) { return static_cast<Use*>(SSL_get_ex_data(ssl, use_index())); }

bool TlsSessions::offer(SSL* ssl, Host host, base::Time now) {
  auto known = sessions_.extract(host);
  const bool is_good = !known.empty() && now < known.mapped().until &&
                       SSL_SESSION_is_resumable(known.mapped().session.get()) == 1 &&
                       SSL_set_session(ssl, known.mapped().session.get()) == 1;
  auto use = std::make_unique<Use>(std::move(host), now, is_good ? known.mapped().certified : now);
  if (SSL_set_ex_data(ssl, use_index(), use.get()) == 1) static_cast<void>(use.release());  // use_index() has it freed
  return is_good;
}

void TlsSessions::put_back(SSL* ssl) {
  const Use* use = use_of(ssl);
  if (use == nullptr || SSL_session_reused(ssl) == 0 || SSL_version(ssl) == TLS1_3_VERSION) return;
  keep(use->host, Session(SSL_get1_session(ssl)), use->certified);
}

/// Called by OpenSSL: at the end of a full handshake of TLS 1.2, in TLS 1.3 whenever a ticket comes. 1: the session is ours.
int TlsSessions::take_new(SSL* ssl, SSL_SESSION* session) {
  Session owned(session);
  TlsSessions* sessions = of(SSL_get_SSL_CTX(ssl));
  const Use* use = use_of(ssl);
  if (sessions == nullptr || use == nullptr) return 1;
  sessions->keep(use->host, std::move(owned), SSL_session_reused(ssl) != 0 ? use->certified : use->begun);
  return 1;
}

void TlsSessions::keep(const Host& host, Session session, base::Time certified) {
  const base::Time until = std::min(end_of_ticket(session.get()), certified + longest);
  if (sessions_.size() >= most_sessions && !sessions_.contains(host)) {
    sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& kept) { return kept.second.until; }));
  }
  sessions_.insert_or_assign(host, Entry{std::move(session), certified, until});
}

}  // namespace relay

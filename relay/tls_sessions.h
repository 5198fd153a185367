// TLS sessions with receivers, to be resumed: a handshake without certificates (RFC 8446 2.2, RFC 5077).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/net.h"
#include "base/units.h"

// OpenSSL's SSL, SSL_CTX and SSL_SESSION.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace relay {

/// What a client's context knows of earlier handshakes; a reload makes a new context, which knows nothing. Bounded: what ends
/// first is forgotten for the new. On the loop alone.
class TlsSessions {
 public:
  static constexpr std::size_t most_sessions = 1000;
  /// Since the host showed its certificate, however often the session was renewed meanwhile (RFC 8446 4.6.1).
  static constexpr std::chrono::hours longest{1};

  /// With whom, and whether the certificate was verified for that name: a session in which nobody looked never stands in for one
  /// that must be.
  struct Host {
    base::IpAddress address;
    std::uint16_t port = 0;
    std::string name;
    bool verified = false;
    friend auto operator<=>(const Host&, const Host&) = default;
  };

  TlsSessions() = default;
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;

  /// The context's connections leave their sessions here; it ends before this does.
  void serve(ssl_ctx_st* context);
  /// Of the context that serve() was called with, else null.
  static TlsSessions* of(const ssl_ctx_st* context);

  /// Before a handshake. Whether there is a session to resume: it is taken out, so that it is used once and that a handshake
  /// that fails leaves nothing. There is none from a connection that ended without TLS's own goodbye.
  bool offer(ssl_st* ssl, Host host, base::Time now);
  /// After a good one: a session of TLS 1.2 may be used again.
  void put_back(ssl_st* ssl);
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  using Session = std::unique_ptr<ssl_session_st, Free>;
  struct Entry {
    Session session;
    base::Time certified;  ///< when the host showed its certificate
    base::Time until;
  };
  /// Of a connection, from offer() on.
  struct Use {
    Host host;
    base::Time begun;
    base::Time certified;  ///< of the session that is offered
  };
  static Use* use_of(const ssl_st* ssl);
  static int use_index();
  static int take_new(ssl_st* ssl, ssl_session_st* session);
  void keep(const Host& host, Session session, base::Time certified);

  std::map<Host, Entry> sessions_;
};

}  // namespace relay

// One connection, TCP (plain or TLS) or of a program on this machine. Every call is one wait; its caller's Deadline bounds it.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/net.h"
#include "base/result.h"
#include "relay/await.h"
#include "relay/tls.h"

namespace relay {

/// TCP, or a Unix socket.
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

enum class TlsRole : std::uint8_t { server, client };
/// Of the other side.
enum class Certificate : std::uint8_t { any, verified };

base::IpAddress to_ip_address(const asio::ip::address& address);
/// Nothing for a Unix socket.
std::optional<asio::ip::tcp::endpoint> to_tcp(const asio::generic::stream_protocol::endpoint& endpoint);
/// The user of the program at the other end of a Unix socket, as the kernel knows it (SO_PEERCRED); nothing over TCP.
std::optional<std::uint32_t> local_user(Socket& socket);
asio::ip::tcp::endpoint to_endpoint(const base::IpAddress& address, std::uint16_t port);

class Connection {
 public:
  explicit Connection(Socket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects from `source` (nothing: the system chooses).
  Task<base::Result<void>> connect(base::IpAddress address, std::uint16_t port, std::optional<base::IpAddress> source);

  /// At least one octet, or Kind::closed.
  Task<base::Result<std::size_t>> read_some(std::span<char> buffer);
  /// Until octets, or the end of the stream, are there (plain connections).
  Task<void> readable();
  /// All of it. `bytes` lives in the caller until the task ends.
  Task<base::Result<void>> write(std::string_view bytes);
  /// Kind::tls with OpenSSL's words. `server_name` is sent by a client (SNI), and with Certificate::verified the server's must be
  /// good and for that name; an address literal stands for the peer's address. A client resumes what the context knows of it.
  Task<base::Result<void>> start_tls(std::shared_ptr<TlsContext> context, TlsRole role, std::string server_name,
                                     Certificate certificate = Certificate::any);

  /// The octets that just came are acknowledged now and not with the next reply: a client with Nagle's algorithm waits for it.
  void acknowledge();

  bool is_tls() const { return tls_.has_value(); }
  /// start_tls() tried to resume a session, which a handshake that fails has used up.
  bool offered_session() const { return offered_session_; }
  /// "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS.
  std::string tls_words() const;
  /// "sha256:<hex>" over the SubjectPublicKeyInfo of the client's certificate; empty without one.
  std::string peer_key() const;
  /// Whether the authorities of tls.client_ca stand behind the client's certificate.
  bool peer_is_verified() const;
  /// 0.0.0.0 for a program on this machine.
  base::IpAddress peer() const { return peer_; }
  std::uint16_t peer_port() const { return peer_port_; }
  /// Of the socket; nothing over TCP.
  std::optional<std::uint32_t> local_user() const { return local_user_; }
  /// Ends TLS in order (close_notify, the peer's awaited); the caller's Deadline is short. Nothing without TLS.
  Task<void> shutdown();
  void close();

 private:
  bool expect_certificate_for(const std::string& name);
  void offer_session(const std::string& name, Certificate certificate);
  Task<base::Result<void>> write_rest(std::string_view bytes);

  Socket socket_;
  std::shared_ptr<TlsContext> context_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  base::IpAddress peer_;
  std::uint16_t peer_port_ = 0;
  std::optional<std::uint32_t> local_user_;
  bool offered_session_ = false;
};

}  // namespace relay

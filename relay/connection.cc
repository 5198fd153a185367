// One connection over Asio.
#include "relay/connection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <utility>
#include <vector>

#include "relay/tls_sessions.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;
using boost::system::error_code;

base::Error error_of(const error_code& error, std::string_view doing) {
  const std::string words = fmt::format("{}: {}", doing, error.message());
  if (error == asio::error::operation_aborted) return base::Error(Kind::cancelled, words);
  if (error.category() == asio::error::get_ssl_category()) return base::Error(Kind::tls, words);
  const bool closed = error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
                      error == asio::ssl::error::stream_truncated;
  return base::Error(closed ? Kind::closed : Kind::temporary, words);
}

/// A client behind a router that forgot the connection is noticed within three minutes.
void keep_alive(int socket) {
  constexpr std::array<std::pair<int, int>, 3> options = {{{TCP_KEEPIDLE, 60}, {TCP_KEEPINTVL, 30}, {TCP_KEEPCNT, 4}}};
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  for (const auto& [option, value] : options) ::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof(value));
}

/// A socket that is closed with octets unread sends RST, which may overtake our last reply at the client.
void read_away(Socket& socket) {
  constexpr int most_pieces = 16;
  std::array<char, 4096> piece;
  error_code error;
  for (int i = 0; i < most_pieces && !error; ++i) socket.read_some(asio::buffer(piece), error);
}

}  // namespace

base::IpAddress to_ip_address(const asio::ip::address& address) {
  return address.is_v6() ? base::IpAddress::v6(address.to_v6().to_bytes()) : base::IpAddress::v4(address.to_v4().to_bytes());
}

asio::ip::tcp::endpoint to_endpoint(const base::IpAddress& address, std::uint16_t port) {
  if (address.is_v6()) return {asio::ip::address_v6(address.octets()), port};
  const auto& octets = address.octets();
  return {asio::ip::address_v4({octets[0], octets[1], octets[2], octets[3]}), port};
}

std::optional<asio::ip::tcp::endpoint> to_tcp(const asio::generic::stream_protocol::endpoint& endpoint) {
  const int family = endpoint.protocol().family();
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  asio::ip::tcp::endpoint tcp(family == AF_INET ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), 0);
  if (endpoint.size() > tcp.capacity()) return std::nullopt;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  return tcp;
}

std::optional<std::uint32_t> local_user(Socket& socket) {
  constexpr std::uint32_t nobody = 65534;  // whom the kernel does not name
  error_code error;
  if (socket.local_endpoint(error).protocol().family() != AF_UNIX) return std::nullopt;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int got = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return got == 0 ? credentials.uid : nobody;
}

Connection::Connection(Socket socket) : socket_(std::move(socket)) {
  error_code error;
  if (!socket_.is_open()) return;
  const auto endpoint = socket_.remote_endpoint(error);
  if (error) return;
  socket_.non_blocking(true, error);
  local_user_ = relay::local_user(socket_);
  const auto peer = to_tcp(endpoint);
  if (!peer) return;
  peer_ = to_ip_address(peer->address());
  peer_port_ = peer->port();
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  keep_alive(socket_.native_handle());
}

Task<Result<void>> Connection::connect(base::IpAddress address, std::uint16_t port, std::optional<base::IpAddress> source) {
  const auto target = to_endpoint(address, port);
  error_code error;
  socket_.open(target.protocol(), error);
  const asio::generic::stream_protocol::endpoint remote(target);
  if (!error && source) socket_.bind(to_endpoint(*source, 0), error);
  if (error) {
    const std::string doing = source ? "cannot bind to " + source->to_string() : std::string("cannot open a socket");
    co_return std::unexpected(error_of(error, doing));
  }
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  auto [failure] = co_await socket_.async_connect(remote, as_result);
  if (failure) {
    // Whatever the network says of a host (refused, unreachable), it is this host that is closed: the next one may be open.
    const Kind kind = failure == asio::error::timed_out ? Kind::timeout : Kind::closed;
    co_return base::fail(kind, fmt::format("cannot connect: {}", failure.message()));
  }
  socket_.non_blocking(true, error);
  peer_ = address;
  peer_port_ = port;
  co_return Result<void>();
}

Task<Result<std::size_t>> Connection::read_some(std::span<char> buffer) {
  const auto target = asio::buffer(buffer.data(), buffer.size());
  if (tls_) {
    auto [error, count] = co_await tls_->async_read_some(target, as_result);
    if (error) co_return std::unexpected(error_of(error, "cannot read"));
    co_return count;
  }
  auto [error, count] = co_await socket_.async_read_some(target, as_result);
  if (error) co_return std::unexpected(error_of(error, "cannot read"));
  co_return count;
}

/// Asio's word is not enough: its place for a socket in the reactor is given to the next one while an event may still wait there,
/// which then ends the wait of the new socket. So the socket is asked itself, else two sides would wait for each other's words.
Task<void> Connection::readable() {
  std::array<char, 1> octet{};
  error_code error = asio::error::would_block;
  while (error == asio::error::would_block) {
    auto [failure] = co_await socket_.async_wait(Socket::wait_read, as_result);
    if (failure) co_return;
    socket_.receive(asio::buffer(octet), Socket::message_peek, error);
  }
}

Task<Result<void>> Connection::write(std::string_view bytes) {
  if (!tls_) {
    // A reply nearly always fits the socket's buffer: one system call, no turn of the loop.
    error_code error;
    const std::size_t written = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
      co_return std::unexpected(error_of(error, "cannot write"));
    }
    bytes.remove_prefix(written);
    if (bytes.empty()) co_return Result<void>();
  }
  co_return co_await write_rest(bytes);
}

Task<Result<void>> Connection::write_rest(std::string_view bytes) {
  const auto source = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    auto [error, count] = co_await asio::async_write(*tls_, source, as_result);
    if (error) co_return std::unexpected(error_of(error, "cannot write"));
    co_return Result<void>();
  }
  auto [error, count] = co_await asio::async_write(socket_, source, as_result);
  if (error) co_return std::unexpected(error_of(error, "cannot write"));
  co_return Result<void>();
}

/// The chain by the context's authorities, the name by RFC 9525.
bool Connection::expect_certificate_for(const std::string& name) {
  SSL* ssl = tls_->native_handle();
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!name.starts_with('[')) return SSL_set1_host(ssl, name.c_str()) == 1;
  const auto& octets = peer_.octets();
  return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), octets.data(), peer_.is_v6() ? octets.size() : 4) == 1;
}

void Connection::offer_session(const std::string& name, Certificate certificate) {
  TlsSessions* sessions = TlsSessions::of(context_->native_handle());
  if (sessions == nullptr) return;
  TlsSessions::Host host{peer_, peer_port_, name, certificate == Certificate::verified};
  offered_session_ = sessions->offer(tls_->native_handle(), std::move(host), base::now());
}

Task<Result<void>> Connection::start_tls(std::shared_ptr<TlsContext> context, TlsRole role, std::string server_name,
                                         Certificate certificate) {
  context_ = std::move(context);
  tls_.emplace(socket_, *context_);
  if (role == TlsRole::client && !server_name.empty() && server_name.front() != '[') {
    // What the macro SSL_set_tlsext_host_name does, without its C cast.
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name.data());
  }
  if (certificate == Certificate::verified && !expect_certificate_for(server_name)) {
    co_return base::fail(Kind::tls, fmt::format("no certificate can be for {}", server_name));
  }
  if (role == TlsRole::client) offer_session(server_name, certificate);
  const auto side = role == TlsRole::server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  auto [error] = co_await tls_->async_handshake(side, as_result);
  // A resumed session brings the verdict on the certificate with it.
  const long verdict = certificate == Certificate::verified ? SSL_get_verify_result(tls_->native_handle()) : X509_V_OK;
  if (verdict != X509_V_OK) {
    co_return base::fail(Kind::tls, fmt::format("the certificate of {} is not to be trusted: {}", server_name,
                                                X509_verify_cert_error_string(verdict)));
  }
  if (error) co_return base::fail(Kind::tls, fmt::format("TLS handshake failed: {}", error.message()));
  if (TlsSessions* sessions = TlsSessions::of(context_->native_handle())) sessions->put_back(tls_->native_handle());
  co_return Result<void>();
}

std::string Connection::tls_words() const {
  if (!tls_) return {};
  const SSL* ssl = const_cast<asio::ssl::stream<Socket&>&>(*tls_).native_handle();
  return fmt::format("{} {}", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
}

void Connection::acknowledge() {
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

std::string Connection::peer_key() const {
  if (!tls_) return {};
  const SSL* ssl = const_cast<asio::ssl::stream<Socket&>&>(*tls_).native_handle();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl), &X509_free);
  if (!certificate) return {};
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), nullptr);
  if (size <= 0) return {};
  std::vector<unsigned char> der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &end);
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(der.data(), der.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  return fmt::format("sha256:{:02x}", fmt::join(digest, ""));
}

bool Connection::peer_is_verified() const {
  if (!tls_) return false;
  const SSL* ssl = const_cast<asio::ssl::stream<Socket&>&>(*tls_).native_handle();
  return SSL_get0_peer_certificate(ssl) != nullptr && SSL_get_verify_result(ssl) == X509_V_OK;
}

Task<void> Connection::shutdown() {
  if (tls_ && socket_.is_open()) co_await tls_->async_shutdown(as_result);
}

void Connection::close() {
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  if (!ignored) read_away(socket_);
  socket_.close(ignored);
}

}  // namespace relay

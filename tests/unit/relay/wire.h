// A blocking TCP connection, plain or TLS, with a bound on every wait: what the tests' SMTP client and sink are made of.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

struct ssl_session_st;

namespace world {

using Milliseconds = std::chrono::milliseconds;

/// Longer than anything takes that works, on a loaded machine under a sanitizer.
inline constexpr Milliseconds patience(20'000);

/// Whether the condition comes true within the bound; looks every few milliseconds.
bool eventually(const std::function<bool()>& condition, Milliseconds bound = patience);

/// A port of 127.0.0.1 that was free a moment ago.
std::uint16_t free_port();

/// What a client brings to a handshake.
struct TlsOffer {
  std::string certificate = {};       ///< a PEM file with key and certificate
  ssl_session_st* session = nullptr;  ///< to resume
  int version = 0;                    ///< the only one that it speaks; 0: any
};

/// Used by one thread; only shut_down() may be called by another. Throws std::runtime_error where a test cannot go on.
class Wire {
 public:
  explicit Wire(int descriptor);
  Wire(Wire&&) noexcept;
  Wire& operator=(Wire&&) = delete;
  Wire(const Wire&) = delete;
  ~Wire();
  /// From `source`, or from the address that the system chooses.
  static Wire connect(const std::string& address, std::uint16_t port, const std::string& source = {});
  /// To a Unix socket.
  static Wire connect(const std::string& path);

  void write(std::string_view octets);
  /// Without its CR LF; nothing at the end of the stream.
  std::optional<std::string> read_line();
  /// All lines of an SMTP reply, joined by '\n'; empty at the end of the stream.
  std::string read_reply();
  /// Content up to its final dot, dot-stuffing removed; nothing at the end of the stream. Exact to the octet.
  std::optional<std::string> read_content();
  /// So many octets; nothing at the end of the stream.
  std::optional<std::string> read_octets(std::size_t count);
  /// Whether this text is buffered, or comes within the bound before the end of the stream.
  bool comes(std::string_view text, Milliseconds bound);
  /// Whether nothing at all came within that time.
  bool is_silent_for(Milliseconds time);
  /// Whether the peer closes; what it says before is thrown away.
  bool reaches_end();
  /// Everything that is there up to the end of the stream.
  std::string read_to_end();

  void start_tls_as_client(const TlsOffer& offer = {});
  void start_tls_as_server(SSL_CTX* context);
  bool is_tls() const { return ssl_ != nullptr; }
  SSL* ssl() const { return ssl_.get(); }
  /// The other side's address.
  std::string peer() const;

  /// Ends what waits on this connection, from any thread.
  void shut_down() const;
  void close();

 private:
  enum class Got : std::uint8_t { octets, end, nothing };
  struct Free {
    void operator()(SSL* ssl) const;
    void operator()(SSL_CTX* context) const;
  };

  Got fill(Milliseconds bound);
  void shake_hands(SSL_CTX* context, int (*handshake)(SSL*), const TlsOffer& offer);

  base::Fd descriptor_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string buffer_;
};

}  // namespace world

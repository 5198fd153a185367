// A blocking SMTP client as a test speaks it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/relay/wire.h"

namespace world {

class Client {
 public:
  explicit Client(std::uint16_t port, const std::string& address = "127.0.0.1");
  /// From another address than 127.0.0.1.
  static Client from(const std::string& source, std::uint16_t port);
  /// TLS from the first octet.
  static Client over_tls(std::uint16_t port);
  /// Over a Unix socket.
  static Client at_socket(const std::string& path);

  const std::string& greeting() const { return greeting_; }
  /// A line, and the reply to it; the lines of a reply are joined by '\n'. Empty when the relay closed.
  std::string say(std::string_view line);
  std::string ehlo() { return say("EHLO client.example"); }
  /// STARTTLS, the handshake, and EHLO again.
  void start_tls();
  /// One transaction; the reply to its final dot, or the first that refused.
  std::string send(const std::string& from, const std::vector<std::string>& to, std::string_view content);
  /// The content with its dot, after a 354.
  std::string send_content(std::string_view content);

  Wire& wire() { return wire_; }

 private:
  explicit Client(Wire wire) : wire_(std::move(wire)) {}

  Wire wire_;
  std::string greeting_;
};

/// "queued as ID" of a 250.
std::string id_in(const std::string& reply);

/// A message with these header fields (each with its CR LF) and body.
std::string message(const std::string& from, const std::string& subject, const std::string& body = "Hello.\r\n");

}  // namespace world

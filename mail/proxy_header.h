// The header of the PROXY protocol, version 1 and 2, that a balancer sends before the client's first octet: whom it speaks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/net.h"
#include "base/result.h"

namespace mail {

/// The two ends of the client's connection to the balancer.
struct ProxiedConnection {
  base::Endpoint client;
  base::Endpoint server;
  friend bool operator==(const ProxiedConnection&, const ProxiedConnection&) = default;
};

/// Reads one header, octet by octet as they come; holds at most 107 octets. TLVs of version 2 are skipped.
class ProxyHeader {
 public:
  static constexpr std::size_t longest_line = 107;     ///< version 1 with its CR LF
  static constexpr std::size_t longest_binary = 4096;  ///< version 2 with its TLVs

  /// Takes from `in` up to the end of the header; returns how many octets were used (all, unless done()): what follows is the
  /// client's. Kind::invalid: this is no PROXY header, the connection is to be closed without a word.
  base::Result<std::size_t> consume(std::string_view in);
  bool done() const { return done_; }
  /// Once done(); nothing when the balancer speaks for itself (LOCAL, UNKNOWN, no TCP): the connection's own addresses hold.
  const std::optional<ProxiedConnection>& proxied() const { return proxied_; }

 private:
  base::Result<void> take(char c);
  base::Result<void> take_text();
  base::Result<void> take_line(std::string_view line);
  base::Result<void> take_binary();
  base::Result<void> take_addresses();

  std::string held_;
  std::size_t total_ = 0;  ///< of a version 2 header, once its first 16 octets are there
  std::size_t seen_ = 0;
  bool done_ = false;
  std::optional<ProxiedConnection> proxied_;
};

}  // namespace mail

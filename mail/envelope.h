// The envelope of a message (RFC 5321 2.3.1) and the client that presented it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mail/address.h"

namespace mail {

/// BODY= of RFC 6152.
enum class BodyType : std::uint8_t { seven_bit, eight_bit };

/// The client as it presented itself and as the socket knows it; goes into Received and into the log.
class Client {
 public:
  std::string helo;       ///< the argument of EHLO or HELO
  std::string address;    ///< IP address, as text
  std::string tls;        ///< "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without TLS
  bool extended = false;  ///< EHLO, not HELO
  friend bool operator==(const Client&, const Client&) = default;
};

/// One forward-path. DSN parameters (RFC 3461) get their place here.
class Recipient {
 public:
  Recipient() = default;
  explicit Recipient(Mailbox to) : mailbox(std::move(to)) {}
  Mailbox mailbox;
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

class Envelope {
 public:
  ReversePath reverse_path;
  std::vector<Recipient> recipients;
  BodyType body = BodyType::seven_bit;
  std::optional<std::uint64_t> declared_size;  ///< SIZE= of RFC 1870, octets
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

}  // namespace mail

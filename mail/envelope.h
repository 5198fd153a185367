// The envelope of a message (RFC 5321 2.3.1) and the client that presented it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/address.h"

namespace mail {

/// BODY= of RFC 6152.
enum class BodyType : std::uint8_t { seven_bit, eight_bit };

/// SMTPUTF8 of RFC 6531: not given; given; given and needed, because the header is not ASCII.
enum class SmtpUtf8 : std::uint8_t { absent, given, needed };

/// What the sender wants of TLS on the way (RFC 8689): nothing; REQUIRETLS, without which the message is returned; TLS-Required:
/// No, so that policies of receivers do not count; REQUIRETLS of mail with the null reverse-path, which is no reason to lose it
/// (5).
enum class TlsWish : std::uint8_t { none, required, optional, preferred };
/// REQUIRETLS goes with it, where it may.
constexpr bool carries_requiretls(TlsWish wish) { return wish == TlsWish::required || wish == TlsWish::preferred; }

/// RET= of RFC 3461 4.3: what a failure report returns of the message.
enum class Return : std::uint8_t { unspecified, full, headers };

/// NOTIFY= of RFC 3461 4.1: never, or any of success, failure and delay. Not given: failures, and delays as we see fit.
class Notify {
 public:
  static constexpr std::uint8_t never = 1;
  static constexpr std::uint8_t success = 2;
  static constexpr std::uint8_t failure = 4;
  static constexpr std::uint8_t delay = 8;

  Notify() = default;
  /// `never` rules out the others, other bits are dropped.
  explicit Notify(std::uint8_t bits) : bits_((bits & never) != 0 ? never : bits & (success | failure | delay)) {}

  /// 0 when it was not given.
  std::uint8_t bits() const { return bits_; }
  bool is_given() const { return bits_ != 0; }
  bool wants_success() const { return (bits_ & success) != 0; }
  bool wants_failure() const { return !is_given() || (bits_ & failure) != 0; }
  bool wants_delay() const { return !is_given() || (bits_ & delay) != 0; }
  /// As it goes on the wire, "SUCCESS,FAILURE"; empty when it was not given.
  std::string to_string() const;
  friend bool operator==(const Notify&, const Notify&) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// The client as it presented itself and as the socket knows it; goes into Received and into the log.
class Client {
 public:
  std::string helo;       ///< the argument of EHLO or HELO
  std::string address;    ///< IP address, as text; "uid:1000" of a program on this machine
  std::string tls;        ///< "TLSv1.3 TLS_AES_256_GCM_SHA384", empty without TLS
  std::string user;       ///< whose password was right (AUTH), else empty; not kept in the queue
  bool extended = false;  ///< EHLO, not HELO

  static constexpr std::string_view user_mark = "uid:";
  /// Handed in on this machine, not over a network.
  bool is_local() const { return address.starts_with(user_mark); }
  friend bool operator==(const Client&, const Client&) = default;
};

/// One forward-path and what its sender wants to be told about it (RFC 3461).
class Recipient {
 public:
  Recipient() = default;
  explicit Recipient(Mailbox to) : mailbox(std::move(to)) {}
  Mailbox mailbox;
  Notify notify;
  std::string orcpt;  ///< ORCPT= as it was given, "rfc822;" and xtext, at most 500 octets; empty: not given
  friend bool operator==(const Recipient&, const Recipient&) = default;
};

class Envelope {
 public:
  ReversePath reverse_path;
  std::vector<Recipient> recipients;
  BodyType body = BodyType::seven_bit;
  SmtpUtf8 utf8 = SmtpUtf8::absent;
  TlsWish tls = TlsWish::none;
  std::optional<std::uint64_t> declared_size;  ///< SIZE= of RFC 1870, octets
  Return ret = Return::unspecified;
  std::string envid;  ///< ENVID= of RFC 3461 4.4 as it was given, xtext, at most 100 octets; empty: not given
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

}  // namespace mail

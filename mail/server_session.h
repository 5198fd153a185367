// The server side of SMTP without a socket (RFC 5321): bytes in, events out, replies in.
//
// Flow: feed() what the socket gave; call next() until it says NeedInput; write take_output() then; answer Mail, Rcpt,
// BeginData and EndOfContent with reply(). Order, syntax, parameters and limits are answered inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "mail/command.h"
#include "mail/data.h"
#include "mail/envelope.h"
#include "mail/reply.h"

namespace mail {

namespace event {
struct NeedInput {};  ///< write take_output(), then read and feed()
struct Mail {
  ReversePath reverse_path;
};  ///< answer with reply(); 2xx opens the transaction
struct Rcpt {
  Mailbox mailbox;
};                    ///< answer with reply(); 2xx enters the envelope
struct BeginData {};  ///< answer 354 to take the content, else 4xx/5xx
struct Content {
  std::string_view bytes;
};                       ///< a piece of content, dots removed, CR LF only; valid until the next call
struct EndOfContent {};  ///< answer with reply(); the transaction ends whatever it says
struct StartTls {};      ///< write take_output() (220), shake hands, call tls_started()
struct Close {};         ///< write take_output() and close (QUIT, too many errors)
}  // namespace event

using Event = std::variant<event::NeedInput, event::Mail, event::Rcpt, event::BeginData, event::Content, event::EndOfContent,
                           event::StartTls, event::Close>;

struct ServerOptions {
  std::string hostname;                     ///< in the greeting and the EHLO reply
  std::uint64_t message_size = 50U << 20U;  ///< octets; SIZE of RFC 1870, and what DATA may hold
  std::size_t recipients = 1000;            ///< per message
  bool offer_starttls = false;
  bool require_tls = false;  ///< 530 5.7.0 to MAIL before STARTTLS
  BareNewline bare_newline = BareNewline::normalize;
};

class ServerSession {
 public:
  static constexpr std::size_t max_line =
      2048;  ///< octets of a command line with its CR LF (RFC 5321 4.5.3.1.4 asks for 512, extensions add)
  static constexpr int max_errors = 20;  ///< refused commands until 421 4.7.0

  explicit ServerSession(ServerOptions options);

  /// The 220 greeting.
  void greet();
  /// Ends the conversation with this reply instead (421 at the door, at shutdown, after a timeout): next() gives Close.
  void close(const Reply& reply);

  void feed(std::string_view bytes);
  Event next();
  void reply(const Reply& reply);
  std::string take_output();

  /// Forgets all that came before the handshake: EHLO, envelope, and every octet already read (RFC 3207 4.2).
  void tls_started(std::string tls_words);

  const Envelope& envelope() const { return envelope_; }
  const Client& client() const { return client_; }
  Client& client() { return client_; }
  /// Octets of content so far in this transaction; more than message_size is swallowed and answered 552 5.3.4 inside
  /// (EndOfContent is then not given).
  std::uint64_t content_size() const { return content_size_; }

 private:
  // the implementation shapes this part
  ServerOptions options_;
  Client client_;
  Envelope envelope_;
  std::uint64_t content_size_ = 0;
};

}  // namespace mail

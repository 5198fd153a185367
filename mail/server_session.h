// The server side of SMTP without a socket (RFC 5321): bytes in, events out, replies in.
//
// Flow: feed() what the socket gave; call next() until it says NeedInput; write take_output() then; answer Mail, Rcpt,
// BeginData and EndOfContent with reply(), Auth and AuthResponse with challenge() or reply(). Order, syntax, parameters and
// limits are answered inside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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
};  ///< answer with reply(); 2xx enters the envelope
struct BeginData {};  ///< DATA, or a message's first BDAT: answer 354 to take the content, else 4xx/5xx
struct Content {
  std::string_view bytes;
};  ///< a piece of content, dots removed, CR LF only; valid until the next call
struct EndOfContent {};  ///< answer with reply(); the transaction ends whatever it says
struct StartTls {};      ///< write take_output() (220), shake hands, call tls_started()
struct Auth {
  std::string mechanism;               ///< one of ServerOptions::auth
  std::optional<std::string> initial;  ///< the initial response, decoded
};  ///< answer with challenge() or reply(); before 235 client().user is set
struct AuthResponse {
  std::string octets;  ///< decoded
};  ///< to the challenge; answer as Auth
struct Xclient {
  command::Xclient client;
};  ///< answer with reply(): after 220 the conversation begins anew, and client() is the shell's to set; else 550
struct Close {};  ///< write take_output() and close (QUIT, too many errors)
}  // namespace event

using Event = std::variant<event::NeedInput, event::Mail, event::Rcpt, event::BeginData, event::Content, event::EndOfContent,
                           event::StartTls, event::Auth, event::AuthResponse, event::Xclient, event::Close>;

struct ServerOptions {
  std::string hostname;                     ///< in the greeting and the EHLO reply
  std::uint64_t message_size = 50U << 20U;  ///< octets; SIZE of RFC 1870, and what DATA may hold
  std::size_t recipients = 1000;            ///< per message
  bool offer_starttls = false;
  bool require_tls = false;  ///< 530 5.7.0 to MAIL before STARTTLS
  /// SASL mechanisms in upper case (RFC 4954): offered and taken under TLS alone, so that no password is sent in the clear.
  std::vector<std::string> auth;
  bool offer_xclient = false;  ///< the client may say for whom it speaks (Postfix's XCLIENT)
  BareNewline bare_newline = BareNewline::normalize;
};

class ServerSession {
 public:
  static constexpr std::size_t max_line = std::max(line_limit::mail, line_limit::rcpt);  ///< octets of the longest command
  /// Octets of AUTH and of a response to a challenge, with their CR LF (RFC 4954 4).
  static constexpr std::size_t max_auth_line = 12288;
  /// Permanently refused commands since the last accepted message until 421 4.7.0; what merely follows from a refused MAIL
  /// or RCPT in the same pipelined group does not count.
  static constexpr int max_errors = 20;

  explicit ServerSession(ServerOptions options);

  /// The 220 greeting.
  void greet();
  /// Ends the conversation with this reply instead (421 at the door, at shutdown, after a timeout): next() gives Close.
  /// A 421 given to reply() does the same.
  void close(const Reply& reply);

  void feed(std::string_view bytes);
  Event next();
  /// The answer to the last Mail, Rcpt, BeginData, EndOfContent, Auth, AuthResponse or Xclient; without one due it does nothing.
  void reply(const Reply& reply);
  /// 334 in answer to Auth or AuthResponse: octets that mean something to the mechanism.
  void challenge(std::string_view octets);
  /// Before a 2xx to Rcpt: what enters the envelope in place of the mailbox that the client named; its DSN parameters stay.
  void accept_recipient(Mailbox mailbox);
  std::string take_output();

  /// Gives back the room that content took, while nothing is under way.
  void release();

  /// Forgets all that came before the handshake: EHLO, envelope, and every octet already read (RFC 3207 4.2).
  void tls_started(std::string tls_words);

  const Envelope& envelope() const { return envelope_; }
  const Client& client() const { return client_; }
  Client& client() { return client_; }
  /// Octets of content so far in this transaction; more than message_size is swallowed and answered 552 5.3.4 inside
  /// (EndOfContent is then not given).
  std::uint64_t content_size() const { return content_size_; }
  /// Between 354 (or the first BDAT) and the end of a content that may still be accepted. Where it is false and EndOfContent was
  /// not given, the content so far is of no use to anybody.
  bool taking_content() const {
    return (state_ == State::content || state_ == State::content_end || chunking_) && refusal_ == Refusal::none;
  }
  /// Permanently refused commands since the last accepted message.
  int errors() const { return errors_; }
  /// Octets read and not yet understood: less than max_line (max_auth_line where AUTH is offered) once next() said
  /// NeedInput.
  std::size_t buffered() const { return input_.size() - start_; }

 private:
  /// mail, rcpt, data, verdict, auth and xclient wait for reply().
  enum class State : std::uint8_t {
    commands,
    mail,
    rcpt,
    data,
    content,
    chunk,
    content_end,
    verdict,
    auth,
    auth_response,
    xclient,
    handshake,
    closing
  };
  enum class Refusal : std::uint8_t { none, too_large, bare_newline };

  struct Line {
    std::string_view text;  ///< without its end
    bool too_long = false;
  };

  std::size_t command_limit() const;
  std::optional<Event> next_command();
  std::optional<Event> next_content();
  std::optional<Event> next_chunk();
  std::optional<Event> next_auth_response();
  std::optional<Line> next_line(std::size_t limit);

  std::optional<Event> on(command::Ehlo& ehlo);
  std::optional<Event> on(command::Helo& helo);
  std::optional<Event> on(command::MailFrom& mail);
  std::optional<Event> on(command::RcptTo& rcpt);
  std::optional<Event> on(command::Data& data);
  std::optional<Event> on(command::Bdat& bdat);
  std::optional<Event> on(command::Rset& rset);
  std::optional<Event> on(command::Noop& noop);
  std::optional<Event> on(command::Vrfy& vrfy);
  std::optional<Event> on(command::Help& help);
  std::optional<Event> on(command::Quit& quit);
  std::optional<Event> on(command::StartTls& start_tls);
  std::optional<Event> on(command::Auth& auth);
  std::optional<Event> on(command::Xclient& xclient);

  void mail_answered(const Reply& reply);
  void rcpt_answered(const Reply& reply);
  void auth_answered(const Reply& reply);
  void xclient_answered(const Reply& reply);
  void forget_client();
  void greet_client(std::string argument);
  std::vector<std::string> extensions() const;
  void data_answered(const Reply& reply);
  void begin_content();
  void judge_content();
  void refuse_content();
  void end_transaction();
  void say(std::string_view line);
  void refuse(std::string_view line);
  void excuse(std::size_t followers);
  void refuse_as_consequence(std::string_view line);
  void count_error();

  ServerOptions options_;
  Client client_;
  Envelope envelope_;
  std::uint64_t content_size_ = 0;

  State state_ = State::commands;
  bool tls_active_ = false;
  bool in_transaction_ = false;  ///< MAIL was accepted
  bool overlong_ = false;        ///< the rest of a line over its limit is being thrown away
  bool authenticated_ = false;   ///< AUTH was answered 235
  Refusal refusal_ = Refusal::none;
  int errors_ = 0;
  std::size_t excused_ = 0;  ///< so many order errors follow from a refusal and do not count

  std::string input_;
  std::size_t start_ = 0;  ///< input_ before it is done with
  std::string output_;
  std::string content_;  ///< what the last Content event shows
  EndOfData scanner_;
  LineEnds line_ends_;
  bool chunking_ = false;     ///< the content of this transaction comes by BDAT, and begins to
  bool first_chunk_ = false;  ///< BeginData was asked for a BDAT
  bool chunk_last_ = false;
  std::uint64_t chunk_left_ = 0;  ///< octets
  std::string chunk_refusal_;     ///< the answer to a chunk that is thrown away
  command::MailFrom pending_mail_;
  Recipient pending_recipient_;
};

}  // namespace mail

// The client side of SMTP without a socket (RFC 5321): a transaction in, actions out, a reply for every recipient back.
//
// Flow: call next(); do what it says (Write take_output(), Read and feed(), StartTls and tls_started(), Respond and respond(),
// SendContent and content_sent()); at Ready call begin() with the next transaction or quit(). Commands are pipelined where the
// server offers it (RFC 2920). Its other rooms: client_opening, client_content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/reply.h"

namespace mail {

/// Where a delivery stands; errors and time limits are told by it.
enum class Stage : std::uint8_t {
  connect,
  greeting,
  ehlo,
  starttls,
  handshake,
  ehlo_after_tls,
  auth,
  mail,
  rcpt,
  data,
  content,
  final_dot,
  quit,
};
/// "the reply to RCPT TO", so that an error reads "timed out waiting for the reply to RCPT TO".
std::string_view describe(Stage stage);
/// RFC 5321 4.5.3.2. A handshake that stalls leaves time for another way to the host.
base::Duration time_limit(Stage stage);

/// What a server takes at most (LIMITS, RFC 9422).
struct Limits {
  std::optional<std::uint64_t> mail_max;  ///< MAIL commands of a connection
  std::optional<std::uint64_t> rcpt_max;  ///< recipients of a transaction
};

/// What EHLO offered.
struct Extensions {
  std::string host;  ///< what the server calls itself
  bool esmtp = false;
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool starttls = false;
  bool enhanced_status_codes = false;
  bool dsn = false;
  bool smtp_utf8 = false;
  bool chunking = false;
  bool requiretls = false;
  std::optional<std::uint64_t> size;  ///< SIZE with its limit; 0: no limit
  std::vector<std::string> auth;      ///< mechanisms, in upper case
  Limits limits;
};

/// STARTTLS when offered or not at all; required fails the session where it is not offered or refused.
enum class TlsUse : std::uint8_t { never, opportunistic, required };

/// How a session goes up to its first transaction, and what it makes use of.
class SessionOptions {
 public:
  TlsUse tls = TlsUse::opportunistic;
  bool implicit_tls = false;  ///< the connection begins with the handshake (RFC 8314 3.3)
  bool authenticate = false;  ///< AUTH, under TLS only; without it there is no transaction
  bool chunking = true;       ///< BDAT where it is offered (RFC 3030)
  /// The session is one that RFC 8689 2 wants for REQUIRETLS: under TLS, and who drives it verifies the certificate and knows the
  /// host's name from a source to be trusted. It fails where REQUIRETLS is not offered.
  bool requiretls = false;
};

/// One message to recipients of one destination.
class Transaction {
 public:
  ReversePath reverse_path;
  std::vector<Recipient> recipients;  ///< 1 to 100
  std::uint64_t size = 0;             ///< octets before dot-stuffing; 0: unknown
  BodyType body = BodyType::seven_bit;
  SmtpUtf8 utf8 = SmtpUtf8::absent;
  TlsWish tls = TlsWish::none;  ///< required: with SessionOptions::requiretls only
  Return ret = Return::unspecified;
  std::string envid;  ///< xtext
};

namespace action {
struct Write {};     ///< write take_output()
struct Read {};      ///< read and feed(); by stage()'s time limit
struct StartTls {};  ///< shake hands, then tls_started()
struct Respond {};   ///< give respond() what SASL's mechanism() answers to challenge()
struct SendContent {
};  ///< write the content, dot-stuffed with the final dot, or as it is: see sends_chunk(); then content_sent()
struct Ready {};  ///< a transaction is over (or the first may begin): see outcome(); begin() or quit()
struct Done {};   ///< close the connection: see failure()
}  // namespace action
using Action = std::variant<action::Write, action::Read, action::StartTls, action::Respond, action::SendContent, action::Ready,
                            action::Done>;

/// What a recipient was told: the reply that decided, and where it came.
struct RecipientReply {
  Stage stage = Stage::connect;
  Reply reply;
  bool ours = false;  ///< the server was not asked: the reply is what we say, in one line

  /// As the queue keeps it: a code stands before the server's own words only.
  std::string to_string() const { return ours ? reply.lines.front() : reply.to_string(); }
};

/// What ended a session before its transaction could be judged recipient by recipient.
struct SessionFailure {
  Stage stage = Stage::connect;
  std::optional<Reply> reply;            ///< the server's own words, or nothing when `words` tell it
  std::string words;                     ///< "the server does not offer STARTTLS", "does not speak SMTP"
  base::Kind kind = base::Kind::closed;  ///< unsupported: the server lacks what the session is to have
};

class ClientSession {
 public:
  ClientSession(std::string hostname, SessionOptions options);

  void begin(Transaction transaction);  ///< only at Ready
  /// Only at Ready: MAIL FROM:<> and RCPT, and no DATA. outcome() then has what was replied, a 2xx at Stage::rcpt too.
  void ask_about(Mailbox recipient);
  void quit();  ///< only at Ready; QUIT is written, its reply not waited for
  Action next();
  void feed(std::string_view bytes);
  std::string take_output();
  void tls_started();
  /// Of SASL, in upper case: the best of SCRAM-SHA-256, PLAIN and LOGIN that is offered, the next one when it is refused.
  std::string_view mechanism() const;
  /// In octets; empty where the mechanism begins.
  const std::string& challenge() const { return challenge_; }
  /// `is_last`: the mechanism has got and given all that it needs; a 2xx before that is not believed.
  void respond(std::string_view octets, bool is_last);
  void content_sent();
  /// The connection is gone (closed, timed out, TLS failed), or SASL ends it: failure() then tells the stage and these words,
  /// next() gives Done.
  void connection_lost(std::string words);

  /// What is waited for, or was when the session ended; Stage::mail at Ready.
  Stage stage() const { return stage_; }
  const Extensions& extensions() const { return extensions_; }
  /// Replies read so far: an octet now and then does not count as progress.
  std::size_t replies() const { return replies_; }
  /// The server takes another MAIL on this connection.
  bool may_begin() const { return !extensions_.limits.mail_max || mails_ < *extensions_.limits.mail_max; }
  /// At SendContent: just Transaction::size octets go, as they are. The last of them completes the message.
  bool sends_chunk() const { return chunked_; }
  /// The server offered CHUNKING and did not know BDAT: the next session goes without.
  bool chunking_refused() const { return chunking_refused_; }
  /// The server is given the DSN parameters of a transaction: success is for it to report, not for us (RFC 3461 5.2.1, 5.2.2).
  bool passes_on_dsn() const { return extensions_.dsn; }
  /// After Ready: one for each recipient of the transaction, in its order. After Done in the middle of a transaction: those
  /// without a reply of their own have code 0.
  const std::vector<RecipientReply>& outcome() const { return outcome_; }
  /// After Done without quit(): why. Recipients that already have a permanent or transient reply of their own keep it in
  /// outcome(). With Stage::final_dot and no reply nobody knows whether the server took the message.
  const std::optional<SessionFailure>& failure() const { return failure_; }

 private:
  /// What the next reply answers, or what is due.
  enum class State : std::uint8_t {
    greeting,
    ehlo,
    helo,
    starttls,
    handshake,
    respond,
    auth,
    ready,
    rset,
    mail,
    rcpt,
    data,
    content,
    final_dot,
    empty_dot,
    done
  };

  void take_replies();
  void take_reply(const Reply& reply);
  void take_unasked();
  void check_injection();
  void on_greeting(const Reply& reply);
  void on_ehlo(const Reply& reply);
  void on_helo(const Reply& reply);
  void on_starttls(const Reply& reply);
  void on_auth(const Reply& reply);
  void on_challenge(const Reply& reply);
  void on_rset(const Reply& reply);
  void on_mail(const Reply& reply);
  void on_rcpt(const Reply& reply);
  void on_data(const Reply& reply);
  void on_early(const Reply& reply);
  void on_final_dot(const Reply& reply);
  void on_empty_dot(const Reply& reply);

  void start(Transaction transaction);
  void enter(State state, Stage stage);
  void say_ehlo();
  void settle_tls();
  void settle_requiretls();
  void settle_auth();
  bool try_mechanism(std::size_t first);
  bool is_too_large();
  bool lacks_requiretls();
  void choose_recipients();
  std::string address(const Mailbox& mailbox) const;
  void ask(State state);
  void write(State state, std::size_t recipient);
  void write_mail();
  void write_rcpt(const Recipient& recipient);
  void send_chunk();
  bool refuses_chunking(const Reply& reply);
  void settle(Stage stage, const Reply& reply);
  void become_ready();
  void refused(const Reply& reply);
  void broken(std::string words, base::Kind kind = base::Kind::closed);
  void unexpected(const Reply& reply);
  void say_goodbye();

  std::string hostname_;
  SessionOptions options_;
  bool greeted_ = false;
  bool tls_active_ = false;
  State state_ = State::greeting;
  Stage stage_ = Stage::greeting;
  Extensions extensions_;
  ReplyParser parser_;
  std::string output_;
  std::size_t replies_ = 0;
  std::size_t mails_ = 0;

  std::size_t mechanism_ = 0;     ///< an index of those we know
  bool mechanism_begun_ = false;  ///< its AUTH command is out
  bool mechanism_done_ = false;   ///< nothing but the verdict may follow
  std::string challenge_;         ///< octets
  std::string late_response_;     ///< in base64: the initial response that is too long for the AUTH command

  Transaction transaction_;
  std::vector<RecipientReply> outcome_;
  std::vector<std::size_t> asked_;  ///< the recipients that the server is asked for, by their indexes
  std::size_t recipient_ = 0;       ///< whose RCPT reply is next, an index of asked_
  bool utf8_ = false;               ///< SMTPUTF8 is said behind MAIL, and addresses are written with U-labels
  std::size_t accepted_ = 0;        ///< recipients with a 2xx to RCPT
  bool rset_due_ = false;           ///< the server may still hold a transaction that came to nothing
  bool only_asks_ = false;          ///< DATA never follows
  bool chunked_ = false;            ///< BDAT in the place of DATA
  bool chunking_refused_ = false;
  std::optional<SessionFailure> failure_;
};

}  // namespace mail

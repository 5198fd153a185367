// The client's half of the conversation: which reply answers what, one transaction after the other, the end.
#include "mail/client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace mail {

std::string_view describe(Stage stage) {
  switch (stage) {
    case Stage::connect: return "the connection";
    case Stage::greeting: return "the greeting";
    case Stage::ehlo: return "the reply to EHLO";
    case Stage::starttls: return "the reply to STARTTLS";
    case Stage::handshake: return "the TLS handshake";
    case Stage::ehlo_after_tls: return "the reply to EHLO under TLS";
    case Stage::auth: return "the reply to AUTH";
    case Stage::mail: return "the reply to MAIL FROM";
    case Stage::rcpt: return "the reply to RCPT TO";
    case Stage::data: return "the reply to DATA";
    case Stage::content: return "the content to be taken";
    case Stage::final_dot: return "the reply to the final dot";
    case Stage::quit: return "the end of the conversation";
  }
  return "";
}

base::Duration time_limit(Stage stage) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  switch (stage) {
    case Stage::connect: return seconds(30);
    case Stage::greeting:
    case Stage::ehlo:
    case Stage::ehlo_after_tls:
    case Stage::mail:
    case Stage::rcpt: return minutes(5);
    case Stage::starttls:
    case Stage::auth:
    case Stage::data: return minutes(2);
    case Stage::handshake: return seconds(30);
    case Stage::content: return minutes(3);
    case Stage::final_dot: return minutes(10);
    case Stage::quit: return seconds(10);
  }
  return minutes(5);
}

ClientSession::ClientSession(std::string hostname, SessionOptions options) : hostname_(std::move(hostname)), options_(options) {
  if (options_.implicit_tls) enter(State::handshake, Stage::handshake);
}

Action ClientSession::next() {
  take_replies();
  if (!output_.empty() && state_ != State::done && !parser_.empty()) {
    take_unasked();
    if (state_ != State::done) return action::Read{};  // half of it is there: judged when it is whole
  }
  if (!output_.empty()) return action::Write{};
  switch (state_) {
    case State::handshake: return action::StartTls{};
    case State::respond: return action::Respond{};
    case State::ready: return action::Ready{};
    case State::content: return action::SendContent{};
    case State::done: return action::Done{};
    case State::greeting:
    case State::ehlo:
    case State::helo:
    case State::starttls:
    case State::auth:
    case State::rset:
    case State::mail:
    case State::rcpt:
    case State::data:
    case State::final_dot:
    case State::empty_dot: break;
  }
  return action::Read{};
}

void ClientSession::feed(std::string_view bytes) {
  if (state_ != State::done) parser_.feed(bytes);
}

std::string ClientSession::take_output() { return std::exchange(output_, {}); }

// ---- replies ----

/// Replies are taken only while commands are out that they can answer; what comes before is left for take_unasked().
void ClientSession::take_replies() {
  while (output_.empty() && state_ != State::respond && state_ != State::ready && state_ != State::done) {
    if (state_ == State::handshake) return check_injection();
    const Result<std::optional<Reply>> reply = parser_.next();
    if (!reply) return broken(fmt::format("the server {}", reply.error().words));
    if (!*reply) return;
    take_reply(**reply);
  }
}

void ClientSession::take_reply(const Reply& reply) {
  ++replies_;
  // RFC 5321 3.8: the server closes the connection, whatever it was asked.
  if (reply.code == 421) return refused(reply);
  switch (state_) {
    case State::greeting: return on_greeting(reply);
    case State::ehlo: return on_ehlo(reply);
    case State::helo: return on_helo(reply);
    case State::starttls: return on_starttls(reply);
    case State::auth: return on_auth(reply);
    case State::rset: return on_rset(reply);
    case State::mail: return on_mail(reply);
    case State::rcpt: return on_rcpt(reply);
    case State::data: return on_data(reply);
    case State::content: return on_early(reply);
    case State::final_dot: return on_final_dot(reply);
    case State::empty_dot: return on_empty_dot(reply);
    case State::handshake:
    case State::respond:
    case State::ready:
    case State::done: return;
  }
}

/// A reply came before the command was written that it could answer: replies and commands would come apart, and a later
/// 250 could be taken for that of the final dot.
void ClientSession::take_unasked() {
  const Result<std::optional<Reply>> reply = parser_.next();
  if (!reply) return broken(fmt::format("the server {}", reply.error().words));
  if (!*reply) return;
  if ((*reply)->code == 421) return refused(**reply);
  broken(fmt::format("the server sent a reply to nothing: \"{}\"", (*reply)->to_string()));
}

// ---- a transaction ----

void ClientSession::begin(Transaction transaction) {
  if (state_ != State::ready) return;
  only_asks_ = false;
  start(std::move(transaction));
}

void ClientSession::ask_about(Mailbox recipient) {
  if (state_ != State::ready) return;
  only_asks_ = true;
  Transaction question;
  question.recipients.emplace_back(std::move(recipient));
  start(std::move(question));
}

void ClientSession::start(Transaction transaction) {
  transaction_ = std::move(transaction);
  outcome_.assign(transaction_.recipients.size(), RecipientReply());
  recipient_ = 0;
  accepted_ = 0;
  if (is_too_large() || lacks_requiretls()) return;
  choose_recipients();
  if (asked_.empty()) return;
  ++mails_;
  chunked_ = options_.chunking && extensions_.chunking && transaction_.size > 0 && !only_asks_;
  if (extensions_.pipelining) {
    if (rset_due_) write(State::rset, 0);
    write(State::mail, 0);
    for (std::size_t i = 0; i < asked_.size(); ++i) write(State::rcpt, i);
    if (!only_asks_ && !chunked_) write(State::data, 0);
  }
  ask(rset_due_ ? State::rset : State::mail);
}

/// RFC 1870 6.1: not even asked for.
bool ClientSession::is_too_large() {
  if (extensions_.size.value_or(0) == 0 || transaction_.size <= *extensions_.size) return false;
  const std::string words =
      fmt::format("the message has {} octets and the server takes {}", transaction_.size, *extensions_.size);
  outcome_.assign(outcome_.size(), RecipientReply{Stage::mail, Reply(552, EnhancedStatus{5, 3, 4}, words), true});
  return true;
}

/// RFC 8689 4.2.1: whatever the caller thought of this connection.
bool ClientSession::lacks_requiretls() {
  if (transaction_.tls != TlsWish::required || options_.requiretls) return false;
  const std::string words = "this connection is not what REQUIRETLS asks for";
  outcome_.assign(outcome_.size(), RecipientReply{Stage::mail, Reply(550, EnhancedStatus{5, 7, 30}, words), true});
  return true;
}

/// RFC 6531 3.2: what needs SMTPUTF8 goes only to a server that offers it; the others of the message go without.
void ClientSession::choose_recipients() {
  asked_.clear();
  const bool beyond_ascii = !transaction_.reverse_path.is_null() && !transaction_.reverse_path.mailbox().is_ascii();
  utf8_ = extensions_.smtp_utf8 && (beyond_ascii || transaction_.utf8 != SmtpUtf8::absent);
  for (std::size_t i = 0; i < outcome_.size(); ++i) {
    std::string_view what;
    std::uint16_t detail = 7;  // RFC 6531 3.5
    if (!transaction_.recipients[i].mailbox.is_ascii()) {
      what = "this address";
    } else if (beyond_ascii) {
      what = "the sender's address";
    } else if (transaction_.utf8 == SmtpUtf8::needed) {
      what = "the header";
      detail = 9;
    }
    if (extensions_.smtp_utf8 || what.empty()) {
      utf8_ = utf8_ || !what.empty();
      asked_.push_back(i);
    } else {
      const std::string words = fmt::format("the server does not offer SMTPUTF8, which {} needs", what);
      outcome_[i] = RecipientReply{Stage::rcpt, Reply(553, EnhancedStatus{5, 6, detail}, words), true};
    }
  }
}

std::string ClientSession::address(const Mailbox& mailbox) const { return utf8_ ? mailbox.to_utf8() : mailbox.to_string(); }

/// The reply to this command is next; with pipelining the command is out already.
void ClientSession::ask(State state) {
  const Stage stage = state == State::rcpt ? Stage::rcpt : state == State::data ? Stage::data : Stage::mail;
  enter(state, stage);
  if (!extensions_.pipelining) write(state, recipient_);
}

void ClientSession::write(State state, std::size_t recipient) {
  if (state == State::rset) output_ += "RSET\r\n";
  if (state == State::mail) write_mail();
  if (state == State::rcpt) write_rcpt(transaction_.recipients[asked_[recipient]]);
  if (state == State::data) output_ += "DATA\r\n";
}

void ClientSession::write_mail() {
  auto out = std::back_inserter(output_);
  fmt::format_to(out, "MAIL FROM:<{}>", transaction_.reverse_path.is_null() ? "" : address(transaction_.reverse_path.mailbox()));
  if (extensions_.size && transaction_.size > 0) fmt::format_to(out, " SIZE={}", transaction_.size);
  const bool eight_bit = utf8_ || transaction_.body == BodyType::eight_bit;  // RFC 6531 1.2
  if (extensions_.eight_bit_mime && eight_bit) output_ += " BODY=8BITMIME";
  if (utf8_) output_ += " SMTPUTF8";
  if (options_.requiretls && carries_requiretls(transaction_.tls)) output_ += " REQUIRETLS";
  if (options_.authenticate) output_ += " AUTH=<>";  // RFC 4954 5: who submitted it is not vouched for
  if (extensions_.dsn) {
    if (transaction_.ret != Return::unspecified) output_ += transaction_.ret == Return::full ? " RET=FULL" : " RET=HDRS";
    if (!transaction_.envid.empty()) fmt::format_to(out, " ENVID={}", transaction_.envid);
  }
  output_ += "\r\n";
}

/// What the sender did not say is not added (RFC 3461 5.2.1).
void ClientSession::write_rcpt(const Recipient& recipient) {
  auto out = std::back_inserter(output_);
  fmt::format_to(out, "RCPT TO:<{}>", address(recipient.mailbox));
  if (extensions_.dsn) {
    if (recipient.notify.is_given()) fmt::format_to(out, " NOTIFY={}", recipient.notify.to_string());
    if (!recipient.orcpt.empty()) fmt::format_to(out, " ORCPT={}", recipient.orcpt);
  }
  output_ += "\r\n";
}

void ClientSession::on_rset(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (!reply.is_positive()) return refused(reply);
  rset_due_ = false;
  ask(State::mail);
}

void ClientSession::on_mail(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (reply.is_positive()) {
    rset_due_ = true;
  } else {
    settle(Stage::mail, reply);
    if (!extensions_.pipelining) return become_ready();
  }
  ask(State::rcpt);
}

void ClientSession::on_rcpt(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  RecipientReply& own = outcome_[asked_[recipient_]];
  if (own.reply.code == 0) {  // else MAIL was refused, and this is only its echo
    if (reply.is_positive()) ++accepted_;
    if (only_asks_ || !reply.is_positive()) own = RecipientReply{Stage::rcpt, reply};
  }
  if (++recipient_ < asked_.size()) return ask(State::rcpt);
  if (chunked_ && accepted_ > 0) return send_chunk();
  if (!only_asks_ && !chunked_ && (extensions_.pipelining || accepted_ > 0)) return ask(State::data);
  become_ready();
}

/// The reply goes to everybody who has none of his own.
void ClientSession::settle(Stage stage, const Reply& reply) {
  for (RecipientReply& own : outcome_) {
    if (own.reply.code == 0) own = RecipientReply{stage, reply};
  }
}

// ---- the end ----

void ClientSession::quit() {
  if (state_ != State::ready) return;
  state_ = State::done;
  say_goodbye();
}

void ClientSession::connection_lost(std::string words) {
  if (state_ == State::done) {
    output_.clear();
    return;
  }
  broken(std::move(words));
}

void ClientSession::enter(State state, Stage stage) {
  state_ = state;
  stage_ = stage;
}

void ClientSession::become_ready() { enter(State::ready, Stage::mail); }

void ClientSession::refused(const Reply& reply) {
  output_.clear();
  state_ = State::done;
  failure_ = SessionFailure{stage_, reply, {}, base::Kind::refused};
}

void ClientSession::broken(std::string words, base::Kind kind) {
  output_.clear();
  state_ = State::done;
  failure_ = SessionFailure{stage_, std::nullopt, std::move(words), kind};
}

void ClientSession::unexpected(const Reply& reply) {
  broken(fmt::format("the server's reply makes no sense here: \"{}\"", reply.to_string()));
}

/// Only where no reply is outstanding and no content expected.
void ClientSession::say_goodbye() {
  stage_ = Stage::quit;
  output_ = "QUIT\r\n";
}

}  // namespace mail

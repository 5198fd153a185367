// The server's half of the conversation: lines to commands to events, replies and limits, content until its end.
#include "mail/server_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace mail {
namespace {

/// A line that only a web client sends: somebody lets a browser or another program talk to this port, and what follows
/// may be chosen by an attacker (cross-protocol scripting).
bool is_http(std::string_view line) {
  constexpr std::array<std::string_view, 7> methods{"GET ", "POST ", "PUT ", "HEAD ", "CONNECT ", "OPTIONS ", "PRI "};
  return std::ranges::any_of(methods, [&](std::string_view method) { return base::starts_with_ignoring_case(line, method); });
}

}  // namespace

ServerSession::ServerSession(ServerOptions options) : options_(std::move(options)), scanner_(options_.bare_newline) {}

void ServerSession::greet() { say(fmt::format("220 {} ESMTP mailferry", options_.hostname)); }

void ServerSession::close(const Reply& reply) {
  output_ += reply.to_wire();
  state_ = State::closing;
}

void ServerSession::feed(std::string_view bytes) {
  // In plaintext nothing may follow STARTTLS, after the end nothing is read.
  if (state_ == State::handshake || state_ == State::closing) return;
  if (start_ > 0) {
    input_.erase(0, start_);
    start_ = 0;
  }
  input_ += bytes;
}

Event ServerSession::next() {
  for (;;) {
    std::optional<Event> event;
    switch (state_) {
      case State::commands: event = next_command(); break;
      case State::content: event = next_content(); break;
      case State::chunk: event = next_chunk(); break;
      case State::auth_response: event = next_auth_response(); break;
      case State::content_end: state_ = State::verdict; return event::EndOfContent{};
      case State::mail:
      case State::rcpt:
      case State::data:
      case State::auth:
      case State::xclient:
      case State::verdict: return event::NeedInput{};
      case State::handshake: return event::StartTls{};
      case State::closing: return event::Close{};
    }
    if (event) return *std::move(event);
  }
}

std::string ServerSession::take_output() { return std::exchange(output_, {}); }

void ServerSession::release() {
  std::string().swap(content_);
  if (start_ < input_.size()) return;
  std::string().swap(input_);
  start_ = 0;
}

// ---- commands ----

std::size_t ServerSession::command_limit() const {
  const std::string_view start = std::string_view(input_).substr(start_);
  const bool is_auth = !options_.auth.empty() && base::starts_with_ignoring_case(start, "AUTH");
  return is_auth ? max_auth_line : line_limit_of(start);
}

std::optional<Event> ServerSession::next_command() {
  const std::optional<Line> line = next_line(command_limit());
  if (!line) return event::NeedInput{};
  if (line->too_long) {
    refuse("500 5.5.2 line too long");
    return std::nullopt;
  }
  if (is_http(line->text)) {
    close(Reply(421, EnhancedStatus{4, 7, 0}, fmt::format("{} speaks SMTP, not HTTP", options_.hostname)));
    return std::nullopt;
  }
  if (base::starts_with_ignoring_case(line->text, "MAIL")) excuse(options_.recipients + 1);  // its RCPTs and DATA
  std::expected<Command, Reply> parsed = parse_command(line->text);
  if (!parsed) {
    output_ += parsed.error().to_wire();
    count_error();
    return std::nullopt;
  }
  return std::visit([this](auto& command) { return on(command); }, *parsed);
}

/// The next whole line. LF alone ends a command as well: people type at servers, and between commands nothing is smuggled by it.
/// A line over `limit` octets with its end is thrown away as it comes and told of when it ends.
std::optional<ServerSession::Line> ServerSession::next_line(std::size_t limit) {
  const std::string_view pending = std::string_view(input_).substr(start_);
  const std::size_t end = pending.find('\n');
  if (end == std::string_view::npos) {
    if (pending.size() >= limit) overlong_ = true;
    if (overlong_) start_ = input_.size();
    return std::nullopt;
  }
  start_ += end + 1;
  if (std::exchange(overlong_, false) || end >= limit) return Line{{}, true};
  std::string_view line = pending.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return Line{line, false};
}

std::optional<Event> ServerSession::on(command::Ehlo& ehlo) {
  greet_client(std::move(ehlo.argument));
  client_.extended = true;
  const std::vector<std::string> keywords = extensions();
  say(fmt::format("250-{}", options_.hostname));
  for (const std::string& keyword : keywords) say(fmt::format("250{}{}", &keyword == &keywords.back() ? ' ' : '-', keyword));
  return std::nullopt;
}

std::vector<std::string> ServerSession::extensions() const {
  std::vector<std::string> keywords{"PIPELINING", fmt::format("SIZE {}", options_.message_size)};
  if (options_.offer_starttls && !tls_active_) keywords.emplace_back("STARTTLS");
  if (tls_active_ && !options_.auth.empty()) keywords.push_back(fmt::format("AUTH {}", fmt::join(options_.auth, " ")));
  if (tls_active_) keywords.emplace_back("REQUIRETLS");  // RFC 8689 2
  if (options_.offer_xclient) keywords.emplace_back("XCLIENT NAME ADDR PORT PROTO HELO LOGIN");
  keywords.insert(keywords.end(), {"ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN"});
  keywords.push_back(fmt::format("LIMITS RCPTMAX={}", options_.recipients));  // RFC 9422
  return keywords;
}

std::optional<Event> ServerSession::on(command::Helo& helo) {
  greet_client(std::move(helo.argument));
  client_.extended = false;
  fmt::format_to(std::back_inserter(output_), "250 {}\r\n", options_.hostname);
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::MailFrom& mail) {
  if (client_.helo.empty()) {
    refuse("503 5.5.1 send EHLO or HELO first");
  } else if (in_transaction_) {
    refuse("503 5.5.1 a transaction is open already");
  } else if (options_.require_tls && !tls_active_) {
    refuse("530 5.7.0 send STARTTLS first");
  } else if (!client_.extended && (mail.ret != Return::unspecified || !mail.envid.empty() || mail.utf8 != SmtpUtf8::absent)) {
    refuse("555 5.5.4 RET, ENVID and SMTPUTF8 need EHLO");
  } else if (mail.requiretls && (!client_.extended || !tls_active_)) {
    refuse("555 5.5.4 REQUIRETLS is offered to EHLO under TLS only: send STARTTLS first");
  } else if (mail.size.value_or(0) > options_.message_size) {
    refuse(fmt::format("552 5.3.4 a message may have {} octets", options_.message_size));
  } else {
    pending_mail_ = std::move(mail);
    state_ = State::mail;
    return event::Mail{pending_mail_.reverse_path};
  }
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::RcptTo& rcpt) {
  if (!in_transaction_) {
    refuse_as_consequence("503 5.5.1 send MAIL first");
  } else if (chunking_) {
    refuse("503 5.5.1 the content has begun");
  } else if (!client_.extended && (rcpt.recipient.notify.is_given() || !rcpt.recipient.orcpt.empty())) {
    refuse("555 5.5.4 NOTIFY and ORCPT need EHLO");
  } else if (rcpt.needs_utf8 && envelope_.utf8 == SmtpUtf8::absent) {
    output_ += utf8_is_missing().to_wire();
    count_error();
  } else if (envelope_.recipients.size() >= options_.recipients) {
    say("452 4.5.3 too many recipients, send the rest in another transaction");
  } else {
    pending_recipient_ = std::move(rcpt.recipient);
    state_ = State::rcpt;
    return event::Rcpt{pending_recipient_.mailbox};
  }
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Data& /*data*/) {
  if (!in_transaction_) {
    refuse_as_consequence("503 5.5.1 send MAIL first");
  } else if (chunking_) {
    refuse("503 5.5.1 go on with BDAT, or begin anew with RSET");
  } else if (envelope_.recipients.empty()) {
    refuse_as_consequence("554 5.5.1 no valid recipients");
  } else {
    state_ = State::data;
    return event::BeginData{};
  }
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Rset& /*rset*/) {
  end_transaction();
  say("250 2.0.0 ok");
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Noop& /*noop*/) {
  say("250 2.0.0 ok");
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Vrfy& /*vrfy*/) {
  say("252 2.0.0 not verified; RCPT tells");
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Help& /*help*/) {
  std::string verbs = "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT";
  if (options_.offer_starttls) verbs += " STARTTLS";
  if (!options_.auth.empty()) verbs += " AUTH";
  if (options_.offer_xclient) verbs += " XCLIENT";
  say(fmt::format("214 2.0.0 {}; see RFC 5321", verbs));
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::Quit& /*quit*/) {
  say("221 2.0.0 bye");
  state_ = State::closing;
  return std::nullopt;
}

std::optional<Event> ServerSession::on(command::StartTls& /*start_tls*/) {
  if (!options_.offer_starttls) {
    refuse("502 5.5.1 TLS is not offered");
  } else if (tls_active_) {
    refuse("503 5.5.1 TLS is in use already");
  } else if (client_.helo.empty()) {
    refuse("503 5.5.1 send EHLO first");
  } else {
    say("220 2.0.0 go ahead");
    state_ = State::handshake;
  }
  return std::nullopt;
}

void ServerSession::tls_started(std::string tls_words) {
  forget_client();
  client_.tls = std::move(tls_words);
  tls_active_ = true;
  input_.clear();
  start_ = 0;
  overlong_ = false;
  if (state_ != State::closing) state_ = State::commands;
}

// ---- the shell's answers ----

void ServerSession::reply(const Reply& reply) {
  const State asked = state_;
  constexpr std::array<State, 6> questions{State::mail, State::rcpt, State::data, State::auth, State::xclient, State::verdict};
  if (std::ranges::find(questions, asked) == questions.end()) return;
  state_ = State::commands;
  // RFC 3030 2: nobody waits for a 354 to BDAT.
  const bool is_chunk = asked == State::data && first_chunk_ && reply.code != 421;
  if (!is_chunk) output_ += reply.to_wire();
  if (asked == State::mail) mail_answered(reply);
  if (asked == State::rcpt) rcpt_answered(reply);
  if (asked == State::auth) auth_answered(reply);
  if (asked == State::xclient) xclient_answered(reply);
  if (asked == State::data) data_answered(reply);
  if (asked == State::verdict) {
    if (reply.is_positive()) errors_ = 0;
    end_transaction();
  }
  // RFC 5321 3.8: 421 announces that the connection closes.
  if (reply.code == 421) state_ = State::closing;
}

void ServerSession::mail_answered(const Reply& reply) {
  if (!reply.is_positive()) {
    if (reply.is_permanent()) count_error();
    return;
  }
  in_transaction_ = true;
  excused_ = 0;
  if (pending_mail_.requiretls) {
    envelope_.tls = pending_mail_.reverse_path.is_null() ? TlsWish::preferred : TlsWish::required;
  }
  envelope_.reverse_path = std::move(pending_mail_.reverse_path);
  envelope_.body = pending_mail_.body;
  envelope_.utf8 = pending_mail_.utf8;
  envelope_.declared_size = pending_mail_.size;
  envelope_.ret = pending_mail_.ret;
  envelope_.envid = std::move(pending_mail_.envid);
}

void ServerSession::accept_recipient(Mailbox mailbox) { pending_recipient_.mailbox = std::move(mailbox); }

void ServerSession::rcpt_answered(const Reply& reply) {
  if (reply.is_positive()) {
    envelope_.recipients.push_back(std::move(pending_recipient_));
    return;
  }
  excuse(1);  // the DATA that was pipelined behind it
  if (reply.is_permanent()) count_error();
}

// ---- content ----

void ServerSession::begin_content() {
  scanner_ = EndOfData(options_.bare_newline);
  line_ends_ = LineEnds();
  content_size_ = 0;
  state_ = State::content;
}

void ServerSession::judge_content() {
  if (content_size_ > options_.message_size) refusal_ = Refusal::too_large;
  const bool bare = scanner_.saw_bare_newline() || line_ends_.saw_bare_newline();
  if (options_.bare_newline == BareNewline::reject && bare) refusal_ = Refusal::bare_newline;
}

std::optional<Event> ServerSession::next_content() {
  const std::string_view pending = std::string_view(input_).substr(start_);
  if (pending.empty()) return event::NeedInput{};
  content_.clear();
  start_ += scanner_.consume(pending, content_);
  content_size_ += content_.size();
  judge_content();
  const bool dropped = refusal_ != Refusal::none;
  if (scanner_.done()) {
    state_ = State::content_end;
    if (dropped) refuse_content();
  }
  if (dropped || content_.empty()) return std::nullopt;
  return event::Content{content_};
}

void ServerSession::refuse_content() {
  state_ = State::commands;
  if (refusal_ == Refusal::too_large) {
    refuse(fmt::format("552 5.3.4 a message may have {} octets", options_.message_size));
  } else {
    refuse("550 5.5.2 a line ends with LF alone, RFC 5321 wants CR LF");
  }
  end_transaction();
}

// ---- shared ----

void ServerSession::greet_client(std::string argument) {
  end_transaction();
  client_.helo = std::move(argument);
}

/// As if nothing had been said yet.
void ServerSession::forget_client() {
  end_transaction();
  client_.helo.clear();
  client_.extended = false;
  client_.user.clear();
  authenticated_ = false;
}

void ServerSession::end_transaction() {
  in_transaction_ = false;
  chunking_ = false;
  excused_ = 0;
  refusal_ = Refusal::none;
  envelope_ = Envelope();
}

void ServerSession::say(std::string_view line) {
  output_ += line;
  output_ += "\r\n";
}

void ServerSession::refuse(std::string_view line) {
  say(line);
  count_error();
}

/// Until it is accepted a command may drag so many others down with it that are pipelined behind it.
void ServerSession::excuse(std::size_t followers) { excused_ = std::max(excused_, followers); }

void ServerSession::refuse_as_consequence(std::string_view line) {
  say(line);
  if (excused_ == 0) {
    count_error();
  } else {
    --excused_;
  }
}

void ServerSession::count_error() {
  if (++errors_ < max_errors) return;
  close(Reply(421, EnhancedStatus{4, 7, 0}, fmt::format("{} too many errors", options_.hostname)));
}

}  // namespace mail

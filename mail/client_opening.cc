// From the greeting to the first transaction: EHLO, STARTTLS, AUTH.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "mail/client_session.h"

namespace mail {
namespace {

constexpr std::string_view scram = "SCRAM-SHA-256";
constexpr std::string_view login = "LOGIN";
/// The best first.
constexpr std::array<std::string_view, 3> mechanisms{scram, "PLAIN", login};
constexpr std::size_t longest_command = 512;  // with its line end (RFC 5321 4.5.3.1.4, RFC 4954 4)

bool server_begins(std::string_view mechanism) { return mechanism == login; }

/// 504, 534, 538: another one may do (RFC 4954 4, 6).
bool is_about_mechanism(const Reply& reply) { return reply.code == 504 || reply.code == 534 || reply.code == 538; }

/// "MAILMAX=100 RCPTMAX=50" (RFC 9422 4); no limit is 0.
Limits read_limits(std::string_view text) {
  Limits limits;
  for (const std::string_view word : base::words(text)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const auto value = base::parse_number(word.substr(equals + 1));
    if (!value || *value == 0) continue;
    if (base::equal_ignoring_case(word.substr(0, equals), "MAILMAX")) limits.mail_max = *value;
    if (base::equal_ignoring_case(word.substr(0, equals), "RCPTMAX")) limits.rcpt_max = *value;
  }
  return limits;
}

/// EHLO keywords stand behind the first line, one a line (RFC 5321 4.1.1.1), in any case.
Extensions read_extensions(const Reply& reply) {
  Extensions extensions;
  extensions.esmtp = true;
  if (!reply.lines.empty()) extensions.host = reply.lines.front().substr(0, reply.lines.front().find(' '));
  for (std::size_t i = 1; i < reply.lines.size(); ++i) {
    const std::string_view line = base::trim(reply.lines[i]);
    const std::size_t end = line.find(' ');
    const std::string_view keyword = line.substr(0, end);
    const std::string_view rest = end == std::string_view::npos ? std::string_view() : base::trim(line.substr(end));
    if (base::equal_ignoring_case(keyword, "PIPELINING")) extensions.pipelining = true;
    if (base::equal_ignoring_case(keyword, "8BITMIME")) extensions.eight_bit_mime = true;
    if (base::equal_ignoring_case(keyword, "STARTTLS")) extensions.starttls = true;
    if (base::equal_ignoring_case(keyword, "ENHANCEDSTATUSCODES")) extensions.enhanced_status_codes = true;
    if (base::equal_ignoring_case(keyword, "DSN")) extensions.dsn = true;
    if (base::equal_ignoring_case(keyword, "SMTPUTF8")) extensions.smtp_utf8 = true;
    if (base::equal_ignoring_case(keyword, "CHUNKING")) extensions.chunking = true;
    if (base::equal_ignoring_case(keyword, "REQUIRETLS")) extensions.requiretls = true;
    if (base::equal_ignoring_case(keyword, "SIZE")) extensions.size = base::parse_number(rest).value_or(0);
    if (base::equal_ignoring_case(keyword, "LIMITS")) extensions.limits = read_limits(rest);
    if (base::equal_ignoring_case(keyword, "AUTH")) {
      for (const std::string_view name : base::words(rest)) extensions.auth.push_back(base::upper(name));
    }
  }
  return extensions;
}

}  // namespace

/// RFC 3207 5: what stands in plaintext behind the 220 may come from anybody.
void ClientSession::check_injection() {
  if (parser_.empty()) return;
  stage_ = Stage::starttls;
  broken("the server sent something after its reply to STARTTLS");
}

void ClientSession::on_greeting(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (reply.is_positive()) {
    greeted_ = true;
    return say_ehlo();
  }
  refused(reply);
  say_goodbye();
}

void ClientSession::say_ehlo() {
  enter(State::ehlo, tls_active_ ? Stage::ehlo_after_tls : Stage::ehlo);
  fmt::format_to(std::back_inserter(output_), "EHLO {}\r\n", hostname_);
}

void ClientSession::on_ehlo(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (reply.is_positive()) {
    extensions_ = read_extensions(reply);
    return settle_tls();
  }
  if (reply.is_permanent()) {
    state_ = State::helo;
    fmt::format_to(std::back_inserter(output_), "HELO {}\r\n", hostname_);
    return;
  }
  refused(reply);
  say_goodbye();
}

void ClientSession::on_helo(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (reply.is_positive()) return settle_tls();
  refused(reply);
  say_goodbye();
}

void ClientSession::settle_tls() {
  const bool may_go_without = options_.tls == TlsUse::opportunistic && !extensions_.starttls;
  if (tls_active_ || options_.tls == TlsUse::never || may_go_without) return settle_requiretls();
  enter(State::starttls, Stage::starttls);
  if (extensions_.starttls) {
    output_ += "STARTTLS\r\n";
    return;
  }
  broken("the server does not offer STARTTLS", base::Kind::unsupported);
  say_goodbye();
}

void ClientSession::on_starttls(const Reply& reply) {
  if (reply.code == 220) return enter(State::handshake, Stage::handshake);
  if (reply.is_positive() || reply.is_intermediate()) return unexpected(reply);
  if (options_.tls == TlsUse::opportunistic) return settle_requiretls();
  refused(reply);
  say_goodbye();
}

void ClientSession::tls_started() {
  if (state_ != State::handshake) return;
  check_injection();
  if (state_ != State::handshake) return;
  tls_active_ = true;
  extensions_ = Extensions();
  if (!greeted_) return enter(State::greeting, Stage::greeting);
  say_ehlo();
}

/// RFC 8689 4.2.1: what stood in the first EHLO reply, before TLS, does not count.
void ClientSession::settle_requiretls() {
  if (!options_.requiretls || (tls_active_ && extensions_.requiretls)) return settle_auth();
  broken("the server does not offer REQUIRETLS, which the sender asks for", base::Kind::unsupported);
  say_goodbye();
}

// ---- AUTH (RFC 4954) ----

/// The password goes to nobody before the connection is encrypted.
void ClientSession::settle_auth() {
  if (!options_.authenticate) return become_ready();
  enter(State::auth, Stage::auth);
  if (tls_active_ && try_mechanism(0)) return;
  broken(tls_active_ ? fmt::format("the server offers none of {} for AUTH", fmt::join(mechanisms, ", "))
                     : std::string("no password is sent without TLS"));
  say_goodbye();
}

std::string_view ClientSession::mechanism() const { return mechanisms.at(mechanism_); }

/// The first that is offered, from that index on.
bool ClientSession::try_mechanism(std::size_t first) {
  for (mechanism_ = first; mechanism_ < mechanisms.size(); ++mechanism_) {
    if (std::ranges::find(extensions_.auth, mechanism()) == extensions_.auth.end()) continue;
    mechanism_done_ = false;
    mechanism_begun_ = server_begins(mechanism());
    challenge_.clear();
    late_response_.clear();
    enter(mechanism_begun_ ? State::auth : State::respond, Stage::auth);
    if (mechanism_begun_) fmt::format_to(std::back_inserter(output_), "AUTH {}\r\n", mechanism());
    return true;
  }
  return false;
}

void ClientSession::respond(std::string_view octets, bool is_last) {
  if (state_ != State::respond) return;
  mechanism_done_ = is_last;
  enter(State::auth, Stage::auth);
  const std::string text = base::base64_encode(octets);
  if (std::exchange(mechanism_begun_, true)) {
    output_ = text + "\r\n";
    return;
  }
  output_ = fmt::format("AUTH {} {}\r\n", mechanism(), text.empty() ? "=" : text);
  if (output_.size() <= longest_command) return;
  late_response_ = text;
  output_ = fmt::format("AUTH {}\r\n", mechanism());
}

void ClientSession::on_auth(const Reply& reply) {
  if (reply.code == 334) return on_challenge(reply);
  if (reply.is_intermediate()) return unexpected(reply);
  if (reply.is_positive()) {
    if (!mechanism_done_) return broken("the server ended AUTH before it was over");
    return become_ready();
  }
  // A server that keeps no verifier for this user refuses SCRAM; the password itself it may know.
  const bool another = reply.is_permanent() && (mechanism() == scram || is_about_mechanism(reply));
  if (another && try_mechanism(mechanism_ + 1)) return;
  refused(reply);
  say_goodbye();
}

void ClientSession::on_challenge(const Reply& reply) {
  if (!late_response_.empty()) {
    output_ = std::exchange(late_response_, {}) + "\r\n";
    return;
  }
  auto octets = base::base64_decode(reply.lines.size() == 1 ? reply.lines.front() : "?");
  if (!octets) return broken("the server's challenge is not base64");
  challenge_ = *std::move(octets);
  enter(State::respond, Stage::auth);
}

}  // namespace mail

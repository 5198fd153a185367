// AUTH on the server's side (RFC 4954): its order, its lines, base64; what the octets mean is the shell's affair.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mail/server_session.h"

namespace mail {
namespace {

/// As RFC 4954 4 wants it, with its padding.
std::optional<std::string> decode(std::string_view line) {
  if (line.size() % 4 != 0 || line.find_first_of(" \t\r") != std::string_view::npos) return std::nullopt;
  auto octets = base::base64_decode(line);
  if (!octets) return std::nullopt;
  return *std::move(octets);
}

}  // namespace

std::optional<Event> ServerSession::on(command::Auth& auth) {
  if (options_.auth.empty()) {
    refuse("502 5.5.1 AUTH is not offered");
  } else if (!tls_active_) {
    refuse("504 5.5.4 send STARTTLS first: no password is taken without encryption");  // RFC 4954 4; 538 is of the past
  } else if (!client_.extended) {
    refuse("503 5.5.1 send EHLO first");
  } else if (authenticated_) {
    refuse("503 5.5.1 you are authenticated already");
  } else if (in_transaction_) {
    refuse("503 5.5.1 a transaction is open: send AUTH before MAIL");
  } else if (std::ranges::find(options_.auth, auth.mechanism) == options_.auth.end()) {
    refuse(fmt::format("504 5.5.4 the mechanisms here are {}", fmt::join(options_.auth, " ")));
  } else {
    event::Auth event{std::move(auth.mechanism), std::nullopt};
    if (auth.initial) {
      event.initial = *auth.initial == "=" ? std::string() : decode(*auth.initial);
      if (!event.initial) {
        refuse("501 5.5.2 the initial response is not base64");
        return std::nullopt;
      }
    }
    state_ = State::auth;
    return event;
  }
  return std::nullopt;
}

std::optional<Event> ServerSession::next_auth_response() {
  const std::optional<Line> line = next_line(max_auth_line);
  if (!line) return event::NeedInput{};
  state_ = State::commands;
  if (line->too_long) {
    refuse("500 5.5.6 line too long");
    return std::nullopt;
  }
  if (line->text == "*") {
    refuse("501 5.7.0 authentication cancelled");
    return std::nullopt;
  }
  auto octets = decode(line->text);
  if (!octets) {
    refuse("501 5.5.2 that is not base64");
    return std::nullopt;
  }
  state_ = State::auth;
  return event::AuthResponse{*std::move(octets)};
}

void ServerSession::challenge(std::string_view octets) {
  if (state_ != State::auth) return;
  say(fmt::format("334 {}", base::base64_encode(octets)));
  state_ = State::auth_response;
}

void ServerSession::auth_answered(const Reply& reply) {
  authenticated_ = reply.is_positive();
  if (!authenticated_) client_.user.clear();
  if (reply.is_permanent()) count_error();
}

}  // namespace mail

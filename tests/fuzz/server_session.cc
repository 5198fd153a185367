// A client that sends anything at all: the order of the events, the bounds and the form of the replies must hold.
#include "mail/server_session.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using mail::Reply;

void require(bool holds) {
  if (!holds) std::abort();
}

/// The relay behind the session, which knows what may come when.
class Relay {
 public:
  explicit Relay(std::uint8_t choices) : choices_(choices), session_(options(choices)) { session_.greet(); }

  void feed(std::string_view bytes) {
    session_.feed(bytes);
    while (step()) {
    }
    const bool password = (choices_ & 16U) != 0;
    require(session_.buffered() < (password ? mail::ServerSession::max_auth_line : mail::ServerSession::max_line) || over_);
    check_output();
  }
  bool over() const { return over_; }

 private:
  static mail::ServerOptions options(std::uint8_t choices) {
    mail::ServerOptions options;
    options.hostname = "mx.example.com";
    options.message_size = 200;
    options.recipients = 3;
    options.offer_starttls = (choices & 1U) != 0;
    options.require_tls = (choices & 2U) != 0;
    options.offer_xclient = (choices & 32U) != 0;
    if ((choices & 16U) != 0) options.auth = {"PLAIN", "LOGIN"};
    options.bare_newline = (choices & 4U) != 0 ? mail::BareNewline::reject : mail::BareNewline::normalize;
    return options;
  }

  /// Some answers are refusals, as the input chooses.
  Reply answer(int code) {
    ++answers_;
    if ((choices_ & 8U) == 0 || answers_ % 3 != 0) return {code, "ok"};
    return {answers_ % 2 == 0 ? 450 : 550, mail::EnhancedStatus{5, 7, 1}, "no"};
  }

  bool step() {
    const mail::Event event = session_.next();
    if (std::holds_alternative<mail::event::Mail>(event)) {
      require(session_.envelope() == mail::Envelope());
      session_.reply(answer(250));
    } else if (std::holds_alternative<mail::event::Rcpt>(event)) {
      require(session_.envelope().recipients.size() < 3);
      session_.reply(answer(250));
    } else if (std::holds_alternative<mail::event::BeginData>(event)) {
      require(!session_.envelope().recipients.empty());
      const Reply reply = answer(354);
      session_.reply(reply);
      require(session_.taking_content() == reply.is_intermediate());
      octets_ = 0;
    } else if (const auto* content = std::get_if<mail::event::Content>(&event)) {
      require(session_.taking_content() && !content->bytes.empty());
      octets_ += content->bytes.size();
      require(octets_ <= 200 && octets_ == session_.content_size());
    } else if (std::holds_alternative<mail::event::EndOfContent>(event)) {
      require(!session_.envelope().recipients.empty() && octets_ == session_.content_size());
      session_.reply(answer(250));
      require(session_.envelope() == mail::Envelope());
    } else if (const auto* auth = std::get_if<mail::event::Auth>(&event)) {
      require(!authenticated_ && tls_ && (auth->mechanism == "PLAIN" || auth->mechanism == "LOGIN"));
      authenticate(auth->initial.value_or(""));
    } else if (const auto* response = std::get_if<mail::event::AuthResponse>(&event)) {
      authenticate(response->octets);
    } else if (std::holds_alternative<mail::event::Xclient>(event)) {
      session_.reply(answer(220));
      authenticated_ = !session_.client().user.empty();
    } else {
      return pause(event);
    }
    return true;
  }

  void authenticate(std::string_view octets) {
    if (octets.empty() || octets.front() == 'c') return session_.challenge(octets);
    authenticated_ = octets.front() == 'y';
    session_.client().user = "alice";
    session_.reply(Reply(authenticated_ ? 235 : 535, "ok"));
    require(session_.client().user.empty() != authenticated_);
  }

  bool pause(const mail::Event& event) {
    over_ = std::holds_alternative<mail::event::Close>(event);
    if (std::holds_alternative<mail::event::StartTls>(event)) {
      check_output();
      session_.tls_started("TLSv1.3");
      tls_ = true;
      require(session_.buffered() == 0 && session_.client().helo.empty() && session_.envelope() == mail::Envelope());
    }
    return false;
  }

  void check_output() {
    parser_.feed(session_.take_output());
    for (;;) {
      const auto reply = parser_.next();
      require(reply.has_value());
      if (!*reply) break;
    }
    require(parser_.empty());
  }

  std::uint8_t choices_;
  mail::ServerSession session_;
  mail::ReplyParser parser_;
  std::uint64_t octets_ = 0;
  unsigned answers_ = 0;
  bool tls_ = false;
  bool authenticated_ = false;
  bool over_ = false;
};

}  // namespace

/// The first octet chooses, the second says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = static_cast<std::size_t>(data[1]) * data[1] + 1;
  Relay relay(data[0]);
  input.remove_prefix(2);
  while (!input.empty() && !relay.over()) {
    relay.feed(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
  return 0;
}

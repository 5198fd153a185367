// A server that says anything at all: the session ends, and nobody's mail counts as taken without a 2xx to its final dot.
#include "mail/client_session.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

mail::SessionOptions options_of(std::uint8_t choices) {
  mail::SessionOptions options;
  options.tls = mail::TlsUse{static_cast<std::uint8_t>(choices % 3U)};
  options.implicit_tls = (choices & 0x10U) != 0;
  options.authenticate = (choices & 0x20U) != 0;
  options.chunking = (choices & 0x40U) == 0;
  options.requiretls = (choices & 0x80U) != 0;
  return options;
}

/// The delivery that drives the session, and keeps its own account of what was sent.
class Delivery {
 public:
  explicit Delivery(std::uint8_t choices) : session_("relay.example.com", options_of(choices)) {}

  /// Does what the session wants until it wants to read; false when it is over.
  bool go_on() {
    constexpr int most_actions = 8;  // without anything read
    for (int i = 0; i < most_actions; ++i) {
      const mail::Action action = session_.next();
      check_outcome();
      if (std::holds_alternative<mail::action::Read>(action)) return true;
      if (std::holds_alternative<mail::action::Done>(action)) {
        require(session_.failure().has_value() != quitting_);
        return false;
      }
      act(action);
    }
    std::abort();
  }

  void feed(std::string_view bytes) { session_.feed(bytes); }

  void lose() {
    session_.connection_lost("lost");
    require(std::holds_alternative<mail::action::Done>(session_.next()));
    require(session_.failure().has_value());
    check_outcome();
  }

 private:
  void act(const mail::Action& action) {
    if (std::holds_alternative<mail::action::Write>(action)) require(!session_.take_output().empty());
    if (std::holds_alternative<mail::action::StartTls>(action)) session_.tls_started();
    if (std::holds_alternative<mail::action::Respond>(action)) {
      require(!session_.mechanism().empty() && transactions_ == 0);
      session_.respond(session_.challenge(), !session_.challenge().empty() || session_.mechanism() == "PLAIN");
    }
    if (std::holds_alternative<mail::action::SendContent>(action)) {
      require(!asks_);
      session_.content_sent();
      dot_sent_ = true;
    }
    if (std::holds_alternative<mail::action::Ready>(action)) begin();
  }

  void begin() {
    for (const mail::RecipientReply& own : session_.outcome()) require(own.reply.code != 0);
    if (transactions_++ == 3) {
      asks_ = true;
      session_.ask_about(mail::Mailbox("dave", "example.net"));
      return;
    }
    if (asks_) {
      session_.quit();
      quitting_ = true;
      return;
    }
    dot_sent_ = false;
    mail::Transaction transaction;
    transaction.reverse_path = mail::ReversePath(mail::Mailbox("alice", "example.com"));
    for (const char* name : {"bob", "carol"}) transaction.recipients.emplace_back(mail::Mailbox(name, "example.net"));
    transaction.recipients.front().notify = mail::Notify(mail::Notify::success | mail::Notify::failure);
    transaction.recipients.front().orcpt = "rfc822;bob+2Bx@example.net";
    transaction.envid = "QQ314159";
    transaction.tls = mail::TlsWish::preferred;
    transaction.size = 100;
    session_.begin(std::move(transaction));
  }

  void check_outcome() const {
    for (const mail::RecipientReply& own : session_.outcome()) {
      if (own.reply.code == 0 || own.reply.is_transient() || own.reply.is_permanent()) continue;
      if (asks_ && own.stage == mail::Stage::rcpt) continue;
      require(own.reply.is_positive() && own.stage == mail::Stage::final_dot && dot_sent_);
    }
  }

  mail::ClientSession session_;
  int transactions_ = 0;
  bool dot_sent_ = false;
  bool asks_ = false;  // about a recipient, without content
  bool quitting_ = false;
};

}  // namespace

/// The first octet chooses, the second says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = static_cast<std::size_t>(data[1]) + 1;
  Delivery delivery(data[0]);
  input.remove_prefix(2);
  while (delivery.go_on()) {
    if (input.empty()) {
      delivery.lose();
      break;
    }
    delivery.feed(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
  }
  return 0;
}

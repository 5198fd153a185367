// The end of a transaction: DATA and its dot, or one chunk of BDAT, and what is said to them.
#include <fmt/format.h>

#include <iterator>

#include "mail/client_session.h"

namespace mail {
namespace {

/// What a server says that does not know a command (RFC 5321 4.2.4).
bool is_unknown_command(const Reply& reply) { return reply.code == 500 || reply.code == 502 || reply.code == 504; }

}  // namespace

void ClientSession::on_data(const Reply& reply) {
  if (reply.is_positive()) return unexpected(reply);
  if (reply.is_intermediate()) {
    if (accepted_ > 0) return enter(State::content, Stage::content);
    // RFC 2920 3.1: 354 although nobody was accepted.
    output_ += ".\r\n";
    return enter(State::empty_dot, Stage::final_dot);
  }
  settle(Stage::data, reply);
  become_ready();
}

/// RFC 3030 2: all of the content in one chunk, which no go-ahead precedes.
void ClientSession::send_chunk() {
  enter(State::content, Stage::content);
  fmt::format_to(std::back_inserter(output_), "BDAT {} LAST\r\n", transaction_.size);
}

/// Then it is no verdict on the content, which will go with DATA.
bool ClientSession::refuses_chunking(const Reply& reply) {
  if (!chunked_ || !is_unknown_command(reply)) return false;
  chunking_refused_ = true;
  stage_ = Stage::data;
  broken(fmt::format("the server offers CHUNKING and does not know BDAT: \"{}\"", reply.to_string()));
  return true;
}

/// The server speaks before the dot. A refusal is its verdict, but what it makes of the rest of the content nobody knows.
void ClientSession::on_early(const Reply& reply) {
  if (reply.is_positive() || reply.is_intermediate()) return broken("the server replied before the content had ended");
  if (refuses_chunking(reply)) return;
  settle(Stage::content, reply);
  refused(reply);
}

void ClientSession::content_sent() {
  if (state_ != State::content) return;
  take_replies();
  if (state_ != State::content) return;
  // What came until now, be it half a line, does not answer the dot.
  if (!parser_.empty()) return broken("the server replied before the content had ended");
  enter(State::final_dot, Stage::final_dot);
}

void ClientSession::on_final_dot(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  if (refuses_chunking(reply)) return;
  settle(Stage::final_dot, reply);
  rset_due_ = chunked_ && !reply.is_positive();  // RFC 3030 2: nobody knows where a refused chunk leaves the transaction
  become_ready();
}

void ClientSession::on_empty_dot(const Reply& reply) {
  if (reply.is_intermediate()) return unexpected(reply);
  rset_due_ = false;
  become_ready();
}

}  // namespace mail

// BDAT on the server's side (RFC 3030): octets by number, so that nothing in them can end them or be taken for a command. What is
// refused is read to its end first, for the same reason.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mail/server_session.h"

namespace mail {

std::optional<Event> ServerSession::on(command::Bdat& bdat) {
  chunk_left_ = bdat.size;
  chunk_last_ = bdat.last;
  const std::uint64_t taken = chunking_ ? content_size_ : 0;
  if (!in_transaction_) {
    chunk_refusal_ = "503 5.5.1 send MAIL first";
  } else if (envelope_.recipients.empty()) {
    chunk_refusal_ = "554 5.5.1 no valid recipients";
  } else if (bdat.size > options_.message_size || taken > options_.message_size - bdat.size) {
    chunk_refusal_ = fmt::format("552 5.3.4 a message may have {} octets", options_.message_size);
    end_transaction();
  } else if (!chunking_) {
    first_chunk_ = true;
    state_ = State::data;
    return event::BeginData{};
  }
  state_ = State::chunk;
  return std::nullopt;
}

void ServerSession::data_answered(const Reply& reply) {
  const bool is_chunk = std::exchange(first_chunk_, false);
  if (reply.is_intermediate()) {
    begin_content();
    chunking_ = is_chunk;
  } else {
    end_transaction();
    if (reply.code == 421) return;
    if (is_chunk) chunk_refusal_ = reply.to_wire();
    while (chunk_refusal_.ends_with('\n') || chunk_refusal_.ends_with('\r')) chunk_refusal_.pop_back();
  }
  if (is_chunk) state_ = State::chunk;
}

std::optional<Event> ServerSession::next_chunk() {
  std::string_view pending = std::string_view(input_).substr(start_);
  if (pending.empty() && chunk_left_ > 0) return event::NeedInput{};
  pending = pending.substr(0, std::min<std::uint64_t>(pending.size(), chunk_left_));
  start_ += pending.size();
  chunk_left_ -= pending.size();
  const bool complete = chunk_left_ == 0;
  if (!chunk_refusal_.empty()) {
    if (!complete) return std::nullopt;
    state_ = State::commands;
    const std::string refusal = std::exchange(chunk_refusal_, {});
    if (refusal.starts_with('5')) {
      refuse_as_consequence(refusal);
    } else {
      say(refusal);
    }
    return std::nullopt;
  }
  content_.clear();
  line_ends_.consume(pending, content_);
  if (complete && chunk_last_) line_ends_.finish(content_);
  content_size_ += content_.size();
  judge_content();
  const bool dropped = refusal_ != Refusal::none;
  if (complete) {
    state_ = chunk_last_ ? State::content_end : State::commands;
    if (dropped) {
      refuse_content();
    } else if (!chunk_last_) {
      say("250 2.0.0 chunk taken");
    }
  }
  if (dropped || content_.empty()) return std::nullopt;
  return event::Content{content_};
}

}  // namespace mail

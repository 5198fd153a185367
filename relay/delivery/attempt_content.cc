// A message over an open connection: its recipients in as many transactions as the server wants, its content from memory or a
// file.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "queue/content_file.h"
#include "relay/delivery/attempt.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

constexpr std::size_t file_piece = 64U << 10U;

std::size_t most_recipients(const mail::Limits& limits) {
  return static_cast<std::size_t>(limits.rcpt_max.value_or(std::numeric_limits<std::size_t>::max()));
}

}  // namespace

Task<std::optional<Failure>> Attempt::send(mail::Transaction transaction, std::shared_ptr<const queue::Message> message) {
  message_ = std::move(message);
  outcome_.clear();
  transaction.size = message_->size();
  const std::vector<mail::Recipient> recipients = std::exchange(transaction.recipients, {});
  const std::size_t most = std::min<std::size_t>(recipients.size(), most_recipients(client_.extensions().limits));
  std::optional<Failure> failure;
  while (!failure && outcome_.size() < recipients.size() && may_send_more()) {
    const auto first = recipients.begin() + static_cast<std::ptrdiff_t>(outcome_.size());
    const std::size_t count = std::min(most, recipients.size() - outcome_.size());
    transaction.recipients.assign(first, first + static_cast<std::ptrdiff_t>(count));
    mail::Transaction part = transaction;
    failure = co_await send_part(std::move(part));
  }
  if (!failure) put_off(recipients.size());
  outcome_.resize(recipients.size());
  co_return failure;
}

/// Those for whom the server's limits left no room.
void Attempt::put_off(std::size_t recipients) {
  const mail::Reply later(452, mail::EnhancedStatus{4, 5, 3}, "the server takes no more recipients and messages at a time");
  outcome_.resize(std::max(recipients, outcome_.size()), mail::RecipientReply{mail::Stage::rcpt, later, true});
}

Task<std::optional<Failure>> Attempt::send_part(mail::Transaction part) {
  client_.begin(std::move(part));
  auto work = drive();
  auto failure = co_await within_deadline(std::move(work));
  std::ranges::copy(client_.outcome(), std::back_inserter(outcome_));
  if (!failure) ++transactions_;
  if (client_.chunking_refused()) services_.host_memory.add(candidate_, Trouble::chunks, Clock::now());
  co_return failure;
}

/// Damage is seen while the last piece is still here: a message that is not what was accepted is never completed.
Task<void> Attempt::send_content() {
  stuffer_ = mail::DotStuffer();
  outgoing_.clear();
  take_in(message_->prefix);
  Result<void> sent;
  if (message_->content.is_file()) {
    sent = co_await send_file();
  } else {
    take_in(message_->content.octets());
  }
  if (sent) {
    if (!client_.sends_chunk()) stuffer_.finish(outgoing_);
    sent = co_await write_outgoing();
  }
  if (sent) {
    client_.content_sent();
  } else {
    const bool is_ours = sent.error().kind == Kind::storage || sent.error().kind == Kind::damaged;
    if (!is_ours) co_await hear_why();
    lost(sent.error());
  }
}

void Attempt::take_in(std::string_view content) {
  if (client_.sends_chunk()) {
    outgoing_ += content;
  } else {
    stuffer_.append(content, outgoing_);
  }
}

/// All but the last piece, which waits in outgoing_ for its end.
Task<Result<void>> Attempt::send_file() {
  auto reader = queue::ContentReader::open(message_->content);
  if (!reader) co_return std::unexpected(reader.error());
  const base::Error damaged(Kind::damaged, fmt::format("the content file {} is damaged", message_->content.path()));
  std::uint32_t crc = queue::crc32(0, message_->prefix);
  std::uint64_t left = message_->size() - message_->prefix.size();
  std::string piece(file_piece, '\0');
  auto executor = services_.workers.get_executor();
  for (;;) {
    auto work = [&reader, &piece, &crc] {
      auto count = reader->read(piece);
      if (count) crc = queue::crc32(crc, std::string_view(piece).substr(0, *count));
      return count;
    };
    const auto count = co_await on(executor, services_.loop, work);
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) break;
    if (*count > left) co_return std::unexpected(damaged);
    left -= *count;
    deadline_.after(mail::time_limit(mail::Stage::content));
    const auto sent = co_await write_outgoing();
    if (!sent) co_return std::unexpected(sent.error());
    take_in(std::string_view(piece).substr(0, *count));
  }
  if (left > 0 || crc != message_->crc) co_return std::unexpected(damaged);
  co_return Result<void>();
}

Task<Result<void>> Attempt::write_outgoing() {
  auto sent = co_await connection_->write(outgoing_);
  outgoing_.clear();
  co_return sent;
}

}  // namespace relay::delivery

// Counting row by row, as fast as the rows can be read.
#include "queue/sqlite_summary_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "mail/address.h"
#include "queue/sqlite_rows.h"

namespace queue {
namespace {

/// Rows of one transaction: a long one would keep the writer from starting its log anew.
constexpr std::uint64_t rows_in_part = 100'000;

}  // namespace

void SummaryGroup::add(State state, std::int64_t message, std::int64_t next, std::int64_t its_reply) {
  queued += state == State::queued ? 1 : 0;
  deferred += state == State::deferred ? 1 : 0;
  held += state == State::held ? 1 : 0;
  if (oldest < 0) oldest = message;
  if (state == State::deferred) next_attempt = std::min(next_attempt, next);
  heard(its_reply, next);
}

void SummaryGroup::add(const SummaryGroup& later) {
  queued += later.queued;
  deferred += later.deferred;
  held += later.held;
  if (oldest < 0) oldest = later.oldest;
  next_attempt = std::min(next_attempt, later.next_attempt);
  heard(later.reply, later.reply_next);
}

void SummaryGroup::heard(std::int64_t its_reply, std::int64_t next) {
  if (its_reply == 0 || (reply != 0 && next < reply_next)) return;
  reply = its_reply;
  reply_next = next;
}

SummaryGroup& SummaryGroups::named(std::string_view name) {
  if (name.empty()) return rest_;
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(name));
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].number != 0) {
    if (slots_[at].hash == hash) {
      Named& found = groups_[slots_[at].number - 1];
      if (found.name == name) return found.group;
    }
    at = (at + 1) & (slots_.size() - 1);
  }
  if (groups_.size() >= most_names_) return rest_;
  groups_.push_back(Named{std::string(name), {}});
  slots_[at] = Slot{hash, static_cast<std::uint32_t>(groups_.size())};
  if (groups_.size() * 2 > slots_.size()) grow();
  return groups_.back().group;
}

void SummaryGroups::grow() {
  std::vector<Slot> larger(slots_.size() * 4);
  for (const Slot& slot : slots_) {
    if (slot.number == 0) continue;
    std::size_t at = slot.hash & (larger.size() - 1);
    while (larger[at].number != 0) at = (at + 1) & (larger.size() - 1);
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

void SummaryGroups::add(const SummaryGroups& later) {
  for (const auto& [name, group] : later.groups_) named(name).add(group);
  rest_.add(later.rest_);
}

Result<void> SummaryPass::prepare(Database& database) {
  // What is not asked for is not read: there are very many rows.
  const std::string recipients = fmt::format(
      "SELECT message, number, state, next_attempt, reply{} FROM recipient INDEXED BY sqlite_autoindex_recipient_1 "
      "WHERE (message, number) > (?, ?) AND message <= ? ORDER BY message, number LIMIT ?",
      by_ == SummaryBy::domain ? ", destination" : "");
  const std::pair<Statement*, std::string_view> texts[] = {
      {&recipients_, recipients},
      {&senders_, "SELECT id, sender_local_part, sender_domain FROM message WHERE id >= ? ORDER BY id"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return replies_.prepare(database);
}

Result<void> SummaryPass::count(SummaryRange range) {
  std::int64_t message = range.after;
  std::int64_t number = std::numeric_limits<std::int64_t>::max();
  for (std::uint64_t seen = rows_in_part; seen == rows_in_part;) {
    const auto counted = count_part(message, number, range.last);
    if (!counted) return std::unexpected(counted.error());
    seen = *counted;
  }
  return {};
}

Result<std::uint64_t> SummaryPass::count_part(std::int64_t& message, std::int64_t& number, std::int64_t last) {
  Statement& row = recipients_.bind(message, number, last, rows_in_part);
  const ResetAtEnd reset(row);
  const ResetAtEnd reset_senders(senders_.bind(message));
  sender_ = -1;
  for (std::uint64_t seen = 0;; ++seen) {
    const auto got = row.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return seen;
    message = row.integer(0);
    number = row.integer(1);
    const State state = state_of(row.integer(2));
    if (!waits(state)) continue;
    const auto group = group_of();
    if (!group) return std::unexpected(group.error());
    (*group)->add(state, message, row.integer(3), row.integer(4));
  }
}

Result<SummaryGroup*> SummaryPass::group_of() {
  switch (by_) {
    case SummaryBy::domain: return &groups_.named(recipients_.text(5));
    case SummaryBy::mx: return groups_of_replies_.of(recipients_.integer(4));
    case SummaryBy::sender: return of_sender(recipients_.integer(0));
  }
  return &groups_.rest();
}

// A message without a row of its own has no sender.
Result<SummaryGroup*> SummaryPass::of_sender(std::int64_t message) {
  if (message == sender_) return group_of_sender_;
  while (sender_ < message) {
    const auto got = senders_.step();
    if (!got) return std::unexpected(got.error());
    sender_ = *got ? senders_.integer(0) : std::numeric_limits<std::int64_t>::max();
  }
  if (sender_ != message) return &groups_.rest();
  if (senders_.is_null(1)) {
    buffer_ = "<>";
  } else {
    mail::print_mailbox(buffer_, senders_.text(1), senders_.text(2));
  }
  group_of_sender_ = &groups_.named(buffer_);
  return group_of_sender_;
}

}  // namespace queue

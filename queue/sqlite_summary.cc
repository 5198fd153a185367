// One pass over all recipients in the order of their keys. Memory is bounded by the number of names.
#include "queue/sqlite_summary.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "mail/address.h"
#include "queue/sqlite_rows.h"

namespace queue {
namespace {

/// Rows of one transaction: a long one would keep the writer from starting its log anew.
constexpr std::uint64_t rows_in_part = 100'000;

}  // namespace

struct SummaryGroup {
  std::uint64_t queued = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::int64_t oldest = -1;  ///< message: the pass meets it first
  std::int64_t next_attempt = std::numeric_limits<std::int64_t>::max();
  std::int64_t reply = 0;
  std::int64_t reply_next = 0;  ///< next attempt of the one with that reply: the latest, since it was probably asked last

  std::uint64_t recipients() const { return queued + deferred + held; }
  void add(State state, std::int64_t message, std::int64_t next, std::int64_t its_reply) {
    queued += state == State::queued ? 1 : 0;
    deferred += state == State::deferred ? 1 : 0;
    held += state == State::held ? 1 : 0;
    if (oldest < 0) oldest = message;
    if (state == State::deferred) next_attempt = std::min(next_attempt, next);
    if (its_reply == 0 || (reply != 0 && next < reply_next)) return;
    reply = its_reply;
    reply_next = next;
  }
};

/// The groups by name, and quick ways to the group of the row at hand.
class SummaryGroups {
 public:
  struct Named {
    std::string name;
    SummaryGroup group;
  };

  SummaryGroups(ReplyTable& replies, std::size_t most_names)
      : most_names_(most_names),
        replies_(replies, &rest_, [this](std::string_view mx, std::string_view /*words*/) { return &named(mx); }) {}
  SummaryGroups(const SummaryGroups&) = delete;
  SummaryGroups& operator=(const SummaryGroups&) = delete;

  SummaryGroup& named(std::string_view name);
  /// By the sender of a message, which is looked for in `senders`: their rows in the order of messages, behind the last one.
  Result<SummaryGroup*> of_sender(std::int64_t message, Statement& senders);
  /// `senders` begins anew, at any message.
  void forget_sender() { sender_ = -1; }
  /// By the host that gave a reply.
  Result<SummaryGroup*> of_reply(std::int64_t reply) { return replies_.of(reply); }

  const std::deque<Named>& all() const { return groups_; }
  /// Those without a name, or beyond the bound.
  const SummaryGroup& rest() const { return rest_; }

 private:
  /// Where a group is; the table is small enough for the processor's cache, which the groups of many domains are not.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;  ///< of the group, from 1; 0: free
  };
  void grow();

  const std::size_t most_names_;
  std::deque<Named> groups_;
  std::vector<Slot> slots_ = std::vector<Slot>(1024);  ///< a power of two, at most half of them taken
  SummaryGroup rest_;
  ReplyMemory<SummaryGroup*> replies_;
  std::int64_t sender_ = -1;  ///< the message whose sender was read last
  SummaryGroup* group_of_sender_ = nullptr;
  std::string buffer_;
};

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

// A message without a row of its own has no sender.
Result<SummaryGroup*> SummaryGroups::of_sender(std::int64_t message, Statement& senders) {
  if (message == sender_) return group_of_sender_;
  while (sender_ < message) {
    const auto got = senders.step();
    if (!got) return std::unexpected(got.error());
    sender_ = *got ? senders.integer(0) : std::numeric_limits<std::int64_t>::max();
  }
  if (sender_ != message) return &rest_;
  if (senders.is_null(1)) {
    buffer_ = "<>";
  } else {
    mail::print_mailbox(buffer_, senders.text(1), senders.text(2));
  }
  group_of_sender_ = &named(buffer_);
  return group_of_sender_;
}

Result<void> SqliteSummary::prepare() {
  const std::pair<Statement*, std::string_view> texts[] = {
      {&recipients_,
       "SELECT message, number, state, next_attempt, reply, destination FROM recipient INDEXED BY sqlite_autoindex_recipient_1 "
       "WHERE (message, number) > (?, ?) ORDER BY message, number LIMIT ?"},
      {&senders_, "SELECT id, sender_local_part, sender_domain FROM message WHERE id >= ? ORDER BY id"},
      {&received_, "SELECT received FROM message WHERE id=?"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return replies_.prepare(database_);
}

Result<std::vector<SummaryRow>> SqliteSummary::summary(SummaryBy by, std::size_t limit) {
  SummaryGroups groups(replies_, most_names_);
  std::int64_t message = -1;
  std::int64_t number = -1;
  for (std::uint64_t seen = rows_in_part; seen == rows_in_part;) {
    const auto counted = count_part(by, groups, message, number);
    if (!counted) return std::unexpected(counted.error());
    seen = *counted;
  }
  const std::string no_name;
  std::vector<std::pair<const std::string*, const SummaryGroup*>> order;
  for (const auto& [name, group] : groups.all()) {
    if (group.recipients() > 0) order.emplace_back(&name, &group);
  }
  if (groups.rest().recipients() > 0) order.emplace_back(&no_name, &groups.rest());
  const std::size_t shown = std::min(limit, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown), [](const auto& a, const auto& b) {
    return std::pair(b.second->recipients(), *a.first) < std::pair(a.second->recipients(), *b.first);
  });
  std::vector<SummaryRow> rows;
  for (const auto& [name, group] : std::span(order).first(shown)) {
    auto row = describe(*name, *group);
    if (!row) return std::unexpected(row.error());
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<std::uint64_t> SqliteSummary::count_part(SummaryBy by, SummaryGroups& groups, std::int64_t& message,
                                                std::int64_t& number) {
  Statement& row = recipients_.bind(message, number, rows_in_part);
  const ResetAtEnd reset(row);
  Statement& senders = senders_.bind(message);
  const ResetAtEnd reset_senders(senders);
  groups.forget_sender();
  for (std::uint64_t seen = 0;; ++seen) {
    const auto got = row.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return seen;
    message = row.integer(0);
    number = row.integer(1);
    const State state = state_of(row.integer(2));
    if (!waits(state)) continue;
    Result<SummaryGroup*> group = nullptr;
    switch (by) {
      case SummaryBy::domain: group = &groups.named(row.text(5)); break;
      case SummaryBy::mx: group = groups.of_reply(row.integer(4)); break;
      case SummaryBy::sender: group = groups.of_sender(message, senders); break;
    }
    if (!group) return std::unexpected(group.error());
    (*group)->add(state, message, row.integer(3), row.integer(4));
  }
}

Result<SummaryRow> SqliteSummary::describe(const std::string& name, const SummaryGroup& group) {
  SummaryRow described;
  described.name = name;
  described.recipients = group.recipients();
  described.queued = group.queued;
  described.deferred = group.deferred;
  described.held = group.held;
  if (group.deferred > 0) described.next_attempt = sane_time_of(group.next_attempt);
  const ResetAtEnd reset_received(received_.bind(group.oldest));
  const auto message = received_.step();
  if (!message) return std::unexpected(message.error());
  if (*message) described.oldest = sane_time_of(received_.integer(0));
  auto read = replies_.read(group.reply, [&described](std::int64_t /*number*/, std::string_view mx, std::string_view words) {
    described.mx = mx;
    described.last_reply = words;
  });
  if (!read) return std::unexpected(read.error());
  return described;
}

}  // namespace queue

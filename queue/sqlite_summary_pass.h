// One pass over recipients, which are counted in groups by name. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/sqlite_replies.h"
#include "queue/store.h"

namespace queue {

struct SummaryGroup {
  std::uint64_t queued = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::int64_t oldest = -1;  ///< message: the pass meets it first
  std::int64_t next_attempt = std::numeric_limits<std::int64_t>::max();
  std::int64_t reply = 0;
  std::int64_t reply_next = 0;  ///< next attempt of the one with that reply: the latest, since it was probably asked last

  std::uint64_t recipients() const { return queued + deferred + held; }
  void add(State state, std::int64_t message, std::int64_t next, std::int64_t its_reply);
  /// What a pass over later messages found.
  void add(const SummaryGroup& later);

 private:
  void heard(std::int64_t its_reply, std::int64_t next);
};

/// The groups by name. Memory is bounded by the number of names.
class SummaryGroups {
 public:
  struct Named {
    std::string name;
    SummaryGroup group;
  };

  explicit SummaryGroups(std::size_t most_names) : most_names_(most_names) {}
  SummaryGroups(const SummaryGroups&) = delete;
  SummaryGroups& operator=(const SummaryGroups&) = delete;

  SummaryGroup& named(std::string_view name);
  /// What a pass over later messages found.
  void add(const SummaryGroups& later);

  const std::deque<Named>& all() const { return groups_; }
  /// Those without a name, or beyond the bound.
  SummaryGroup& rest() { return rest_; }
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
};

/// The recipients of messages behind `after` up to `last`.
struct SummaryRange {
  std::int64_t after = -1;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

/// One thread at a time; the database must outlive it.
class SummaryPass {
 public:
  SummaryPass(SummaryBy by, SummaryGroups& groups) : by_(by), groups_(groups) {}
  SummaryPass(const SummaryPass&) = delete;
  SummaryPass& operator=(const SummaryPass&) = delete;
  Result<void> prepare(Database& database);
  /// Each part of it is one state of the database, all of it together need not be.
  Result<void> count(SummaryRange range);

 private:
  /// From the row behind (message, number) on; moves them. Tells how many rows there were.
  Result<std::uint64_t> count_part(std::int64_t& message, std::int64_t& number, std::int64_t last);
  Result<SummaryGroup*> group_of();
  /// By the sender of a message, which is looked for in `senders_`: their rows in the order of messages, behind the last one.
  Result<SummaryGroup*> of_sender(std::int64_t message);

  const SummaryBy by_;
  SummaryGroups& groups_;
  Statement recipients_;
  Statement senders_;
  ReplyTable replies_;
  ReplyMemory<SummaryGroup*> groups_of_replies_{
      replies_, &groups_.rest(), [this](std::string_view mx, std::string_view /*words*/) { return &groups_.named(mx); }};
  std::int64_t sender_ = -1;  ///< the message whose sender was read last
  SummaryGroup* group_of_sender_ = nullptr;
  std::string buffer_;
};

}  // namespace queue

// What refusals whose meaning is known do to the mail that waits: slow down, keep and tell, stop and probe. Pure: time is a
// parameter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/outcome.h"
#include "queue/store.h"
#include "relay/replies.h"

namespace relay::delivery {

/// Who said no, to whose mail.
struct Refusal {
  std::string group;
  std::string destination;
  std::string sender_domain;  ///< of the reverse-path; empty: the null one
  std::string mx;
  std::string reply;
};

/// What follows for the recipient, and what rests from now on.
struct Ruling {
  queue::Verdict verdict = queue::Verdict::deferred;
  conf::ReplyAction action = conf::ReplyAction::retry;
  std::optional<base::Duration> wait;  ///< to the next attempt; unset: as usual
  std::optional<base::Duration> keep;  ///< how long the mail is kept at most
  std::optional<base::Time> group_rests;
  std::optional<base::Time> group_slow;
  std::optional<base::Time> destination_rests;
  bool tell = false;  ///< the postmaster has to know
};

/// A receiver, or a domain, that takes nothing from us until it is asked to.
struct Block {
  enum class Of : std::uint8_t { group, destination };
  std::string name;
  Of of = Of::group;
  base::Time since;
  base::Time next_probe;
  std::string mx;
  std::string reply;
  std::string link;
  std::optional<base::Time> warned;  ///< when the postmaster was told that mail will expire

  queue::Remembered to_remember() const;
  /// Nothing for what makes no sense.
  static std::optional<Block> from(const queue::Remembered& thing);
};

/// Once a day to tell the same; so often is a block probed.
constexpr base::Duration probe_every = std::chrono::minutes(30);
constexpr base::Duration fix_within = std::chrono::hours(4);
/// Where a receiver throttles and says no time: so long so slowly.
constexpr base::Duration slow_time = std::chrono::minutes(90);
constexpr base::Rate slow_rate{1, std::chrono::minutes(1)};

class Refusals {
 public:
  Ruling rule(const Meaning& meaning, const Refusal& refusal, base::Time now);
  /// The host took mail: what was in the way is over. Returned: the blocks that have ended.
  std::vector<Block> accepted(const std::string& group, const std::string& destination);
  /// Mail of this domain waits so long for the group.
  std::optional<base::Time> sender_waits(const std::string& group, const std::string& sender_domain, base::Time now) const;

  const std::map<std::string, Block>& blocks() const { return blocks_; }
  const Block* block_of(const std::string& group, const std::string& destination) const;
  void take_up(Block block);
  /// The block as it is now; nothing when it is over.
  std::optional<Block> was_told(const std::string& name, base::Time when);
  /// By the admin's will; nothing when there is none of this name.
  std::optional<Block> end(const std::string& name);

 private:
  /// Refusals in a row that concern the same; those of one rest count once.
  struct Row {
    std::uint32_t refusals = 0;
    base::Time until;
  };

  conf::ReplyAction action_now(const Meaning& meaning, const std::string& whom, base::Time now);
  Ruling slow_down(const Meaning& meaning, const Refusal& refusal, base::Time now);
  Ruling stop_sending(const Meaning& meaning, const Refusal& refusal, base::Time now);
  bool is_news(const std::string& what, base::Time now);

  std::map<std::string, Row> rows_;
  std::map<std::string, Block> blocks_;
  std::map<std::string, base::Time> senders_;  ///< by group and domain
  std::map<std::string, base::Time> told_;
};

}  // namespace relay::delivery

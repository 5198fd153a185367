// Which message goes when: destinations, their due recipients, retry times, fairness, limits of connections. Pure: time is a
// parameter.
//
// Memory: a bounded window of due recipients per destination and in all; the rest stays in the store, and next() says
// which destination wants more of it (Refill). What finds no room is handed back to be recorded as deferred.
//
// Every operation costs O(log n) of destinations and of the window; only pause() and resume(), which an admin asks for, walk over
// all destinations.
#pragma once

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/units.h"
#include "queue/allowance.h"
#include "queue/message.h"
#include "queue/outcome.h"
#include "queue/pauses.h"
#include "queue/store.h"

namespace queue {

struct ScheduleOptions {
  std::size_t connections = 500;  ///< in all
  std::size_t connections_per_destination = 10;
  std::size_t recipients_per_transaction = 100;  ///< RFC 5321 4.5.3.1.8
  std::size_t window_per_destination = 1000;     ///< due recipients held in memory
  std::size_t window = 50000;                    ///< of all destinations together; a destination without any may add 10 to it
  std::size_t first_connections = 1;             ///< to a destination, until replies are good
};

/// One message's recipients of one destination, to be sent over one connection (a lease until finish()).
class DeliveryJob {
 public:
  std::string destination;
  QueueId message;
  std::vector<DueRecipient> recipients;  ///< by index
};

/// The destination has room in its window and recipients in the store: ask Reader::due() for `limit` recipients and give them to
/// refilled(), also when there are none and when reading failed.
struct Refill {
  std::string destination;
  std::size_t limit = 0;  ///< those that are in memory already are counted in: the store gives them again
};
/// Nothing to do before this time (or before something is added or finished).
struct Wait {
  std::optional<Time> until;
};

/// A recipient in a job or claimed.
struct ActiveRecipient {
  RecipientKey key;
  Time since;                  ///< Time::max(): its outcome is on the way to the store
  std::uint32_t attempts = 0;  ///< before this one
  std::string destination;
};

class Schedule {
 public:
  /// What was finished since it was taken; see look().
  class Look;

  Schedule(ScheduleOptions options, std::uint64_t seed);
  /// Other limits from now on (a reload); what is under way goes on.
  void configure(ScheduleOptions options);

  /// Recipients that wait and are not among the deferred ones of the store: freshly accepted ones, or those that a crash left
  /// queued. Returned are those that find no room (the window is full, older ones wait in the store, the destination rests or is
  /// paused): record them as deferred, with the attempts that they have, and tell parked() when the store has confirmed it. They
  /// are active until then.
  [[nodiscard]] std::vector<DueRecipient> add(std::vector<DueRecipient> recipients, Time now);
  /// What add(), rest() or a pause gave back is deferred in the store now: it comes back by a Refill.
  void parked(const std::vector<DueRecipient>& recipients, Time now);
  /// Destinations with deferred recipients in the store: at start.
  void know(const std::vector<DestinationRow>& rows);
  /// After a Refill: `complete` when the store had no more due ones now (fewer than the limit), and when its next is due.
  /// Recipients that are not due yet may be among them: they count as next ones.
  void refilled(const std::string& destination, std::vector<DueRecipient> recipients, bool complete, std::optional<Time> next_due,
                Time now);

  // Destinations with the same hosts form a group, which shares limits, and whose turns they take one after the other.

  /// The hosts of the destination, for which a job is under way, belong to the group.
  struct Joining {
    bool admitted = false;                ///< the job may go on; else record its recipients as those in `back`
    std::vector<DueRecipient> back = {};  ///< returned as by add(): the group rests
  };
  [[nodiscard]] Joining join(const std::string& destination, const std::string& group, const GroupLimits& limits, Time now);
  /// The name of its group, as far as that is known; or null.
  const std::string* group_of(const std::string& destination) const;
  std::vector<std::string> destinations_of(const std::string& group) const;
  /// Null: nothing is known of it.
  const Allowance* allowance_of(const std::string& group) const;
  std::vector<std::string> groups() const;
  /// Nothing goes to the group until then. Returned as by add().
  [[nodiscard]] std::vector<DueRecipient> rest_group(const std::string& group, Time until, Time now);
  /// Until then so many transactions over one connection.
  void slow_group(const std::string& group, Time until, const base::Rate& rate, Time now);
  /// Its rest or slow time ends, by the admin's will.
  void wake_group(const std::string& group);
  /// A job came to nothing before a transaction was over: it does not count against the rate.
  void give_back_turn(const std::string& destination);

  /// What to do now. Ask until it says Wait, and again at that time and after every other call here.
  std::variant<DeliveryJob, Refill, Wait> next(Time now);
  /// The next job for a connection that is open to this destination; no new lease of a connection is taken. Nothing, too, when
  /// every connection is in use, or the group's, and another destination has none: then this one ends for its sake.
  std::optional<DeliveryJob> next_for(const std::string& destination, Time now);
  /// The outcome of a job is known and on its way to the store: the watchdog does not look at it any more.
  void conclude(const DeliveryJob& job);
  /// The recipients of a job are not active any more: call it when the store has confirmed their records, so that a Refill
  /// that is issued afterwards sees the new state. The deferred ones come back by a Refill; those without a record are gone.
  void finish(const DeliveryJob& job, const std::vector<DeliveryRecord>& records, Time now);
  /// The lease of a connection ends.
  void release(const std::string& destination);

  /// The destination could not be reached: nothing more is tried before the retry time of its consecutive failures, and then by
  /// one connection until alive(). Calls while it rests already do not count. Returned as by add(): what waited in its window.
  [[nodiscard]] std::vector<DueRecipient> rest(const std::string& destination, Time now,
                                               const std::vector<base::Duration>& delays);
  /// A transaction worked (or was refused politely): the destination is alive. After a rest each call allows one connection more.
  void alive(const std::string& destination);
  /// Ends its rest, by the admin's will; it is still tried by one connection first.
  void wake(const std::string& destination);
  /// When its rest ends (in the past: it is being tried again); nothing when it is alive.
  std::optional<Time> rests_until(const std::string& destination) const;

  /// Destinations that match the pattern get no job and no Refill until resume(); jobs under way go on. Returned as by add():
  /// what waited in their windows.
  [[nodiscard]] std::vector<DueRecipient> pause(const std::string& pattern, Time now);
  /// One of its hosts matches the pattern of a pause: so does the destination, until resume().
  [[nodiscard]] std::vector<DueRecipient> pause_by_host(const std::string& destination, const std::string& pattern, Time now);
  void resume(const std::string& pattern, Time now);
  /// The pattern of a pause that matches a name (of a destination or of a host), or null.
  const std::string* pause_matching(std::string_view name) const { return pauses_.match(name); }
  /// The pattern that pauses a destination, also by its host as far as that is known; or null.
  const std::string* paused_by(const std::string& destination) const;
  /// Destinations found paused by their hosts, with the pattern.
  std::vector<std::pair<std::string, std::string>> paused_by_hosts() const;

  /// Before rows are read from the store that shall be claimed: claim() refuses those that were finished between, for they may be
  /// read as they were before.
  std::shared_ptr<Look> look();
  /// Takes recipients for something else than an attempt (they have expired, say) and returns those that were not active: they
  /// are now, until finish() with a job made of them. No lease of a connection is taken.
  std::vector<DueRecipient> claim(const std::shared_ptr<Look>& since, std::vector<DueRecipient> recipients, Time now);
  /// The message is dropped, and the store has confirmed it. Recipients that are active stay so until finish().
  void forget(QueueId message);

  /// When a recipient with that many attempts (1 after the first) goes next: [retry] delays, of which the last repeats, +-10 %
  /// jitter. Asked once for all recipients of a job they go together again.
  Time retry_at(std::uint32_t attempts, Time now, const std::vector<base::Duration>& delays);
  /// Is this recipient in a job or claimed right now.
  bool is_active(QueueId message, std::uint32_t index) const { return active_.contains(RecipientKey{message, index}); }
  std::vector<ActiveRecipient> active() const;
  std::size_t active_connections() const { return leases_; }
  std::size_t known_destinations() const { return destinations_.size(); }
  std::size_t window_size() const { return window_; }

 private:
  static constexpr Time never = Time::max();

  using Key = RecipientKey;
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  using Keys = std::unordered_set<Key, KeyHash>;
  enum class Listed : std::uint8_t { no, yes };
  /// Does the store know a recipient of the window as deferred (then it may be dropped from memory), or only as queued.
  enum class Source : std::uint8_t { accepted, store };
  struct Entry {
    std::uint32_t index = 0;
    std::uint32_t attempts = 0;
    Time next_attempt;
    Time expires;
    Source source = Source::accepted;
  };
  /// One message's recipients in a destination's window, by index.
  struct Group {
    QueueId message;
    std::uint64_t round = 0;
    std::vector<Entry> entries;
  };
  /// The senders of a window take turns: each has one message in a round. Notices overtake all.
  struct Rounds {
    std::uint64_t now = 0;                                  ///< of the message taken last
    std::unordered_map<std::uint32_t, std::uint64_t> last;  ///< of each sender with a message in the window
  };
  /// While a Refill is outstanding: what happened that the rows on their way may not know of.
  struct Refilling {
    Keys finished;
    std::set<QueueId> dropped;
    Time earliest = never;  ///< of what was deferred meanwhile
  };
  struct Destination;
  struct Active {
    Time since;
    std::uint32_t attempts = 0;
    Destination* place = nullptr;
  };
  struct ByMessage {
    bool operator()(const std::pair<QueueId, Destination*>& a, const std::pair<QueueId, Destination*>& b) const;
  };
  using Turns = std::list<Destination*>;
  struct MxGroup {
    const std::string* name = nullptr;  ///< the key in mx_groups_
    Allowance allowance;
    std::set<Destination*> members;
    Turns waiting;  ///< could start a job, were it not for the group
    std::size_t leases = 0;
    std::size_t starving = 0;  ///< of those that wait: without a connection
    Time timer = never;        ///< its place in group_timers_, if any
    bool rested = false;
  };
  /// What a destination has in memory; most have only a due time in the store, so the rest is kept small.
  struct Destination {
    const std::string* name = nullptr;  ///< the key in destinations_
    std::list<Group> groups;            ///< the window, by rounds, and first come first served within one
    std::unique_ptr<Rounds> rounds;     ///< while there is a window
    std::unique_ptr<Refilling> refilling;
    Turns::iterator turn;         ///< in ready_, when is_ready
    Turns::iterator refill_turn;  ///< in hungry_, when is_hungry
    Turns::iterator wait_turn;    ///< in group->waiting, when is_waiting
    MxGroup* group = nullptr;     ///< as far as its hosts are known
    Time store_due = never;       ///< the earliest in the store, as far as we know
    Time rest_until = Time::min();
    Time timer = never;  ///< its place in timers_, if any
    std::uint32_t in_window = 0;
    std::uint32_t active = 0;  ///< recipients in jobs
    std::uint32_t leases = 0;
    std::uint32_t failures = 0;  ///< consecutive rests
    std::uint32_t allowed = 0;   ///< connections since the last rest; 0: as many as any
    const std::string* paused_by = nullptr;
    bool by_host = false;  ///< of paused_by
    bool is_ready = false;
    bool is_hungry = false;
    bool is_waiting = false;
  };

  Destination& destination(const std::string& name);
  Destination* find(const std::string& name);
  std::vector<DueRecipient> stop(Destination& place, const std::string* pattern, Time now);
  bool activate(Destination& place, const DueRecipient& recipient, Time since);
  bool deactivate(const Key& key);
  std::size_t room(const Destination& place) const;
  bool holds(Destination& place, const Key& key) const;
  static bool stands_still(const Destination& place, Time now) {
    return place.paused_by != nullptr || place.rest_until > now || (place.group != nullptr && place.group->allowance.rests(now));
  }
  bool admits(const Destination& place, Time now) const;
  bool wants_refill(const Destination& place, Time now) const;
  void put(Destination& place, const DueRecipient& recipient, Source source);
  static std::uint64_t round_for(Destination& place, std::uint32_t sender);
  void take_out(Destination& place, const Key& key);
  void erase_group(Destination& place, std::list<Group>::iterator group);
  std::size_t refill_mark() const { return options_.window_per_destination / 4; }
  static DueRecipient due_recipient(const Group& group, const Entry& entry, const Destination& place);
  std::vector<DueRecipient> empty_window(Destination& place, Time now);
  DeliveryJob take_job(Destination& place, Time now);
  DeliveryJob start_job(Destination& place, Time now);
  void run_timers(Time now);
  Refill start_refill(Destination& place);
  void defer(Destination& place, Time due);
  void review(Destination& place, Time now);
  void review_soon(Destination& place);
  void set_ready(Destination& place, Listed listed);
  void set_hungry(Destination& place, Listed listed);
  void set_timer(Destination& place, Time when);
  std::size_t lease_limit(const Destination& place, Time now) const;

  MxGroup& mx_group(const std::string& name);
  const MxGroup* find_group(const std::string& name) const;
  void leave_group(Destination& place);
  static bool has_turn(const Destination& place, Time now);
  static bool yields(const Destination& place, Time now);
  void set_waiting(Destination& place, Listed listed);
  void set_timer(MxGroup& group, Time when);
  void review_soon(MxGroup& group) { set_timer(group, Time::min()); }
  void review(MxGroup& group, Time now);
  Time next_timer() const;

  ScheduleOptions options_;
  std::mt19937_64 random_;
  std::unordered_map<std::string, Destination> destinations_;
  std::map<std::pair<QueueId, Destination*>, std::list<Group>::iterator, ByMessage> groups_;
  std::unordered_map<Key, Active, KeyHash> active_;
  std::vector<std::weak_ptr<Look>> looks_;  ///< a few at most
  Pauses pauses_;
  Turns ready_;                        ///< may start a job, in the order of their turns
  Turns hungry_;                       ///< want a Refill
  std::vector<Destination*> refills_;  ///< outstanding, a few at most
  std::set<std::pair<Time, Destination*>> timers_;
  std::unordered_map<std::string, MxGroup> mx_groups_;
  std::set<std::pair<Time, MxGroup*>> group_timers_;
  std::size_t window_ = 0;  ///< entries of all destinations
  std::size_t leases_ = 0;
  std::size_t starving_ = 0;  ///< destinations that are ready and have no connection
};

}  // namespace queue

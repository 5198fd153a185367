// The durable queue behind two interfaces: Store writes (asynchronously, in groups), Reader reads (blocking, short transactions).
// Neither shows SQL: a second kind of store is a second file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "queue/disk.h"
#include "queue/filter.h"
#include "queue/message.h"

namespace queue {

/// open: all is well. full: the last write found no room; tried again with every operation. closed: a write or sync failed in
/// another way, nothing is written until a reopening through a truncating checkpoint has worked (tried every few seconds).
enum class Health : std::uint8_t { open, full, closed };
std::string_view to_string(Health health);

struct Counts {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;   ///< queued, deferred or held
  std::uint64_t held = 0;         ///< of these
  std::uint64_t quarantined = 0;  ///< messages set aside because they were damaged
};

/// What an admin does to everything that a filter selects.
enum class Deed : std::uint8_t { retry, hold, release, bounce, drop };
std::string_view to_string(Deed deed);

/// A bulk action: one durable row, worked off in parts in the order of (message, recipient). A crash goes on where the last
/// committed part ended.
class Action {
 public:
  QueueId id;
  Deed deed = Deed::retry;
  Filter filter;
  Time begun;
  QueueId until;              ///< later messages are not concerned
  RecipientKey done;          ///< all up to this one are worked off
  std::uint64_t touched = 0;  ///< recipients
  std::uint64_t skipped = 0;  ///< recipients that were being delivered
  std::optional<Time> finished;
};

/// How far an action has come with one part of it.
struct ActionStep {
  QueueId action;
  RecipientKey done;          ///< all up to this one are worked off
  std::uint64_t touched = 0;  ///< recipients, by this step
  std::uint64_t skipped = 0;  ///< recipients, by this step
  std::optional<Time> finished;
};

/// What belongs into one transaction: outcomes, the notices that they cause, and the step of the action that they are.
class Recording {
 public:
  Recording() = default;
  explicit Recording(std::vector<DeliveryRecord> outcomes) : records(std::move(outcomes)) {}

  std::vector<DeliveryRecord> records;
  std::vector<RecipientKey> warned;  ///< the sender was told of the delay of these
  std::vector<Message> notices;      ///< accepted with it, by the rules of Store::accept()
  std::optional<ActionStep> step;
  std::string pause_warned;  ///< pattern of a pause that the postmaster is told about with it; empty: none
};

/// Destinations that an admin has paused.
struct Pause {
  std::string pattern;  ///< on the destination or its host
  Time since;
  std::optional<Time> warned;  ///< when the postmaster was told that mail will expire
};

/// A small thing that the relay has learnt and that outlives a restart, by its kind and name.
struct Remembered {
  std::string kind;
  std::string name;
  std::string text;  ///< what is known; empty: forget it
};

/// Thread-safe. Operations are gathered, run in one transaction and completed after its fsync, in order.
/// Errors: Kind::full (nothing was kept, may be tried again), Kind::storage (closed; after a power cut it may turn out to have
/// been kept), Kind::invalid or Kind::refused (this operation alone cannot be: an id that exists, no recipients).
class Store {
 public:
  using Done = std::move_only_function<void(Result<void>)>;
  using DoneCount = std::move_only_function<void(Result<std::uint64_t>)>;
  using DoneCounts = std::move_only_function<void(Result<Counts>)>;

  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  /// Finishes what was submitted, then closes. Nobody may submit any more.
  virtual ~Store() = default;

  /// Message, envelope and prefix; content too unless it is a file, which must be synced already. Durable before `done`.
  /// A content file is the store's from here on: when the message is certainly not kept it is removed; when that is uncertain
  /// (Kind::storage) the next start finds out. The caller must not remove it.
  virtual void accept(Message message, Done done) = 0;
  /// Outcomes of attempts and what they cause, all of it or nothing: Kind::invalid concerns the whole of it. A message none of
  /// whose recipients waits any more is removed with its content. Records of a message or recipient that is not there, or over
  /// already, change nothing.
  virtual void record(Recording recording, Done done) = 0;
  /// Damage: the message's rows, whatever there is of them, are set aside with these words. Nothing is deleted, a content file
  /// stays. A message that is not there: nothing happens.
  virtual void quarantine(QueueId id, std::string reason, Time now, Done done) = 0;
  /// The same pattern again keeps the time since when it is paused.
  virtual void pause(Pause pause, Done done) = 0;
  /// Tells how many pauses there were with this pattern: one or none.
  virtual void resume(std::string pattern, DoneCount done) = 0;
  /// In place of what was remembered under the kind and name. Kind::refused: 100,000 of the kind are kept already.
  virtual void remember(Remembered thing, Done done) = 0;
  /// The action is durable before `done`. At most 1,000 may be unfinished (Kind::refused); those finished for more than a day are
  /// forgotten with it.
  virtual void begin_action(Action action, Done done) = 0;
  /// Kept by the writer, never count(*).
  virtual void counts(DoneCounts done) = 0;
  virtual Health health() const = 0;
};

/// How the store tells that operations are complete: all of a group in one call. The daemon posts it to the loop.
using Completions = std::vector<std::move_only_function<void()>>;
using CompletionSink = std::function<void(Completions)>;

/// What the spool may lie on: file systems that keep what was synced, or any.
enum class Medium : std::uint8_t { safe_only, any };

struct StoreOptions {
  std::string spool;                                  ///< folder; made when missing
  Medium medium = Medium::safe_only;                  ///< any: `spool_unsafe = true`
  std::string vfs;                                    ///< SQLite VFS by name; empty: the default (tests put a faulty one here)
  Disk* disk = nullptr;                               ///< for content files; null: the real one
  std::function<void(std::string_view)> fault_point;  ///< called before and after each step (tests die there)
  std::function<void(Health, std::string_view)> health_changed;  ///< on the store thread
  std::function<void(std::string_view)> migrating;  ///< called before an older database is brought up to date: that takes time
  base::Duration reopen_every{5000};                ///< how often a closed store tries to open again
};

/// Opens or makes the queue database, takes the spool's lock (refused with the other process's pid), sweeps content files
/// without a row, starts the store thread.
Result<std::unique_ptr<Store>> open_store(const StoreOptions& options, CompletionSink sink);

struct DestinationRow {
  std::string name;
  std::uint64_t recipients = 0;  ///< deferred
  Time earliest;                 ///< due time of the first of them
};

/// One message and one of its recipients, for people.
class ListRow {
 public:
  QueueId id;
  std::uint32_t index = 0;
  Time received;
  std::uint64_t size = 0;
  std::string sender;
  std::string recipient;
  State state = State::queued;
  std::uint32_t attempts = 0;
  Time next_attempt;
  std::string mx;
  std::string last_reply;
};

enum class SummaryBy : std::uint8_t { domain, mx, sender };

/// What waits, by what it has in common.
class SummaryRow {
 public:
  /// "<>" is the null reverse-path. Empty: all that have no such name (by mx: no host was asked) or found no place of their own.
  std::string name;
  std::uint64_t recipients = 0;
  std::uint64_t queued = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  Time oldest;                       ///< received
  std::optional<Time> next_attempt;  ///< of the deferred
  std::string mx;                    ///< of one that was attempted
  std::string last_reply;            ///< of the same
};

/// A message set aside.
struct QuarantinedMessage {
  QueueId id;
  Time when;
  std::string reason;
  std::string sender;
};

/// Recipients that expire soon.
struct Expiring {
  std::optional<DueRecipient> first;  ///< the one that expires first
  std::uint64_t recipients = 0;       ///< those seen
};

/// One thread at a time; opened read-only, never checkpoints, works beside a running daemon and without one.
class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  /// All destinations with deferred recipients.
  virtual Result<std::vector<DestinationRow>> destinations() = 0;
  /// Deferred recipients of a destination due until `now`, earliest first.
  virtual Result<std::vector<DueRecipient>> due(const std::string& destination, Time now, std::size_t limit) = 0;
  /// Queued recipients (never attempted) of messages with an id greater than `after`: what a crash left behind. By id; always
  /// all those of a message, so that there may be more than `limit`.
  virtual Result<std::vector<DueRecipient>> queued_after(QueueId after, std::size_t limit) = 0;
  /// Deferred or queued recipients of messages with an id greater than `after` that have expired at `now`; as queued_after().
  virtual Result<std::vector<DueRecipient>> expired(Time now, QueueId after, std::size_t limit) = 0;
  /// The whole message; content in memory or as its file. Kind::damaged when it is: a value of any of its rows makes no
  /// sense or is missing, the CRC of in-memory content is wrong, the content file is not there or has another size. All others
  /// pass on rows as they are, so that one damaged row does not hide its neighbours. Kind::invalid when there is no such message.
  virtual Result<Message> load(QueueId id) = 0;
  /// Rows with (id, index) greater than the cursor, in that order, until `limit`; those that are over only when the filter
  /// asks for their state. Reads in short transactions: each part is one state of the queue. Fewer than `limit`: there are no
  /// more. Start with QueueId() and 0.
  virtual Result<std::vector<ListRow>> list(const Filter& filter, QueueId after, std::uint32_t after_index,
                                            std::size_t limit) = 0;
  /// Every recipient of a message with its state, also those that are over.
  virtual Result<std::vector<ListRow>> recipients(QueueId id) = 0;
  /// What waits in groups, most recipients first. Names beyond 100,000 are counted in the row without a name.
  virtual Result<std::vector<SummaryRow>> summary(SummaryBy by, std::size_t limit) = 0;
  /// All there are, newest first. Kind::damaged when one makes no sense.
  virtual Result<std::vector<Action>> actions() = 0;
  virtual Result<std::vector<Pause>> pauses() = 0;
  /// All of a kind, by name.
  virtual Result<std::vector<Remembered>> remembered(std::string_view kind) = 0;
  /// Newest first.
  virtual Result<std::vector<QuarantinedMessage>> quarantined(std::size_t limit) = 0;
  /// Queued or deferred recipients whose sender was not told of a delay yet, of messages in (after, until]; as queued_after().
  virtual Result<std::vector<DueRecipient>> waiting(QueueId after, QueueId until, std::size_t limit) = 0;
  /// Deferred recipients that expire in [from, until) and whose destination the function accepts. At most 100,000 rows are
  /// looked at.
  virtual Result<Expiring> expiring(Time from, Time until, const std::function<bool(std::string_view destination)>& accepts) = 0;
  /// The newest 500,000 of those since then, oldest first.
  virtual Result<void> receipts(Time since, const std::function<void(const Receipt&)>& take) = 0;
  virtual Result<Counts> counts() = 0;
  /// The greatest id that was ever used, for QueueIdMaker.
  virtual Result<QueueId> newest_id() = 0;
};
Result<std::unique_ptr<Reader>> open_reader(const std::string& spool, std::string_view vfs = {});

}  // namespace queue

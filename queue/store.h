// The durable queue behind two interfaces: Store writes (asynchronously, in groups), Reader reads (blocking, short transactions).
// Neither shows SQL: a second kind of store is a second file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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
  std::uint64_t recipients = 0;  ///< queued, deferred or held
  std::uint64_t failed = 0;      ///< recipients kept as failed
};

/// Thread-safe. Operations are gathered, run in one transaction and completed after its fsync, in order.
/// Errors: Kind::full (nothing was kept, may be tried again), Kind::storage (closed; after a power cut it may turn out to have
/// been kept), Kind::invalid (this operation alone cannot be: an id that exists, no recipients).
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
  /// Outcomes of attempts. A message none of whose recipients is queued, deferred, held or failed is removed with its content.
  virtual void record(std::vector<DeliveryRecord> records, Done done) = 0;
  /// drop and retry work through many ids in parts: others go on meanwhile, and after an error a part may be done.
  /// Removes messages whatever their state; tells how many were there.
  virtual void drop(std::vector<QueueId> messages, DoneCount done) = 0;
  /// Makes deferred recipients (and failed ones) of these messages due now, with the attempts they have; tells how many
  /// recipients.
  virtual void retry(std::vector<QueueId> messages, Time now, DoneCount done) = 0;
  /// Kept by the writer, never count(*).
  virtual void counts(DoneCounts done) = 0;
  virtual Health health() const = 0;
};

/// How the store tells that operations are complete: all of a group in one call. The daemon posts it to the loop.
using Completions = std::vector<std::move_only_function<void()>>;
using CompletionSink = std::function<void(Completions)>;

struct StoreOptions {
  std::string spool;                                  ///< folder; made when missing
  std::string vfs;                                    ///< SQLite VFS by name; empty: the default (tests put a faulty one here)
  Disk* disk = nullptr;                               ///< for content files; null: the real one
  std::function<void(std::string_view)> fault_point;  ///< called before and after each step (tests die there)
  std::function<void(Health, std::string_view)> health_changed;  ///< on the store thread
  base::Duration reopen_every{5000};                             ///< how often a closed store tries to open again
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
  /// The whole message; content in memory or as its file. The CRC of in-memory content is checked: Kind::storage when it is
  /// wrong. Kind::invalid when there is no such message.
  virtual Result<Message> load(QueueId id) = 0;
  /// Rows with (id, index) greater than the cursor, in that order, until `limit`; delivered ones only when the filter asks for
  /// them. Fewer than `limit`: there are no more. Start with QueueId() and 0.
  virtual Result<std::vector<ListRow>> list(const Filter& filter, QueueId after, std::uint32_t after_index,
                                            std::size_t limit) = 0;
  /// Every recipient of a message with its state (also delivered and failed).
  virtual Result<std::vector<ListRow>> recipients(QueueId id) = 0;
  virtual Result<Counts> counts() = 0;
  /// The greatest id that was ever used, for QueueIdMaker.
  virtual Result<QueueId> newest_id() = 0;
};
Result<std::unique_ptr<Reader>> open_reader(const std::string& spool, std::string_view vfs = {});

}  // namespace queue

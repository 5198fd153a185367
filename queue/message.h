// The values of the queue: ids, content, messages, recipients and what became of an attempt.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "mail/envelope.h"

namespace queue {

using base::Result;
using base::Time;

/// Sorts by time, is never used again, and is read aloud as 11 characters of Crockford base 32:
/// 41 bits of milliseconds since 2020 and 14 bits of counter.
class QueueId {
 public:
  QueueId() = default;
  explicit QueueId(std::uint64_t value) : value_(value) {}
  static Result<QueueId> parse(std::string_view text);
  std::uint64_t value() const { return value_; }
  std::string to_string() const;
  /// The smallest id of that moment: ids made before it are smaller.
  static QueueId first_at(Time time);
  friend auto operator<=>(const QueueId&, const QueueId&) = default;

 private:
  std::uint64_t value_ = 0;
};

/// Makes ids, each greater than the last, whatever the clock does. Used on the loop alone.
class QueueIdMaker {
 public:
  explicit QueueIdMaker(QueueId newest_in_store) : last_(newest_in_store) {}
  QueueId next(Time now);

 private:
  QueueId last_;
};

/// What follows the prefix: small content in memory, large content in a file of the spool. Immutable, cheap to copy.
class Content {
 public:
  Content() = default;
  static Content in_memory(std::string octets);
  static Content in_file(std::string path, std::uint64_t size);
  bool is_file() const { return !path_.empty(); }
  std::string_view octets() const { return memory_ ? std::string_view(*memory_) : std::string_view(); }  ///< in memory only
  const std::string& path() const { return path_; }                                                      ///< of a file
  std::uint64_t size() const { return size_; }

 private:
  std::shared_ptr<const std::string> memory_;
  std::string path_;
  std::uint64_t size_ = 0;
};

/// Where a recipient stands in the database. "active" is not stored: only the dispatcher knows it. The last three are over: a
/// message leaves the queue when none of its recipients waits any more.
enum class State : std::uint8_t { queued = 0, deferred = 1, held = 2, delivered = 3, failed = 4, dropped = 5 };
std::string_view to_string(State state);
Result<State> parse_state(std::string_view text);
/// Queued, deferred or held.
bool waits(State state);

/// Who gave us a message: decides whom a notice about it may go to (no notice ever goes to a stranger's reverse-path).
enum class Origin : std::uint8_t {
  trusted = 0,      ///< somebody whom we relay for
  stranger = 1,     ///< anybody
  notice = 2,       ///< ourselves: a report to a sender
  last_notice = 3,  ///< ourselves, to the postmaster; nothing is ever told about it
};

/// What mail for one recipient is known by when it comes again: of its client, envelope and content.
struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// That mail was taken, as which message.
struct Receipt {
  Fingerprint fingerprint;
  QueueId message;
  Time received;
};

/// A message as it is accepted and as it is loaded for delivery.
class Message {
 public:
  QueueId id;
  Time received;
  Time expires;
  mail::Envelope envelope;  ///< the recipients' numbers in the queue are their indexes here
  /// By recipient, when they do not all expire at `expires`; else empty. Not filled by Reader::load().
  std::vector<Time> expires_of;
  mail::Client client;
  Origin origin = Origin::trusted;
  std::string message_id;  ///< Message-ID of the header, for the log
  std::string prefix;      ///< trace and signature fields, put before the content
  Content content;
  /// By recipient, when their receipts are to be kept; else empty. Not filled by Reader::load().
  std::vector<Fingerprint> fingerprints;
  /// Receipts of mail that came before are of no use any more. Not filled by Reader::load().
  Time receipts_since;
  /// Why its recipients are held from the beginning; empty: they are queued. Not filled by Reader::load().
  std::string held_for;
  std::uint32_t crc = 0;  ///< CRC-32 of prefix and content; the one who accepts computes it (content_file.h)
  std::uint64_t size() const { return prefix.size() + content.size(); }
};

/// A recipient, by its message and its number in the envelope.
struct RecipientKey {
  QueueId message;
  std::uint32_t index = 0;
  friend auto operator<=>(const RecipientKey&, const RecipientKey&) = default;
};

/// DueRecipient::sender of the null reverse-path.
constexpr std::uint32_t null_sender = 1;

/// A recipient that waits.
struct DueRecipient {
  QueueId message;
  std::uint32_t index = 0;     ///< in the envelope
  std::uint32_t attempts = 0;  ///< so far
  Time next_attempt;
  Time expires;
  std::string destination;   ///< the recipient's domain, or an address literal
  std::uint32_t sender = 0;  ///< stands for the reverse-path among those that wait; 0: not known
};

/// Whether a receiver (or the way to it) was asked.
enum class Attempted : std::uint8_t { no, yes };

/// What became of a recipient in one attempt, or by the will of an admin; written with the store's next commit.
class DeliveryRecord {
 public:
  QueueId message;
  std::uint32_t index = 0;
  State state = State::deferred;  ///< any but queued
  std::uint32_t attempts = 0;     ///< with this one; written as given
  Time when;
  Time next_attempt;            ///< of a deferred one
  std::optional<Time> expires;  ///< another time of giving up from now on
  std::string mx;               ///< host asked last, empty when none was
  std::string reply;            ///< its words, or ours
  /// `no` with neither mx nor reply: those of the last attempt stay.
  Attempted attempted = Attempted::yes;
};

}  // namespace queue

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

/// Where a recipient stands in the database. "active" is not stored: only the dispatcher knows it.
enum class State : std::uint8_t { queued = 0, deferred = 1, held = 2, delivered = 3, failed = 4 };
std::string_view to_string(State state);
Result<State> parse_state(std::string_view text);

/// A message as it is accepted and as it is loaded for delivery.
class Message {
 public:
  QueueId id;
  Time received;
  Time expires;
  mail::Envelope envelope;  ///< the recipients' numbers in the queue are their indexes here
  mail::Client client;
  std::string message_id;  ///< Message-ID of the header, for the log
  std::string prefix;      ///< trace and signature fields, put before the content
  Content content;
  std::uint32_t crc = 0;  ///< CRC-32 of prefix and content; the one who accepts computes it (content_file.h)
  std::uint64_t size() const { return prefix.size() + content.size(); }
};

/// A recipient that waits.
struct DueRecipient {
  QueueId message;
  std::uint32_t index = 0;     ///< in the envelope
  std::uint32_t attempts = 0;  ///< so far
  Time next_attempt;
  Time expires;
  std::string destination;  ///< the recipient's domain, or an address literal
};

/// What became of a recipient in one attempt; written with the store's next commit.
class DeliveryRecord {
 public:
  QueueId message;
  std::uint32_t index = 0;
  State state = State::deferred;  ///< delivered, deferred or failed
  std::uint32_t attempts = 0;     ///< with this one
  Time when;
  Time next_attempt;  ///< of a deferred one
  std::string mx;     ///< host asked last, empty when none was
  std::string reply;  ///< its words, or ours
};

}  // namespace queue

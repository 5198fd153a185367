// Mail through a store whose disk fails, and the ledger of what was promised meanwhile: shared memory that survives the death of
// the process that worked.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "queue/message.h"
#include "simulated_disk.h"

namespace crash {

/// Messages have numbers under this; the notice about one has its number and this.
inline constexpr std::uint32_t most_messages = 256;
inline constexpr std::uint32_t all_numbers = 2 * most_messages;

/// What a call of the store answered.
enum class Answer : std::uint8_t { none, done, not_kept, uncertain };

/// A call that may have been made.
struct CallLedger {
  std::atomic<bool> tried;  ///< from now on the effect may be there
  std::atomic<Answer> answer;
};

struct MessageLedger {
  std::atomic<bool> sent;  ///< from now on it may be there
  std::atomic<Answer> accepted;
  CallLedger set_aside;
  CallLedger paused;
  CallLedger resumed;
  CallLedger action_begun;
  /// Stages are recorded one after the other.
  struct Recipient {
    std::atomic<std::uint8_t> tried;  ///< so many may be there
    std::atomic<std::uint8_t> done;   ///< so many are there
    std::atomic<Answer> last;         ///< for the last one tried
  };
  std::array<Recipient, 2> recipients;
};

/// Lies in shared memory, zeroed.
struct Ledger {
  std::atomic<std::uint64_t> steps;         ///< of the disk
  std::atomic<std::uint64_t> fault_points;  ///< of the store
  std::atomic<bool> migrates;               ///< the queue was one of version 1
  std::atomic<bool> opened;
  std::atomic<bool> recovered;  ///< a last message was accepted after all faults
  std::atomic<bool> became_full;
  std::atomic<bool> became_closed;
  std::array<MessageLedger, all_numbers> messages;
};

struct Work {
  std::string spool;
  std::uint32_t messages = 24;           ///< the first that is not sent; none are in an old queue
  std::uint64_t die_at_fault_point = 0;  ///< 0: never
  bool gives_back = false;               ///< the store is left alone for a while to give space back
};

/// The plan of a message: known to the worker and to the one who checks.
std::uint32_t recipients_of(std::uint32_t number);
/// What is recorded for a recipient, one after the other.
std::vector<queue::State> stages_of(std::uint32_t number, std::uint32_t index);
bool is_large(std::uint32_t number);
bool is_set_aside(std::uint32_t number);
/// A notice is accepted with the first stage; for the failure, or for the delay of which the sender is warned.
bool has_notice(std::uint32_t number);
bool is_warned(std::uint32_t number);
std::uint32_t notice_of(std::uint32_t number);
/// The stages are the parts of an action.
bool is_of_action(std::uint32_t number);
queue::QueueId action_of(std::uint32_t number);
/// A destination is paused beside it, and resumed.
bool pauses(std::uint32_t number);
bool resumes(std::uint32_t number);
std::string pause_of(std::uint32_t number);

std::string content_of(std::uint32_t number);
queue::Message make_message(std::uint32_t number);
/// Of a recipient that is deferred in that stage.
base::Time retry_time(std::uint32_t number, std::size_t stage);

/// Opens the store on the faulty disk and sends the mail. Ends with the last message accepted, or dies on the way.
void work(const Work& work, const Plan& plan, Ledger& ledger);

}  // namespace crash

// Mail through a store whose disk fails, and the ledger of what was promised meanwhile: shared memory that survives the death of
// the process that worked.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "queue/message.h"
#include "simulated_disk.h"

namespace crash {

inline constexpr std::uint32_t most_messages = 256;

/// What a call of the store answered.
enum class Answer : std::uint8_t { none, done, not_kept, uncertain };

/// What is to become of a recipient, by the plan of its message.
enum class Fate : std::uint8_t { none, stays, delivered, deferred, failed };

struct MessageLedger {
  std::atomic<Answer> accepted;
  std::atomic<bool> drop_tried;
  std::atomic<Answer> dropped;
  struct Recipient {
    std::atomic<bool> tried;  ///< the receiver has answered; from now on the reply is known to us alone
    std::atomic<Answer> recorded;
  };
  std::array<Recipient, 2> recipients;
};

/// Lies in shared memory, zeroed.
struct Ledger {
  std::atomic<std::uint64_t> steps;         ///< of the disk
  std::atomic<std::uint64_t> fault_points;  ///< of the store
  std::atomic<bool> opened;
  std::atomic<bool> recovered;  ///< a last message was accepted after all faults
  std::atomic<bool> became_full;
  std::atomic<bool> became_closed;
  std::array<MessageLedger, most_messages> messages;
};

struct Work {
  std::string spool;
  std::uint32_t messages = 24;
  std::uint64_t die_at_fault_point = 0;  ///< 0: never
};

/// The plan of a message: known to the worker and to the one who checks.
std::uint32_t recipients_of(std::uint32_t number);
Fate fate_of(std::uint32_t number, std::uint32_t index);
bool is_dropped(std::uint32_t number);
bool is_large(std::uint32_t number);
std::string content_of(std::uint32_t number);
queue::Message make_message(std::uint32_t number);
base::Time retry_time(std::uint32_t number);

/// Opens the store on the faulty disk and sends the mail. Ends with the last message accepted, or dies on the way.
void work(const Work& work, const Plan& plan, Ledger& ledger);

}  // namespace crash

// What tests of a store share: a spool that vanishes, messages that can be told apart, and calls that wait for their completion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "queue/content_file.h"
#include "queue/store.h"

namespace store_test {

/// A folder of its own, removed at the end.
class TemporarySpool {
 public:
  TemporarySpool();
  TemporarySpool(const TemporarySpool&) = delete;
  TemporarySpool& operator=(const TemporarySpool&) = delete;
  ~TemporarySpool();
  /// The spool does not exist before a store makes it.
  std::string path() const { return folder_ + "/spool"; }

 private:
  std::string folder_;
};

/// 2026-11-24 12:00 and so many seconds.
base::Time at(std::int64_t seconds);

/// A small message of that number with recipients "r0@<first>", "r1@<second>" ...; received at(number), expires 5 days later.
queue::Message message(std::uint32_t number, const std::vector<std::string>& domains = {"example.com"});
queue::QueueId id_of(std::uint32_t number);
/// The CRC set right for prefix and content in memory.
void seal(queue::Message& message);
queue::DeliveryRecord record(std::uint32_t number, std::uint32_t index, queue::State state);
queue::DeliveryRecord deferred(std::uint32_t number, std::uint32_t index, base::Time next);

/// A store on a spool of its own, and a reader beside it.
class Queue {
 public:
  Queue() { start(); }
  void start();
  void stop();
  queue::Store& store() { return *store_; }
  queue::Reader& reader() { return *reader_; }

  TemporarySpool spool;

 private:
  std::unique_ptr<queue::Store> store_;
  std::unique_ptr<queue::Reader> reader_;
};

/// Runs completions where they are made: on the store thread.
void complete_at_once(queue::Completions completions);

base::Result<void> accept(queue::Store& store, queue::Message message);
base::Result<void> record(queue::Store& store, std::vector<queue::DeliveryRecord> records);
base::Result<void> record(queue::Store& store, queue::Recording recording);
base::Result<void> quarantine(queue::Store& store, queue::QueueId id, std::string reason, base::Time now);
base::Result<void> pause(queue::Store& store, queue::Pause pause);
base::Result<std::uint64_t> resume(queue::Store& store, std::string pattern);
base::Result<void> begin_action(queue::Store& store, queue::Action action);
queue::Counts counts(queue::Store& store);

/// The numbers of their messages.
std::vector<std::uint32_t> numbers(const std::vector<queue::DueRecipient>& recipients);
/// "name recipients earliest-in-seconds" of each destination.
std::vector<std::string> destinations(Queue& queue);
/// Told by the store and by the reader.
void check_counts(Queue& queue, std::uint64_t messages, std::uint64_t recipients, std::uint64_t held);

}  // namespace store_test

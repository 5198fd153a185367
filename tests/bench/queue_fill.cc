// Fills a spool with deferred mail through the store's own interface, and says how long that took.
//
//   queue_fill --spool FOLDER [--messages N] [--domains N] [--domain NAME] [--size OCTETS]
//
// The messages are some for each domain (d0.example, d1.example, ... or the one that is named), from several hundred senders,
// each with its own Message-ID, received within the last hours and deferred with replies of several kinds, a fifth of them unlike
// any other. One in 50 is held. What is not held is due at times spread over the next hours.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "queue/content_file.h"
#include "queue/store.h"

namespace {

constexpr std::uint64_t senders = 400;
constexpr std::uint64_t sender_domains = 40;
/// The prefix that we would have made: Received and a signature.
constexpr std::size_t prefix_size = 900;
constexpr std::size_t most_under_way = 4000;
/// Outcomes of so many messages are one recording: the more, the fewer pages of indexes are written again and again.
constexpr std::size_t recorded_at_once = 5000;
constexpr base::Duration oldest = std::chrono::hours(12);
constexpr base::Duration last_due = std::chrono::hours(6);

struct Plan {
  std::uint64_t messages = 10'000;
  std::uint64_t domains = 300;
  std::uint64_t size = 2048;
  std::string domain;
  std::string spool;
};

/// A number that looks random, the same in every run.
std::uint64_t scattered(std::uint64_t number) {
  std::uint64_t value = number + 0x9E3779B97F4A7C15U;
  value = (value ^ value >> 30U) * 0xBF58476D1CE4E5B9U;
  value = (value ^ value >> 27U) * 0x94D049BB133111EBU;
  return value ^ value >> 31U;
}

[[noreturn]] void give_up(std::string_view words) {
  fmt::print(stderr, "{}\n", words);
  std::_Exit(1);
}

class Fill {
 public:
  Fill(queue::Store& store, const Plan& plan, base::Time now)
      : store_(store),
        plan_(plan),
        now_(now),
        prefix_(prefix_size, 'p'),
        content_(queue::Content::in_memory(content_of(plan.size))) {}

  void run() {
    for (std::uint64_t number = 0; number < plan_.messages; ++number) {
      wait_for_room();
      accept(number);
      if (records_.size() == recorded_at_once) write_records();
    }
    write_records();
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ == 0; });
  }

 private:
  static std::string content_of(std::uint64_t size) {
    std::string content = "Subject: measurement\r\n\r\n";
    while (content.size() < size) content += "The quick brown fox jumps over the lazy dog, again and again.\r\n";
    return content;
  }

  std::string domain_of(std::uint64_t number) const {
    if (!plan_.domain.empty()) return plan_.domain;
    return fmt::format("d{}.example", scattered(number) % plan_.domains);
  }

  base::Time received(std::uint64_t number) const {
    const auto share = static_cast<double>(number) / static_cast<double>(plan_.messages);
    return now_ - oldest + base::Duration(static_cast<std::int64_t>(share * static_cast<double>(oldest.count())));
  }

  void accept(std::uint64_t number) {
    queue::Message message;
    message.received = received(number);
    message.id = ids_.next(message.received);
    message.expires = message.received + std::chrono::days(5);
    const std::uint64_t sender = scattered(number * 3) % senders;
    const std::string customer = fmt::format("customer{}.example", sender % sender_domains);
    message.envelope.reverse_path = mail::ReversePath(mail::Mailbox(fmt::format("user{}", sender), customer));
    message.envelope.recipients.emplace_back(
        mail::Mailbox(fmt::format("recipient.{}", scattered(number * 5) % 100'000), domain_of(number)));
    message.client.helo = "out." + customer;
    message.client.address = fmt::format("192.0.2.{}", sender % 250);
    message.client.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
    message.message_id = fmt::format("<{:016x}.{}@{}>", scattered(number * 7), number, customer);
    message.prefix = prefix_;
    message.content = content_;
    message.crc = queue::crc32(queue::crc32(0, prefix_), content_.octets());
    records_.push_back(record_of(number, message));
    store_.accept(std::move(message), [this](const base::Result<void>& result) { done(result); });
  }

  queue::DeliveryRecord record_of(std::uint64_t number, const queue::Message& message) const {
    const std::string& domain = message.envelope.recipients.front().mailbox.domain();
    queue::DeliveryRecord record;
    record.message = message.id;
    record.state = number % 50 == 7 ? queue::State::held : queue::State::deferred;
    record.attempts = 1 + static_cast<std::uint32_t>(scattered(number * 11) % 9);
    record.when = message.received;
    record.next_attempt =
        now_ + base::Duration(static_cast<std::int64_t>(scattered(number * 13) % static_cast<std::uint64_t>(last_due.count())));
    record.mx = fmt::format("mx{}.{}", number % 2, domain);
    const std::string address = message.envelope.recipients.front().mailbox.to_string();
    switch (scattered(number * 17) % 10) {
      case 0:
        record.reply = fmt::format("450 4.2.0 <{}>: Recipient address rejected: Greylisted for 300 seconds", address);
        break;
      case 1:
        record.reply = fmt::format("421 4.7.28 unusual rate of mail, please slow down {:x} - gsmtp", scattered(number));
        break;
      case 2:
      case 3: record.reply = "452 4.2.2 The recipient's mailbox is over its quota, please try again later"; break;
      case 4: record.reply = "451 4.3.0 Temporary lookup failure"; break;
      default: record.reply = "connect: Connection refused"; break;
    }
    return record;
  }

  void write_records() {
    wait_for_room();
    store_.record(queue::Recording(std::exchange(records_, {})), [this](const base::Result<void>& result) { done(result); });
  }

  void wait_for_room() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ < most_under_way; });
    ++under_way_;
  }

  void done(const base::Result<void>& result) {
    if (!result) give_up(result.error().words);
    const std::scoped_lock lock(mutex_);
    --under_way_;
    room_.notify_one();
  }

  queue::Store& store_;
  const Plan& plan_;
  const base::Time now_;
  const std::string prefix_;
  const queue::Content content_;
  queue::QueueIdMaker ids_{queue::QueueId()};
  std::vector<queue::DeliveryRecord> records_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t under_way_ = 0;
};

bool set(Plan& plan, const std::string& name, const std::string& value) {
  if (name == "--spool" || name == "--domain") {
    (name == "--spool" ? plan.spool : plan.domain) = value;
    return true;
  }
  const std::map<std::string, std::uint64_t Plan::*> numbers = {
      {"--messages", &Plan::messages}, {"--domains", &Plan::domains}, {"--size", &Plan::size}};
  const auto found = numbers.find(name);
  const auto number = base::parse_number(value);
  if (found == numbers.end() || !number || *number == 0) return false;
  plan.*found->second = *number;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && set(plan, argv[i], argv[i + 1])) continue;
    fmt::print(stderr, "cannot use {}\n", argv[i]);
    return 2;
  }
  if (plan.spool.empty()) {
    fmt::print(stderr, "--spool is needed\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  queue::StoreOptions options;
  options.spool = plan.spool;
  auto store = queue::open_store(options, [](queue::Completions completions) {
    for (auto& completion : completions) completion();
  });
  if (!store) give_up(store.error().words);
  Fill(**store, plan, base::now()).run();
  store->reset();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} messages of {} octets in {:.1f} s\n", plan.messages, plan.size, took.count());
  return 0;
}

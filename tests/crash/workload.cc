// The worker.
#include "workload.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "fault_vfs.h"
#include "faulty_disk.h"
#include "queue/content_file.h"
#include "queue/store.h"

namespace crash {
namespace {

using queue::State;

constexpr std::uint32_t kinds = 8;
/// Content goes to a file by its number here, not by its size: small files find the same faults sooner.
constexpr std::size_t large_size = 20000;
constexpr std::size_t piece_size = 8U << 10U;
/// Messages under way at once, so that groups form.
constexpr std::uint32_t under_way_limit = 5;

Answer answer_of(const base::Result<void>& result) {
  if (result) return Answer::done;
  return result.error().kind == base::Kind::storage ? Answer::uncertain : Answer::not_kept;
}

State state_of(Fate fate) {
  if (fate == Fate::delivered) return State::delivered;
  return fate == Fate::failed ? State::failed : State::deferred;
}

/// Sends messages as their plans say; follow-ups are submitted from completions, as the daemon does.
class Worker {
 public:
  Worker(queue::Store& store, queue::Disk& disk, std::string spool, Ledger& ledger)
      : store_(store), disk_(disk), spool_(std::move(spool)), ledger_(ledger) {}

  void send(std::uint32_t number) {
    queue::Message message = make_message(number);
    if (is_large(number)) {
      auto content = write_content(message.id, content_of(number));
      if (!content) {
        ledger_.messages[number].accepted = Answer::not_kept;
        return;
      }
      message.content = std::move(*content);
    }
    begin_one();
    store_.accept(std::move(message), [this, number](const base::Result<void>& result) {
      ledger_.messages[number].accepted = answer_of(result);
      if (result) follow_up(number);
      end_one();
    });
  }

  void wait_for_all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
  }

 private:
  base::Result<queue::Content> write_content(queue::QueueId id, std::string_view octets) {
    auto writer = queue::ContentWriter::create(disk_, spool_, id);
    if (!writer) return std::unexpected(writer.error());
    for (; !octets.empty(); octets.remove_prefix(std::min(octets.size(), piece_size))) {
      if (auto written = writer->append(octets.substr(0, piece_size)); !written) return std::unexpected(written.error());
    }
    return writer->finish();
  }

  void follow_up(std::uint32_t number) {
    if (is_dropped(number)) return drop(number);
    std::vector<queue::DeliveryRecord> records;
    for (std::uint32_t index = 0; index < recipients_of(number); ++index) {
      const Fate fate = fate_of(number, index);
      if (fate == Fate::stays) continue;
      queue::DeliveryRecord record;
      record.message = make_message(number).id;
      record.index = index;
      record.state = state_of(fate);
      record.attempts = 1;
      record.next_attempt = retry_time(number);
      record.mx = "mx.example.com";
      record.reply = "451 try later " + std::to_string(number % 3);
      records.push_back(std::move(record));
      ledger_.messages[number].recipients[index].tried = true;
    }
    if (records.empty()) return;
    begin_one();
    store_.record(records, [this, number, records](const base::Result<void>& result) {
      for (const auto& record : records) ledger_.messages[number].recipients[record.index].recorded = answer_of(result);
      end_one();
    });
  }

  void drop(std::uint32_t number) {
    ledger_.messages[number].drop_tried = true;
    begin_one();
    store_.drop({make_message(number).id}, [this, number](const base::Result<std::uint64_t>& result) {
      base::Result<void> answer;
      if (!result) answer = std::unexpected(result.error());
      ledger_.messages[number].dropped = answer_of(answer);
      end_one();
    });
  }

  // A follow-up is never held back: its completion runs on the store thread, which must not wait for itself.
  void begin_one() {
    std::unique_lock lock(mutex_);
    if (std::this_thread::get_id() == sender_) changed_.wait(lock, [this] { return under_way_ < under_way_limit; });
    ++under_way_;
  }
  void end_one() {
    const std::scoped_lock lock(mutex_);
    --under_way_;
    changed_.notify_all();
  }

  queue::Store& store_;
  queue::Disk& disk_;
  const std::string spool_;
  Ledger& ledger_;
  const std::thread::id sender_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t under_way_ = 0;
};

queue::StoreOptions store_options(const Work& work, queue::Disk& disk, Ledger& ledger) {
  queue::StoreOptions options;
  options.spool = work.spool;
  options.medium = queue::Medium::any;
  options.vfs = fault_vfs_name;
  options.disk = &disk;
  options.reopen_every = std::chrono::milliseconds(2);
  options.fault_point = [&ledger, die_at = work.die_at_fault_point](std::string_view) {
    if (ledger.fault_points.fetch_add(1) + 1 == die_at) std::_Exit(death_code);
  };
  options.health_changed = [&ledger](queue::Health health, std::string_view) {
    if (health == queue::Health::full) ledger.became_full = true;
    if (health == queue::Health::closed) ledger.became_closed = true;
  };
  return options;
}

/// At start a failing disk is an error that the admin sees; a service manager tries again.
std::unique_ptr<queue::Store> open_until_it_works(const queue::StoreOptions& options) {
  for (int i = 0; i < 1000; ++i) {
    auto store = queue::open_store(options, [](queue::Completions completions) {
      for (auto& completion : completions) completion();
    });
    if (store) return std::move(*store);
  }
  return nullptr;
}

}  // namespace

std::uint32_t recipients_of(std::uint32_t number) { return number % kinds == 3 ? 2 : 1; }

Fate fate_of(std::uint32_t number, std::uint32_t index) {
  if (index >= recipients_of(number)) return Fate::none;
  switch (number % kinds) {
    case 0:
    case 2: return Fate::delivered;
    case 1:
    case 7: return Fate::deferred;
    case 3: return index == 0 ? Fate::delivered : Fate::deferred;
    case 4: return Fate::failed;
    default: return Fate::stays;
  }
}

bool is_dropped(std::uint32_t number) { return number % kinds == 6; }

bool is_large(std::uint32_t number) { return number % kinds == 2 || number % kinds == 7; }

std::string content_of(std::uint32_t number) {
  std::string content = "Subject: " + std::to_string(number) + "\r\n\r\n";
  content.append(is_large(number) ? large_size : std::size_t{number} * 50, static_cast<char>('a' + number % 26));
  return content;
}

queue::Message make_message(std::uint32_t number) {
  queue::Message message;
  message.received = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::seconds(number);
  message.id = queue::QueueId::first_at(message.received);
  message.expires = message.received + std::chrono::days(5);
  message.envelope.reverse_path = mail::ReversePath(mail::Mailbox("sender", "sender.example"));
  for (std::uint32_t i = 0; i < recipients_of(number); ++i) {
    message.envelope.recipients.emplace_back(mail::Mailbox("r" + std::to_string(number), i == 0 ? "a.example" : "b.example"));
  }
  message.prefix = "Received: " + std::to_string(number) + "\r\n";
  message.content = queue::Content::in_memory(is_large(number) ? std::string() : content_of(number));
  message.crc = queue::crc32(queue::crc32(0, message.prefix), content_of(number));
  return message;
}

base::Time retry_time(std::uint32_t number) { return make_message(number).received + std::chrono::minutes(5); }

void work(const Work& work, const Plan& plan, Ledger& ledger) {
  SimulatedDisk::instance().follow(plan, &ledger.steps);
  const auto disk = make_faulty_disk();
  auto store = open_until_it_works(store_options(work, *disk, ledger));
  if (!store) return;
  ledger.opened = true;
  {
    Worker worker(*store, *disk, work.spool, ledger);
    for (std::uint32_t number = 1; number < work.messages; ++number) worker.send(number);
    worker.wait_for_all();
    // Small and without a follow-up; a number of its own for each try.
    for (std::uint32_t number = work.messages; number < most_messages && !ledger.recovered; ++number) {
      if (number % kinds != 5) continue;
      worker.send(number);
      worker.wait_for_all();
      ledger.recovered = ledger.messages[number].accepted == Answer::done;
      if (!ledger.recovered) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  store.reset();
}

}  // namespace crash

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

constexpr std::uint32_t kinds = 12;
/// Content goes to a file by its number here, not by its size: small files find the same faults sooner.
constexpr std::size_t large_size = 20000;
constexpr std::size_t piece_size = 8U << 10U;
/// Messages under way at once, so that groups form.
constexpr std::uint32_t under_way_limit = 5;

template <class Value>
Answer answer_of(const base::Result<Value>& result) {
  if (result) return Answer::done;
  return result.error().kind == base::Kind::storage ? Answer::uncertain : Answer::not_kept;
}

/// Sends messages as their plans say; follow-ups are submitted from completions, as the daemon does.
class Worker {
 public:
  Worker(queue::Store& store, queue::Disk& disk, std::string spool, Ledger& ledger)
      : store_(store), disk_(disk), spool_(std::move(spool)), ledger_(ledger) {}

  void send(std::uint32_t number) {
    ledger_.messages[number].sent = true;
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
    if (pauses(number)) pause(number);
    if (is_set_aside(number)) return set_aside(number);
    if (is_of_action(number)) return begin_action(number);
    record(number, 0);
  }

  /// And then the next stage.
  void record(std::uint32_t number, std::size_t stage) {
    queue::Recording recording;
    for (std::uint32_t index = 0; index < recipients_of(number); ++index) {
      if (stages_of(number, index).size() <= stage) continue;
      recording.records.push_back(record_of(number, index, stage));
      ledger_.messages[number].recipients[index].last = Answer::none;
      ledger_.messages[number].recipients[index].tried = static_cast<std::uint8_t>(stage + 1);
    }
    if (recording.records.empty()) return;
    const bool with_notice = stage == 0 && has_notice(number);
    if (with_notice) {
      recording.notices.push_back(make_message(notice_of(number)));
      ledger_.messages[notice_of(number)].sent = true;
    }
    if (stage == 0 && is_warned(number)) recording.warned.push_back({make_message(number).id, 0});
    if (is_of_action(number)) recording.step = step_of(number, stage);
    begin_one();
    store_.record(recording, [this, number, stage, with_notice, recording](const base::Result<void>& result) {
      for (const auto& record : recording.records) {
        auto& recipient = ledger_.messages[number].recipients[record.index];
        if (result) recipient.done = static_cast<std::uint8_t>(stage + 1);
        recipient.last = answer_of(result);
      }
      if (with_notice) ledger_.messages[notice_of(number)].accepted = answer_of(result);
      if (result) record(number, stage + 1);
      end_one();
    });
  }

  static queue::DeliveryRecord record_of(std::uint32_t number, std::uint32_t index, std::size_t stage) {
    queue::DeliveryRecord record;
    record.message = make_message(number).id;
    record.index = index;
    record.state = stages_of(number, index)[stage];
    record.attempts = 1;
    record.next_attempt = retry_time(number, stage);
    if (stage > 0) {
      record.attempted = queue::Attempted::no;
    } else {
      record.mx = "mx.example.com";
      record.reply = "451 try later " + std::to_string(number % 3);
    }
    return record;
  }

  static queue::ActionStep step_of(std::uint32_t number, std::size_t stage) {
    queue::ActionStep step;
    step.action = action_of(number);
    step.done = {make_message(number).id, 0};
    step.touched = 1;
    if (stages_of(number, 0).size() == stage + 1) step.finished = make_message(number).received;
    return step;
  }

  /// For a call that nothing else depends on: the completion that notes the answer.
  template <class Value>
  auto noting(CallLedger& call) {
    call.tried = true;
    begin_one();
    return [this, &call](const base::Result<Value>& result) {
      call.answer = answer_of(result);
      end_one();
    };
  }

  void set_aside(std::uint32_t number) {
    const queue::Message message = make_message(number);
    store_.quarantine(message.id, "damaged", message.received, noting<void>(ledger_.messages[number].set_aside));
  }

  void pause(std::uint32_t number) {
    MessageLedger& ledger = ledger_.messages[number];
    store_.pause({pause_of(number), make_message(number).received, std::nullopt}, noting<void>(ledger.paused));
    if (resumes(number)) store_.resume(pause_of(number), noting<std::uint64_t>(ledger.resumed));
  }

  void begin_action(std::uint32_t number) {
    queue::Action action;
    action.id = action_of(number);
    action.deed = queue::Deed::hold;
    action.until = make_message(number).id;
    action.begun = make_message(number).received;
    ledger_.messages[number].action_begun.tried = true;
    begin_one();
    store_.begin_action(action, [this, number](const base::Result<void>& result) {
      ledger_.messages[number].action_begun.answer = answer_of(result);
      if (result) record(number, 0);
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

/// Until the disk has been quiet for longer than the store pauses between two steps of its housekeeping.
void wait_for_quiet(const Ledger& ledger) {
  std::uint64_t steps = 0;
  do {
    steps = ledger.steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  } while (ledger.steps != steps);
}

}  // namespace

std::uint32_t recipients_of(std::uint32_t number) { return number % kinds == 3 ? 2 : 1; }

std::vector<State> stages_of(std::uint32_t number, std::uint32_t index) {
  if (number >= most_messages || index >= recipients_of(number)) return {};
  switch (number % kinds) {
    case 0:
    case 2: return {State::delivered};
    case 1:
    case 7:
    case 9: return {State::deferred};
    case 3: return {index == 0 ? State::delivered : State::deferred};
    case 4: return {State::failed};
    case 6: return {State::deferred, State::dropped};
    case 8: return {State::deferred, State::held};
    case 10: return {State::held, State::deferred};
    default: return {};
  }
}

bool is_large(std::uint32_t number) {
  return number < most_messages && (number % kinds == 2 || number % kinds == 7 || number % kinds == 11);
}
bool is_set_aside(std::uint32_t number) { return number < most_messages && number % kinds == 11; }
bool has_notice(std::uint32_t number) { return number < most_messages && (number % kinds == 4 || number % kinds == 9); }
bool is_warned(std::uint32_t number) { return number < most_messages && number % kinds == 9; }
std::uint32_t notice_of(std::uint32_t number) { return most_messages + number; }
bool is_of_action(std::uint32_t number) { return number < most_messages && number % kinds == 10; }
queue::QueueId action_of(std::uint32_t number) { return queue::QueueId(make_message(number).id.value() + 1); }
bool pauses(std::uint32_t number) { return number < most_messages && (number % kinds == 1 || number % kinds == 7); }
bool resumes(std::uint32_t number) { return pauses(number) && number % kinds == 7; }
std::string pause_of(std::uint32_t number) { return "paused-" + std::to_string(number) + ".example"; }

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
  if (number >= most_messages) message.origin = queue::Origin::notice;
  message.prefix = "Received: " + std::to_string(number) + "\r\n";
  message.content = queue::Content::in_memory(is_large(number) ? std::string() : content_of(number));
  message.crc = queue::crc32(queue::crc32(0, message.prefix), content_of(number));
  return message;
}

base::Time retry_time(std::uint32_t number, std::size_t stage) {
  return make_message(number).received + std::chrono::minutes(5 + stage);
}

void work(const Work& work, const Plan& plan, Ledger& ledger) {
  SimulatedDisk::instance().follow(plan, &ledger.steps);
  const auto disk = make_faulty_disk();
  auto store = open_until_it_works(store_options(work, *disk, ledger));
  if (!store) return;
  ledger.opened = true;
  {
    Worker worker(*store, *disk, work.spool, ledger);
    for (std::uint32_t number = 1; number < work.messages && !ledger.migrates; ++number) worker.send(number);
    worker.wait_for_all();
    if (work.gives_back) wait_for_quiet(ledger);
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

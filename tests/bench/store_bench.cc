// How fast the store accepts messages and records their delivery: messages a second, CPU and fsyncs per message.
//
//   store_bench [--messages N] [--in-flight N] [--size OCTETS] [--backlog N] [--outcome delivered|deferred] [--spool FOLDER]
//
// Each message is accepted and, as soon as that is durable, its outcome is recorded; so many are under way at once. A backlog of
// deferred messages lies in the queue from the beginning.
#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/text.h"
#include "queue/content_file.h"
#include "queue/store.h"

namespace {

std::atomic<std::uint64_t> syncs{0};

using SyncCall = int (*)(int);

SyncCall next_call(const char* name) {
  void* const symbol = ::dlsym(RTLD_NEXT, name);
  return reinterpret_cast<SyncCall>(symbol);
}

}  // namespace

// Counts the calls of SQLite and of ours, then makes them.
extern "C" int fsync(int fd) {
  static const SyncCall next = next_call("fsync");
  syncs.fetch_add(1);
  return next(fd);
}

extern "C" int fdatasync(int fd) {
  static const SyncCall next = next_call("fdatasync");
  syncs.fetch_add(1);
  return next(fd);
}

namespace {

struct Plan {
  std::uint64_t messages = 50000;
  std::uint64_t in_flight = 100;
  std::uint64_t size = 2048;
  std::uint64_t backlog = 0;
  queue::State outcome = queue::State::delivered;
  std::string spool;
};

/// Counts what is under way; all callbacks come on the store thread.
class Load {
 public:
  Load(queue::Store& store, const Plan& plan) : store_(store), plan_(plan), body_(plan.size, 'x') {}

  void run(std::uint64_t messages, queue::State outcome) {
    outcome_ = outcome;
    for (std::uint64_t i = 0; i < messages; ++i) {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return under_way_ < plan_.in_flight; });
      ++under_way_;
      lock.unlock();
      accept_one();
    }
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return under_way_ == 0; });
  }

 private:
  void accept_one() {
    queue::Message message;
    message.id = ids_.next(base::now());
    message.received = base::now();
    message.expires = message.received + std::chrono::days(5);
    message.envelope.reverse_path = mail::ReversePath(mail::Mailbox("someone", "sender.example"));
    const std::string domain = fmt::format("d{}.example.com", message.id.value() % 1000);
    message.envelope.recipients.emplace_back(mail::Mailbox("recipient", domain));
    message.client.helo = "client.example";
    message.client.address = "192.0.2.7";
    message.message_id = fmt::format("<{}@sender.example>", message.id.to_string());
    message.prefix = std::string(900, 'p');
    message.content = queue::Content::in_memory(body_);
    message.crc = queue::crc32(queue::crc32(0, message.prefix), body_);
    const queue::QueueId id = message.id;
    store_.accept(std::move(message), [this, id](const base::Result<void>& result) {
      check(result);
      record_one(id);
    });
  }

  void record_one(queue::QueueId id) {
    queue::DeliveryRecord record;
    record.message = id;
    record.state = outcome_;
    record.attempts = 1;
    record.next_attempt = base::now() + std::chrono::minutes(5 + static_cast<int>(id.value() % 100));
    record.mx = "mx.example.com";
    record.reply = "451 4.7.1 greylisted, try again later";
    store_.record(queue::Recording({record}), [this](const base::Result<void>& result) {
      check(result);
      const std::scoped_lock lock(mutex_);
      --under_way_;
      room_.notify_one();
    });
  }

  static void check(const base::Result<void>& result) {
    if (result) return;
    fmt::print(stderr, "{}\n", result.error().words);
    std::_Exit(1);
  }

  queue::Store& store_;
  const Plan& plan_;
  const std::string body_;
  queue::State outcome_ = queue::State::delivered;
  queue::QueueIdMaker ids_{queue::QueueId()};
  std::mutex mutex_;
  std::condition_variable room_;
  std::uint64_t under_way_ = 0;
};

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void measure(const Plan& plan) {
  const auto begin_open = std::chrono::steady_clock::now();
  queue::StoreOptions options;
  options.spool = plan.spool;
  options.medium = queue::Medium::any;
  auto store = queue::open_store(options, [](queue::Completions completions) {
    for (auto& completion : completions) completion();
  });
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().words);
    std::exit(1);
  }
  const std::chrono::duration<double> opening = std::chrono::steady_clock::now() - begin_open;
  Load load(**store, plan);
  if (plan.backlog > 0) load.run(plan.backlog, queue::State::deferred);
  const double cpu = cpu_seconds();
  const std::uint64_t synced = syncs.load();
  const auto begin = std::chrono::steady_clock::now();
  load.run(plan.messages, plan.outcome);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto count = static_cast<double>(plan.messages);
  fmt::print(
      "{} messages of {} octets, {} under way, backlog {}: {:.0f} a second, {:.1f} us CPU and {:.3f} fsyncs each, opened in "
      "{:.1f} ms\n",
      plan.messages, plan.size, plan.in_flight, plan.backlog, count / took.count(), (cpu_seconds() - cpu) / count * 1e6,
      static_cast<double>(syncs.load() - synced) / count, opening.count() * 1e3);
}

bool set(Plan& plan, const std::string& name, const std::string& value) {
  if (name == "--spool") {
    plan.spool = value;
    return true;
  }
  if (name == "--outcome") {
    const auto state = queue::parse_state(value);
    if (state) plan.outcome = *state;
    return state.has_value();
  }
  const std::map<std::string, std::uint64_t Plan::*> numbers = {
      {"--messages", &Plan::messages}, {"--in-flight", &Plan::in_flight}, {"--size", &Plan::size}, {"--backlog", &Plan::backlog}};
  const auto found = numbers.find(name);
  const auto number = base::parse_number(value);
  if (found == numbers.end() || !number) return false;
  plan.*found->second = *number;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (set(plan, argv[i], argv[i + 1])) continue;
    fmt::print(stderr, "cannot use {} {}\n", argv[i], argv[i + 1]);
    return 2;
  }
  if (!plan.spool.empty()) {
    measure(plan);
    return 0;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "mailferry-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  plan.spool = folder + "/spool";
  measure(plan);
  std::filesystem::remove_all(folder);
  return 0;
}

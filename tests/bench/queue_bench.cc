// What a full queue costs: start, memory, answers, accepts, bulk actions, a destination that never answers, the drain.
//
//   queue_bench --mailferry BINARY --fill BINARY [--messages N] [--domains N] [--folder FOLDER]
//
// Fills a spool, then asks the real relay and its command line over it. Each line is a figure with its aim, "ok" or "MISSED"; the
// last one counts them. The destinations' hosts are down until the drain. Aims that are ratios are taken in the same run.
#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp is POSIX

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "measured_relay.h"
#include "tests/load/loopback.h"

namespace {

using bench::Clock;
using bench::give_up;
using bench::Ran;
using bench::Relay;
using bench::Report;
using bench::seconds_since;

constexpr std::uint64_t sessions = 20;
constexpr std::uint64_t small_message = 2048;
constexpr std::uint64_t large_message = 45U << 20U;

struct Plan {
  std::string mailferry;
  std::string fill;
  std::uint64_t messages = 1'000'000;
  std::uint64_t domains = 20'000;
  std::string folder;
};

std::string domain_of(std::uint64_t number, std::uint64_t domains) { return fmt::format("fresh{}.example", number % domains); }

/// Accepted messages a second over 20 sessions; each to one of many domains.
double accept_rate(const Relay& relay, std::uint64_t messages, std::uint64_t domains) {
  std::atomic<std::uint64_t> next{0};
  const auto start = Clock::now();
  std::vector<std::thread> clients;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    clients.emplace_back([&] {
      auto client = load::Client::open(relay.port());
      if (!client) give_up("cannot connect to the relay");
      for (std::uint64_t number = next++; number < messages; number = next++) {
        const auto reply = client->send(number, small_message, domain_of(number, domains));
        if (!reply || !reply->starts_with("250")) give_up("not accepted: " + reply.value_or("the relay hung up"));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  return static_cast<double>(messages) / seconds_since(start);
}

/// One session that sends message after message until it is stopped: how long each took.
class Probe {
 public:
  explicit Probe(const Relay& relay) : thread_([this, &relay] { run(relay); }) {}
  ~Probe() { finish(); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  /// Milliseconds, sorted.
  std::vector<double> finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    std::ranges::sort(times_);
    return times_;
  }

 private:
  void run(const Relay& relay) {
    auto client = load::Client::open(relay.port());
    if (!client) give_up("cannot connect to the relay");
    for (std::uint64_t number = 0; !stop_; ++number) {
      const auto start = Clock::now();
      const auto reply = client->send(number, small_message, "probe.example");
      if (!reply || !reply->starts_with("250")) give_up("not accepted: " + reply.value_or("the relay hung up"));
      times_.push_back(seconds_since(start) * 1000);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  std::atomic<bool> stop_{false};
  std::vector<double> times_;
  std::thread thread_;
};

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

void measure_answers(const Relay& relay, Report& report) {
  for (const char* by : {"domain", "mx", "sender"}) {
    report.at_most(fmt::format("queue summary --by {}", by), relay.command({"queue", "summary", "--by", by}).seconds, 1, "s");
  }
  const Ran first = relay.command({"queue", "list", "--limit", "1", "--older", "1m", "--json"});
  const std::size_t at = first.output.find("\"id\":\"");
  const std::string id = at == std::string::npos ? "" : first.output.substr(at + 6, 11);
  const std::vector<std::pair<std::string, std::string>> filters = {{"--id", id},
                                                                    {"--from", "nobody@nowhere.example"},
                                                                    {"--to", "nobody@nowhere.example"},
                                                                    {"--to", "*7@*"},
                                                                    {"--domain", "*9.*"},
                                                                    {"--domain", "nowhere.example"},
                                                                    {"--state", "deferred"},
                                                                    {"--state", "held"},
                                                                    {"--state", "active"},
                                                                    {"--older", "30d"},
                                                                    {"--newer", "1m"},
                                                                    {"--mx", "nowhere.*"},
                                                                    {"--message-id", "x@y"}};
  for (const auto& [name, value] : filters) {
    const Ran ran = relay.command({"queue", "list", "--limit", "50", name, value});
    report.at_most(fmt::format("queue list --limit 50 {} {}", name, value), ran.seconds, 0.5, "s");
  }
  for (const char* text : {"no such words anywhere", "4"}) {
    report.at_most(fmt::format("queue list --limit 50 --reply '{}'", text),
                   relay.command({"queue", "list", "--limit", "50", "--reply", text}).seconds, 3, "s");
  }
}

/// What a session waits for its 250 while nothing else is done, sorted, milliseconds.
std::vector<double> quiet_accepts(const Relay& relay) {
  auto quiet = Probe(relay);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  return quiet.finish();
}

/// Holds and releases everything while one session sends.
void measure_bulk(const Relay& relay, Report& report, const std::vector<double>& before) {
  for (const char* deed : {"hold", "release"}) {
    auto probe = Probe(relay);
    const auto start = Clock::now();
    const std::string state = std::string(deed) == "hold" ? "deferred" : "held";
    const Ran ran = relay.command({"queue", deed, "--yes", "--state", state});
    report.at_most(fmt::format("queue {} of everything answers", deed), ran.seconds, 1.2, "s");
    while (relay.command({"status", "--json"}).output.find("\"actions\":[]") == std::string::npos) {
      if (seconds_since(start) > 600) give_up("the action does not end");
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    Report::tell(fmt::format("queue {} of everything is through", deed), seconds_since(start), "s");
    const auto during = probe.finish();
    report.at_most(fmt::format("a {} delays accepts, 99 of 100, by", deed), percentile(during, 0.99) - percentile(before, 0.99),
                   50, "ms");
    Report::tell("  the slowest accept without it", before.back(), "ms");
    Report::tell("  the slowest accept meanwhile", during.back(), "ms");
  }
}

/// Several, since a checkpoint of what came before may fall among them.
void measure_writes(const Relay& relay, Report& report) {
  constexpr std::uint64_t count = 4;
  auto client = load::Client::open(relay.port());
  if (!client) give_up("cannot connect to the relay");
  const double before = relay.written();
  for (std::uint64_t number = 1; number <= count; ++number) {
    const auto reply = client->send(number, large_message, "large.example");
    if (!reply || !reply->starts_with("250")) give_up("the large message was not accepted");
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double written = relay.written() - before;
  report.at_most("written per octet of a large message", written / static_cast<double>(count * large_message), 1.2, "");
}

/// One destination holds half of the queue and accepts connections without ever saying a word.
void measure_silence(const Relay& relay, Report& report, const load::Sink& sink) {
  if (relay.command({"queue", "retry", "--yes", "--domain", "silent.example"}).code != 0) give_up("queue retry fails");
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const std::uint64_t expected = sink.messages();
  auto client = load::Client::open(relay.port());
  if (!client) give_up("cannot connect to the relay");
  double slowest = 0;
  for (std::uint64_t number = 1; number <= 50; ++number) {
    const auto start = Clock::now();
    if (!client->send(number, small_message, fmt::format("awake{}.example", number))) give_up("the relay hung up");
    while (sink.messages() < expected + number && seconds_since(start) < 30)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    slowest = std::max(slowest, seconds_since(start));
  }
  report.at_most("slowest delivery beside a silent destination", slowest, 1, "s");
}

void measure_drain(const Relay& relay, Report& report, const load::Sink& sink, double full_rate, std::uint64_t messages) {
  const std::uint64_t before = sink.messages();
  if (relay.command({"queue", "retry", "--yes", "--domain", "*"}).code != 0) give_up("queue retry fails");
  const auto start = Clock::now();
  std::uint64_t last = 0;
  auto last_change = Clock::now();
  while (sink.messages() - before < messages && seconds_since(last_change) < 30) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (std::exchange(last, sink.messages()) != last) last_change = Clock::now();
  }
  const double delivered = static_cast<double>(sink.messages() - before);
  report.at_least("part of the queue that was delivered", delivered / static_cast<double>(messages), 1, "");
  const double rate = delivered / std::chrono::duration<double>(last_change - start).count();
  Report::tell("drain", rate, "/s");
  report.at_least("drain against accept, sign and deliver at once", rate / full_rate, 0.9, "");
  report.at_most("memory after the drain", relay.memory(), 150, "MiB");
}

/// Space comes back in small steps beside the work, which must not notice; 10 MiB a second is little.
void measure_space(const Relay& relay, Report& report, double size_before, const std::vector<double>& quiet) {
  const auto start = Clock::now();
  const double patience = 60 + size_before / 10;
  auto probe = Probe(relay);
  std::optional<double> given_back;
  while (seconds_since(start) < 10 || (!given_back && seconds_since(start) < patience)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!given_back && relay.database_size() <= std::max(size_before / 4, 64.0)) given_back = seconds_since(start);
  }
  const auto during = probe.finish();
  report.at_most("giving space back delays accepts, 99 of 100, by", percentile(during, 0.99) - percentile(quiet, 0.99), 50, "ms");
  Report::tell("  the slowest accept meanwhile", during.back(), "ms");
  report.at_most("space is given back in", given_back.value_or(patience), patience, "s");
  Report::tell("space of the queue kept after the drain", relay.database_size(), "MiB");
}

/// Messages accepted, signed and delivered a second, by a relay with an empty queue.
double end_to_end_rate(const Plan& plan, std::uint64_t messages) {
  const load::Sink sink(0);
  Relay relay(plan.mailferry, plan.folder + "/awake", sink.port(), sink.port());
  relay.start();
  const auto start = Clock::now();
  accept_rate(relay, messages, plan.domains);
  while (sink.messages() < messages) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return static_cast<double>(messages) / seconds_since(start);
}

Plan parse(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--mailferry")
      plan.mailferry = value;
    else if (name == "--fill")
      plan.fill = value;
    else if (name == "--messages")
      plan.messages = std::stoull(value);
    else if (name == "--domains")
      plan.domains = std::stoull(value);
    else if (name == "--folder")
      plan.folder = value;
    else
      give_up("unknown option " + name);
  }
  if (plan.mailferry.empty() || plan.fill.empty()) give_up("--mailferry and --fill are needed");
  return plan;
}

int measure(const Plan& plan) {
  Report report;
  const std::uint64_t some = std::clamp<std::uint64_t>(plan.messages / 50, 2000, 10'000);
  const std::uint16_t hosts_port = load::free_port();
  std::uint16_t silent_port = 0;
  const base::Fd silent = load::listen_on(0, silent_port);
  const double full_rate = end_to_end_rate(plan, some);
  Report::tell("accept, sign and deliver at once, empty queue", full_rate, "/s");
  double empty_rate = 0;
  {
    Relay empty(plan.mailferry, plan.folder + "/empty", hosts_port, silent_port);
    empty.start();
    accept_rate(empty, some / 4, plan.domains);
    const double before = empty.written();
    empty_rate = accept_rate(empty, some, plan.domains);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    Report::tell("written per 2 KiB message, accept and first deferral",
                 (empty.written() - before) / static_cast<double>(some) / 1024, "KiB");
    measure_writes(empty, report);
  }
  Relay relay(plan.mailferry, plan.folder + "/full", hosts_port, silent_port);
  const Ran filled = bench::run({plan.fill, "--spool", relay.spool(), "--messages", std::to_string(plan.messages), "--domains",
                                 std::to_string(plan.domains), "--size", std::to_string(small_message)},
                                plan.folder + "/fill.log");
  if (filled.code != 0) give_up("the spool was not filled");
  Report::tell("filled", filled.seconds, "s");
  report.at_most("ready with the full queue", relay.start(), 1, "s");
  measure_answers(relay, report);
  report.at_most("memory", relay.memory(), 150, "MiB");
  accept_rate(relay, some / 4, plan.domains);
  const double rate = accept_rate(relay, some, plan.domains);
  Report::tell("accepted with the empty queue", empty_rate, "/s");
  Report::tell("accepted with the full queue", rate, "/s");
  report.at_least("full against empty", rate / empty_rate, 0.8, "");
  const auto quiet = quiet_accepts(relay);
  measure_bulk(relay, report, quiet);
  report.at_most("memory after all this", relay.memory(), 150, "MiB");
  const load::Sink sink(hosts_port);
  const double size_before = relay.database_size();
  measure_drain(relay, report, sink, full_rate, plan.messages);
  measure_space(relay, report, size_before, quiet);
  relay.stop();
  {
    Relay beside(plan.mailferry, plan.folder + "/silent", hosts_port, silent_port);
    const Ran half = bench::run({plan.fill, "--spool", beside.spool(), "--messages", std::to_string(plan.messages / 2),
                                 "--domain", "silent.example", "--size", std::to_string(small_message)},
                                plan.folder + "/fill.log");
    if (half.code != 0) give_up("the spool was not filled");
    beside.start();
    measure_silence(beside, report, sink);
  }
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan = parse(argc, argv);
  std::string own;
  if (plan.folder.empty()) {
    own = (std::filesystem::temp_directory_path() / "mailferry-bench-XXXXXX").string();
    if (::mkdtemp(own.data()) == nullptr) give_up("cannot make a folder");
    plan.folder = own;
  }
  const int code = measure(plan);
  std::error_code ignored;
  if (!own.empty()) std::filesystem::remove_all(own, ignored);
  std::_Exit(code);  // the sink's threads wait in accept
}

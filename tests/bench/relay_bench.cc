// How fast the relay works end to end: a generator over some sessions, the relay under test as a process of its own, and a
// receiver.
//
//   relay_bench --mailferry BINARY [--messages N] [--sessions N] [--size OCTETS] [--key rsa|ed25519|none]
//   relay_bench --smtp HOST:PORT --sink PORT [--pid N]...   a relay that runs already (Postfix, say), delivering to the sink
//
// It prints rates, CPU, memory, fsyncs and thread switches per message, and what one signature costs on this machine.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "dkim/crypto.h"
#include "tests/load/loopback.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  std::string mailferry;
  std::uint64_t messages = 5000;
  std::uint64_t sessions = 20;
  std::uint64_t size = 2048;
  std::string key = "rsa";
  std::uint16_t relay_port = 0;
  std::uint16_t sink_port = 0;
  std::vector<int> pids;
};

[[noreturn]] void give_up(const std::string& words) {
  fmt::print(stderr, "relay_bench: {}\n", words);
  std::exit(1);
}

/// One client session, message after message.
void generate(const Plan& plan, std::atomic<std::uint64_t>& next) {
  auto client = load::Client::open(plan.relay_port);
  if (!client) give_up("cannot connect to the relay");
  for (std::uint64_t number = next++; number < plan.messages; number = next++) {
    const auto reply = client->send(number, plan.size);
    if (!reply || !reply->starts_with("250")) give_up("not accepted: " + reply.value_or("the relay hung up"));
  }
}

struct Usage {
  double cpu_seconds = 0;
  std::uint64_t switches = 0;
  std::uint64_t peak_kib = 0;
};

/// Of a process with all its threads.
Usage usage_of(int pid) {
  Usage usage;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  const std::size_t close = text.rfind(')');
  if (close == std::string::npos) return usage;
  const auto fields = base::words(std::string_view(text).substr(close + 1));
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (std::stod(std::string(fields[11])) + std::stod(std::string(fields[12]))) / ticks;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      const std::size_t colon = line.find(':');
      if (line.find("ctxt_switches") != std::string::npos) usage.switches += std::stoull(line.substr(colon + 1));
      if (line.starts_with("VmHWM")) usage.peak_kib = std::stoull(line.substr(colon + 1));
    }
  }
  return usage;
}

/// CPU seconds of one RSA-2048 signature, as the relay makes it.
double signature_cost() {
  const dkim::PrivateKey key = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256);
  const dkim::Digest digest{};
  constexpr int rounds = 1000;
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < rounds; ++i) {
    if (!key.sign(digest)) give_up("cannot sign");
  }
  ::getrusage(RUSAGE_SELF, &after);
  const auto seconds = [](const rusage& u) {
    return static_cast<double>(u.ru_utime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec) / 1e6;
  };
  return (seconds(after) - seconds(before)) / rounds;
}

std::string write_configuration(const Plan& plan, const std::string& folder, std::uint16_t sink_port) {
  std::string text = fmt::format(
      "hostname = \"mail.mydomain.com\"\npostmaster = \"admin@mydomain.com\"\nspool = \"{0}/spool\"\nspool_unsafe = "
      "true\n[log]\nto = \"{0}/log\"\n"
      "[[listen]]\naddress = \"127.0.0.1:{1}\"\n[delivery]\nip_versions = \"ipv4-only\"\n[[route]]\ndomain = \"*\"\nhosts = "
      "[\"[127.0.0.1]:{2}\"]\n"
      "[admin]\nsocket = \"{0}/admin.sock\"\nsubmit = \"{0}/submit.sock\"\n",
      folder, plan.relay_port, sink_port);
  if (plan.key != "none") {
    const auto algorithm = plan.key == "rsa" ? dkim::Algorithm::rsa_sha256 : dkim::Algorithm::ed25519_sha256;
    (void)base::write_file_durably(folder + "/key.pem", dkim::PrivateKey::generate(algorithm).to_pem(), 0600);
    text += fmt::format(
        "[[dkim.sign]]\nfrom = \"*@mydomain.com\"\ndomain = \"mydomain.com\"\nselector = \"us\"\nkey = \"{}/key.pem\"\n", folder);
  }
  std::string path = folder + "/mailferry.toml";
  (void)base::write_file_durably(path, text, 0600);
  return path;
}

/// The relay under test, with the counter of fsyncs preloaded.
class Relay {
 public:
  Relay(const Plan& plan, const std::string& folder, std::uint16_t sink_port) : count_path_(folder + "/syncs") {
    const std::string path = write_configuration(plan, folder, sink_port);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setenv("SYNC_COUNT_FILE", count_path_.c_str(), 1);
      ::setenv("LD_PRELOAD", SYNC_COUNTER_PATH, 1);
      ::execl(plan.mailferry.c_str(), "mailferry", "serve", "-c", path.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500; ++i) {
      if (load::connect_to(plan.relay_port)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    give_up("the relay did not start");
  }
  ~Relay() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  int pid() const { return pid_; }
  std::uint64_t syncs() const {
    std::ifstream file(count_path_, std::ios::binary);
    std::uint64_t count = 0;
    file.read(reinterpret_cast<char*>(&count), sizeof count);
    return count;
  }

 private:
  std::string count_path_;
  int pid_ = -1;
};

Plan parse(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--mailferry")
      plan.mailferry = value;
    else if (name == "--key")
      plan.key = value;
    else if (name == "--smtp")
      plan.relay_port = static_cast<std::uint16_t>(std::stoul(value.substr(value.rfind(':') + 1)));
    else if (name == "--sink")
      plan.sink_port = static_cast<std::uint16_t>(std::stoul(value));
    else if (name == "--pid")
      plan.pids.push_back(std::stoi(value));
    else if (name == "--messages")
      plan.messages = std::stoull(value);
    else if (name == "--sessions")
      plan.sessions = std::stoull(value);
    else if (name == "--size")
      plan.size = std::stoull(value);
    else
      give_up("unknown option " + name);
  }
  return plan;
}

Usage usage_of_all(const std::vector<int>& pids) {
  Usage sum;
  for (const int pid : pids) {
    const Usage one = usage_of(pid);
    sum.cpu_seconds += one.cpu_seconds;
    sum.switches += one.switches;
    sum.peak_kib += one.peak_kib;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan = parse(argc, argv);
  const double signature = signature_cost();
  const load::Sink sink(plan.sink_port);
  std::string folder = (std::filesystem::temp_directory_path() / "mailferry-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) give_up("cannot make a folder");
  std::optional<Relay> relay;
  if (!plan.mailferry.empty()) {
    plan.relay_port = load::free_port();
    relay.emplace(plan, folder, sink.port());
    plan.pids.push_back(relay->pid());
  }
  const Usage before = usage_of_all(plan.pids);
  const std::uint64_t syncs_before = relay ? relay->syncs() : 0;
  std::atomic<std::uint64_t> next{0};
  const auto start = Clock::now();
  std::vector<std::thread> clients;
  clients.reserve(plan.sessions);
  for (std::uint64_t i = 0; i < plan.sessions; ++i) clients.emplace_back([&] { generate(plan, next); });
  for (std::thread& client : clients) client.join();
  const double accept_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  while (sink.messages() < plan.messages) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const double all_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the last outcomes are recorded
  const Usage after = usage_of_all(plan.pids);
  const auto per_message = [&](double value) { return value / static_cast<double>(plan.messages); };
  const double cpu = per_message(after.cpu_seconds - before.cpu_seconds) * 1000;
  const double own = plan.key == "rsa" ? cpu - signature * 1000 : cpu;
  fmt::print("messages {} of {} octets over {} sessions\n", plan.messages, plan.size, plan.sessions);
  fmt::print("accepted       {:8.0f} /s\nend to end     {:8.0f} /s\n", static_cast<double>(plan.messages) / accept_seconds,
             static_cast<double>(plan.messages) / all_seconds);
  fmt::print("cpu            {:8.3f} ms/message\none signature  {:8.3f} ms\nbeyond it      {:8.3f} ms/message\n", cpu,
             signature * 1000, own);
  fmt::print("peak memory    {:8.1f} MiB\nswitches       {:8.2f} /message\n", static_cast<double>(after.peak_kib) / 1024,
             per_message(static_cast<double>(after.switches - before.switches)));
  if (relay) fmt::print("fsyncs         {:8.3f} /message\n", per_message(static_cast<double>(relay->syncs() - syncs_before)));
  fmt::print("connections    {:8} to the receiver\n", sink.connections());
  relay.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  std::cout.flush();
  std::_Exit(0);  // the sink's threads wait in accept
}

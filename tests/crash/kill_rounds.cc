// kill -9 under load: the relay dies at random moments and is started again; afterwards every message that was answered 250 has
// arrived, or, when the receiver refused it, the notice about it.
//
//   kill_rounds --mailferry BINARY [--rounds N] [--seed N]
//
// A message may arrive twice only when the reply to its delivery had not been recorded: at most what was under way at a kill.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>  // mkdtemp is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "tests/load/loopback.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int sessions = 6;
/// Deliveries whose outcome may be unrecorded at a kill: the connections to one destination, times what each may finish within
/// one group commit of the store.
constexpr std::size_t most_repeats_per_kill = 200;

[[noreturn]] void give_up(const std::string& words) {
  fmt::print(stderr, "kill_rounds: {}\n", words);
  std::_Exit(1);
}

/// What is known of every message, from all threads.
class Book {
 public:
  void acknowledged(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    acknowledged_.insert(number);
  }
  void arrived(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (++arrivals_[number] > 1) ++repeats_;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }
  std::size_t repeats() const {
    const std::lock_guard lock(mutex_);
    return repeats_;
  }
  /// Acknowledged and not arrived.
  std::size_t missing() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const std::uint64_t number : acknowledged_) count += arrivals_.contains(number) ? 0 : 1;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> acknowledged_;
  std::unordered_map<std::uint64_t, std::size_t> arrivals_;
  std::size_t repeats_ = 0;
};

class Relay {
 public:
  Relay(std::string binary, std::string config_path, std::uint16_t port)
      : binary_(std::move(binary)), config_path_(std::move(config_path)), port_(port) {}

  void start() {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(binary_.c_str(), "mailferry", "serve", "-c", config_path_.c_str(), nullptr);
      ::_exit(127);
    }
    const auto until = Clock::now() + std::chrono::seconds(30);
    while (!load::connect_to(port_)) {
      if (Clock::now() > until || ::waitpid(pid_, nullptr, WNOHANG) == pid_) give_up("the relay did not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void end(int signal) {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  std::string binary_;
  std::string config_path_;
  std::uint16_t port_;
  int pid_ = -1;
};

std::string write_configuration(const std::string& folder, std::uint16_t port, std::uint16_t sink_port) {
  std::string path = folder + "/mailferry.toml";
  const std::string text = fmt::format(
      "hostname = \"mail.mydomain.com\"\npostmaster = \"admin@mydomain.com\"\nspool = \"{0}/spool\"\nspool_unsafe = "
      "true\n[log]\nto = \"{0}/log\"\n"
      "[[listen]]\naddress = \"127.0.0.1:{1}\"\n[[route]]\ndomain = \"*\"\nhosts = [\"[127.0.0.1]:{2}\"]\n[dkim]\nmode = "
      "\"off\"\n[retry]\n"
      "delays = [\"1s\"]\n[admin]\nsocket = \"{0}/admin.sock\"\nsubmit = \"{0}/submit.sock\"\n",
      folder, port, sink_port);
  if (!base::write_file_durably(path, text, 0600)) give_up("cannot write the configuration");
  return path;
}

/// Sends until told to stop; comes back after every kill. Every fifth message is large enough for a content file. Every seventh
/// is refused by the receiver; its sender has the number of the recipient, so that the notice arrives in its stead.
void send_messages(std::uint16_t port, std::atomic<std::uint64_t>& next, const std::atomic<bool>& stop, Book& book) {
  while (!stop) {
    auto client = load::Client::open(port);
    if (!client) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    while (!stop) {
      const std::uint64_t number = next++;
      const bool refused = number % 7 == 0;
      const std::string sender = refused ? fmt::format("user{}", number) : "bench";
      const auto reply = client->send(number, number % 5 == 0 ? 300'000 : 2048, refused ? "refused.com" : "abc.com", sender);
      if (!reply) break;
      if (reply->starts_with("250")) book.acknowledged(number);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string binary;
  std::uint64_t rounds = 20;
  std::uint64_t seed = std::random_device{}();
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--mailferry") binary = argv[i + 1];
    if (name == "--rounds") rounds = std::stoull(argv[i + 1]);
    if (name == "--seed") seed = std::stoull(argv[i + 1]);
  }
  if (binary.empty()) give_up("--mailferry BINARY is needed");
  std::string folder = (std::filesystem::temp_directory_path() / "mailferry-kill-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) give_up("cannot make a folder");
  Book book;
  const load::Sink sink(0, [&book](std::uint64_t number) { book.arrived(number); });
  const std::uint16_t port = load::free_port();
  Relay relay(binary, write_configuration(folder, port, sink.port()), port);
  relay.start();
  std::atomic<std::uint64_t> next{1};
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  clients.reserve(sessions);
  for (int i = 0; i < sessions; ++i) clients.emplace_back([&] { send_messages(port, next, stop, book); });
  std::mt19937_64 random(seed);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(50, 600)(random)));
    relay.end(SIGKILL);
    relay.start();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  const auto until = Clock::now() + std::chrono::seconds(120);
  while (book.missing() > 0 && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  relay.end(SIGTERM);
  fmt::print("rounds {}, seed {}: {} acknowledged, {} missing, {} repeated\n", rounds, seed, book.count(), book.missing(),
             book.repeats());
  std::fflush(stdout);
  const bool kept = book.missing() == 0 && book.repeats() <= rounds * most_repeats_per_kill && book.count() > rounds;
  if (kept) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  } else {
    fmt::print("spool and log are kept in {}\n", folder);
    std::fflush(stdout);
  }
  std::_Exit(kept ? 0 : 1);  // the sink's threads wait in accept
}

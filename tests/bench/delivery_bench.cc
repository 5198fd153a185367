// How fast a full queue goes out: delivered messages a second, connections opened and CPU for each, over many domains and over
// one.
//
//   delivery_bench --mailferry PROGRAM --fill PROGRAM [--messages N]
//
// The spool is filled with deferred mail, the relay started, and all of it released by `queue retry`. The receiver is on the same
// machine and takes a part of its processor.
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "tests/load/loopback.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t message_size = 2048;
constexpr double patience = 300;  // seconds

struct Plan {
  std::string mailferry;
  std::string fill;
  std::uint64_t messages = 20'000;
};

[[noreturn]] void give_up(std::string_view words) {
  fmt::print(stderr, "delivery_bench: {}\n", words);
  std::_Exit(1);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

pid_t start(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int nowhere = ::open("/dev/null", O_RDWR);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execv(arguments.front(), arguments.data());
  ::_exit(127);
}

void run(std::vector<std::string> words) {
  int status = 0;
  ::waitpid(start(std::move(words)), &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up("a command failed");
}

/// User and system time of a process, seconds (proc(5), fields 14 and 15 of stat).
double processor_time(pid_t pid) {
  const std::string text = base::read_file(fmt::format("/proc/{}/stat", pid), 4096).value_or("");
  const std::vector<std::string_view> fields = base::words(std::string_view(text).substr(text.rfind(')') + 1));
  if (fields.size() < 13) return 0;
  const auto ticks = base::parse_number(fields[11]).value_or(0) + base::parse_number(fields[12]).value_or(0);
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

void write_configuration(const std::string& folder, std::uint16_t port, std::uint16_t hosts_port) {
  const std::string text = fmt::format(
      "hostname = \"mail.mydomain.com\"\npostmaster = \"admin@mydomain.com\"\nspool = \"{0}/spool\"\n[log]\nto = \"{0}/log\"\n"
      "level = \"warning\"\n[[listen]]\naddress = \"127.0.0.1:{1}\"\n[delivery]\nip_versions = \"ipv4-only\"\n[[route]]\n"
      "domain = \"*\"\nhosts = [\"[127.0.0.1]:{2}\"]\n[admin]\nsocket = \"{0}/admin.sock\"\nsubmit = \"{0}/submit.sock\"\n",
      folder, port, hosts_port);
  std::filesystem::create_directories(folder);
  if (!base::write_file_durably(folder + "/mailferry.toml", text, 0600)) give_up("cannot write the configuration");
}

void measure(const Plan& plan, const std::string& folder, std::uint64_t domains) {
  const load::Sink sink(load::free_port());
  const std::uint16_t port = load::free_port();
  const std::string config = folder + "/mailferry.toml";
  write_configuration(folder, port, sink.port());
  run({plan.fill, "--spool", folder + "/spool", "--messages", std::to_string(plan.messages), "--domains", std::to_string(domains),
       "--size", std::to_string(message_size)});
  const pid_t relay = start({plan.mailferry, "serve", "-c", config});
  const auto begin = Clock::now();
  while (!load::connect_to(port) && seconds_since(begin) < patience) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  run({plan.mailferry, "queue", "release", "--state", "held", "--yes", "--wait", "-c", config});
  const double before = processor_time(relay);
  const auto released = Clock::now();
  run({plan.mailferry, "queue", "retry", "--older", "0s", "--yes", "-c", config});
  while (sink.messages() < plan.messages && seconds_since(released) < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const double seconds = seconds_since(released);
  const auto messages = static_cast<double>(sink.messages());
  fmt::print("{:6} domains  {:8.0f} messages/s  {:8.3f} ms CPU a message  {:8.4f} connections a message\n", domains,
             messages / seconds, (processor_time(relay) - before) * 1000 / messages,
             static_cast<double>(sink.connections()) / messages);
  ::kill(relay, SIGTERM);
  ::waitpid(relay, nullptr, 0);
  if (sink.messages() < plan.messages) give_up("not all of it was delivered");
}

Plan plan_of(const std::vector<std::string>& words) {
  Plan plan;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (words[i] == "--mailferry") plan.mailferry = words[i + 1];
    if (words[i] == "--fill") plan.fill = words[i + 1];
    if (words[i] == "--messages") plan.messages = base::parse_number(words[i + 1]).value_or(plan.messages);
  }
  if (plan.mailferry.empty() || plan.fill.empty()) give_up("--mailferry and --fill are needed");
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const Plan plan = plan_of(std::vector<std::string>(argv + 1, argv + argc));
  std::string folder = "/tmp/mailferry-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) give_up("cannot make a folder");
  for (const std::uint64_t domains : {std::uint64_t{1000}, std::uint64_t{1}}) {
    measure(plan, fmt::format("{}/{}", folder, domains), domains);
  }
  std::filesystem::remove_all(folder);
}

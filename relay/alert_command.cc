// Starting the program, its input, its time.
#include "relay/alert_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds time_limit(30);
constexpr std::chrono::milliseconds between_looks(50);
constexpr std::size_t most_waiting = 20;

struct Started {
  pid_t pid = -1;
  base::Fd input;
};

Result<Started> start(const std::string& command) {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return std::unexpected(base::system_error(Kind::refused, "cannot make a pipe", errno));
  const base::Fd read_end(ends[0]);
  Started started;
  started.input = base::Fd(ends[1]);
  ::fcntl(started.input.get(), F_SETFL, O_NONBLOCK);
  std::vector<std::string> words;
  for (const std::string_view word : base::words(command)) words.emplace_back(word);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, read_end.get(), STDIN_FILENO);
  // What the daemon ignores and blocks the program must not inherit.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigemptyset(&all);
  ::sigaddset(&all, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  const int error = ::posix_spawn(&started.pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return std::unexpected(base::system_error(Kind::refused, fmt::format("cannot run {}", words.front()), error));
  return started;
}

/// A program that reads nothing of it may still do its work.
void feed(base::Fd input, std::string_view text, Clock::time_point until, const std::stop_token& stop) {
  while (!text.empty() && Clock::now() < until && !stop.stop_requested()) {
    const ssize_t count = ::write(input.get(), text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd descriptor{input.get(), POLLOUT, 0};
      ::poll(&descriptor, 1, static_cast<int>(between_looks.count()));
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

Result<void> run_with_input(const std::string& command, const std::string& text, std::chrono::milliseconds limit,
                            const std::stop_token& stop) {
  if (base::words(command).empty()) return base::fail(Kind::refused, "no command");
  auto started = start(command);
  if (!started) return std::unexpected(started.error());
  const auto until = Clock::now() + limit;
  feed(std::move(started->input), text, until, stop);
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(started->pid, &status, WNOHANG);
    if (ended == started->pid) break;
    const bool stopped = stop.stop_requested();
    if (stopped || Clock::now() >= until) {
      ::kill(-started->pid, SIGKILL);
      ::waitpid(started->pid, &status, 0);
      if (stopped) return base::fail(Kind::cancelled, "the relay stops");
      return base::fail(Kind::timeout, fmt::format("{} took longer than {} s", command, limit.count() / 1000));
    }
    std::this_thread::sleep_for(between_looks);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFEXITED(status) ? fmt::format("ended with {}", WEXITSTATUS(status)) : std::string("was killed");
  return base::fail(Kind::refused, fmt::format("{} {}", command, how));
}

AlertCommand::~AlertCommand() {
  thread_.request_stop();
  changed_.notify_all();
}

void AlertCommand::run(const std::string& command, std::string text) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= most_waiting) return failed_(fmt::format("{}: too many alerts wait for it", command));
  waiting_.push_back(Waiting{command, std::move(text)});
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  changed_.notify_all();
}

void AlertCommand::work(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const auto ran = run_with_input(next.command, next.text, time_limit, stop);
    if (!ran) failed_(ran.error().words);
  }
}

}  // namespace relay

// Pseudo-terminals.
#include "tests/unit/relay/shown.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/catch.h"

namespace world {

Shown::Shown(unsigned short columns, unsigned short lines, const std::function<void()>& work) {
  int ends[2] = {-1, -1};
  if (lines != 0) {
    const winsize size{lines, columns, 0, 0};
    REQUIRE(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
  } else {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  }
  child_ = ::fork();
  REQUIRE(child_ >= 0);
  if (child_ == 0) {
    if (lines != 0) {
      ::dup2(ends[1], STDIN_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
    }
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    work();
    std::fflush(stdout);
    ::_exit(0);
  }
  ::close(ends[1]);
  from_ = ends[0];
}

Shown::~Shown() {
  ::close(from_);
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

std::string Shown::read_until(std::string_view text) {
  char piece[4096];
  while (text.empty() || all_.find(text) == std::string::npos) {
    const ssize_t count = ::read(from_, piece, sizeof(piece));
    if (count <= 0) break;
    for (const char c : std::string_view(piece, static_cast<std::size_t>(count))) {
      if (c != '\r') all_ += c;
    }
  }
  return all_;
}

void Shown::type(std::string_view text) const {
  REQUIRE(::write(from_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void Shown::interrupt() const { ::kill(child_, SIGINT); }

}  // namespace world

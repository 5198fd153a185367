// Asking the terminal, starting the pager, drawing in place.
#include "relay/cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

namespace relay::cli {
namespace {

constexpr std::size_t usual_width = 80;
constexpr std::size_t least_width = 40;
constexpr std::size_t most_width = 1000;
constexpr int redraw_ms = 2000;
constexpr const char* usual_pager = "less -FRX";

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the command line has one thread
  return value == nullptr ? std::string() : std::string(value);
}

bool is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

winsize terminal_size() {
  winsize size{};
  if (!is_terminal() || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

bool is_executable(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const std::string path = environment("PATH");
  for (const std::string_view folder : base::split(path, ':')) {
    if (::access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

/// The shell command of the pager; empty when there is none or none is wanted.
std::string pager_command() {
  const bool given = std::getenv("PAGER") != nullptr;  // NOLINT(concurrency-mt-unsafe)
  std::string command = given ? environment("PAGER") : std::string(usual_pager);
  const auto words = base::words(command);
  if (words.empty() || words.front() == "cat") return {};
  return is_executable(std::string(words.front())) ? command : std::string();
}

std::size_t count_lines(std::string_view text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

bool write_out(FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

/// SIGINT and SIGTERM as something to wait for.
class Interruption {
 public:
  Interruption() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signals_ = base::Fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  }
  /// True when one has come; the reader of a pipe that went away counts as one.
  bool within(int milliseconds) const {
    pollfd waits[] = {{signals_.get(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    return ::poll(waits, 2, milliseconds) > 0;
  }

 private:
  base::Fd signals_;
};

std::string first_lines(std::string_view text, std::size_t lines) {
  std::string kept;
  for (std::size_t i = 0; i < lines && !text.empty(); ++i) {
    const std::size_t end = text.find('\n');
    kept += text.substr(0, end);
    kept += '\n';
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return kept;
}

/// Over what stands there: each line cleared to its end, then what is below; no flicker.
std::string drawn_in_place(std::string_view text, std::size_t lines) {
  std::string drawn = "\x1b[H";
  for (const char c : first_lines(text, lines)) drawn += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return drawn + "\x1b[J";
}

}  // namespace

std::size_t terminal_width() {
  std::size_t width = terminal_size().ws_col;
  if (width == 0) width = static_cast<std::size_t>(base::parse_number(environment("COLUMNS")).value_or(usual_width));
  return std::clamp(width, least_width, most_width);
}

std::size_t terminal_height() { return terminal_size().ws_row; }

Colours terminal_colours() {
  const bool wanted = is_terminal() && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  return wanted ? Colours::on : Colours::off;
}

Screen::Screen() : width_(terminal_width()), height_(terminal_height()), colours_(terminal_colours()) {
  if (height_ != 0 && pager_command().empty()) height_ = 0;
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): what nobody reads is seen by the write that fails
}

Screen::~Screen() {
  flush();
  if (pager_ != nullptr) ::pclose(pager_);
}

bool Screen::print(std::string_view lines) {
  waiting_ += lines;
  lines_ += count_lines(lines);
  if (pager_ == nullptr && height_ != 0) {
    if (lines_ < height_) return true;
    std::fflush(stdout);
    ::setenv("LESS", "FRX", 0);  // NOLINT(concurrency-mt-unsafe): for a PAGER that is less, without options
    pager_ = ::popen(pager_command().c_str(), "we");
    if (pager_ == nullptr) height_ = 0;
    std::signal(SIGINT, SIG_IGN);  // NOLINT(cert-err33-c): Ctrl-C is for the pager, and without it there is no reader
  }
  return flush();
}

bool Screen::flush() {
  if (!ended_) ended_ = !write_out(pager_ != nullptr ? pager_ : stdout, waiting_);
  waiting_.clear();
  return !ended_;
}

void watch(const std::function<std::string(const ViewSize&)>& view) {
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c)
  const Interruption interruption;
  const bool in_place = terminal_height() != 0;
  bool more = !in_place || write_out(stdout, "\x1b[2J");
  while (more) {
    const std::string head = fmt::format("{}, every 2 s, Ctrl-C ends\n", base::iso_time(base::now()));
    const ViewSize size{terminal_width(), in_place ? std::max<std::size_t>(terminal_height(), 4) - 2 : 0, terminal_colours()};
    const std::string text = view(size);
    more = in_place ? write_out(stdout, drawn_in_place(head + text, size.lines + 1)) : write_out(stdout, head + text + '\n');
    more = more && !interruption.within(redraw_ms);
  }
}

}  // namespace relay::cli

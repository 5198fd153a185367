// The log's lines and where they go (spdlog's sinks: stderr, a file, syslog).
#include "relay/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace relay {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "info";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F) return false;
  }
  return true;
}

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : base::printable(value)) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string time_text() {
  const base::Time time = base::now();
  std::string text = base::iso_time(time);
  text.pop_back();
  return text + fmt::format(".{:03}Z", time.time_since_epoch().count() % 1000);
}

/// journald stamps the lines itself and takes the level from a prefix (sd-daemon(3)).
std::string_view journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "<7>";
    case LogLevel::info: return "<6>";
    case LogLevel::warning: return "<4>";
    case LogLevel::error: return "<3>";
  }
  return "<6>";
}

}  // namespace

struct Log::Sink {
  std::mutex mutex;
  conf::Log options;
  std::atomic<LogLevel> level = LogLevel::info;
  std::atomic<bool> json = false;
  std::shared_ptr<spdlog::sinks::sink> target;
  bool line_by_line = false;  // syslog takes one line a call
  bool journal = false;
  std::string gathered;
  std::function<void()> request_flush;

  void emit(LogLevel severity, std::string_view text) {
    target->log(spdlog::details::log_msg("mailferry", spdlog_level(severity), spdlog::string_view_t(text.data(), text.size())));
    target->flush();
  }
};

Event::Event(Log* log, LogLevel level, std::string_view name) : log_(log), level_(level) {
  if (log_ == nullptr) return;
  if (log_->json()) {
    line_ = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", time_text(), name_of(level), name);
  } else {
    line_ = name;
  }
}

Event::Event(Event&& other) noexcept
    : log_(std::exchange(other.log_, nullptr)), level_(other.level_), line_(std::move(other.line_)) {}

Event::~Event() {
  if (log_ == nullptr) return;
  if (log_->json()) line_ += '}';
  log_->write(level_, std::move(line_));
}

Event& Event::with(std::string_view key, std::string_view value) & {
  if (log_ == nullptr) return *this;
  if (log_->json()) {
    line_ += fmt::format(",\"{}\":", key);
    line_ += quoted(value);
  } else {
    line_ += ' ';
    line_ += key;
    line_ += '=';
    line_ += is_plain(value) ? std::string(value) : quoted(value);
  }
  return *this;
}

Event& Event::with_number(std::string_view key, const std::string& digits) {
  if (log_ != nullptr) line_ += log_->json() ? fmt::format(",\"{}\":{}", key, digits) : fmt::format(" {}={}", key, digits);
  return *this;
}

Log::Log() : sink_(std::make_unique<Sink>()) {}

Log::~Log() { flush(); }

base::Result<std::unique_ptr<Log>> Log::open(const conf::Log& options) {
  std::unique_ptr<Log> log(new Log);
  if (auto opened = log->reopen(options); !opened) return std::unexpected(opened.error());
  return log;
}

base::Result<void> Log::reopen(const conf::Log& options) {
  std::shared_ptr<spdlog::sinks::sink> target;
  try {
    if (options.to == "stderr") {
      target = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else if (options.to == "syslog") {
      target = std::make_shared<spdlog::sinks::syslog_sink_mt>("mailferry", LOG_PID, LOG_MAIL, false);
    } else {
      target = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.to);
    }
  } catch (const spdlog::spdlog_ex& error) {
    return base::fail(base::Kind::storage, fmt::format("cannot log to {}: {}", options.to, error.what()));
  }
  target->set_pattern("%v");
  const std::lock_guard lock(sink_->mutex);
  sink_->target = std::move(target);
  sink_->options = options;
  sink_->level = options.level;
  sink_->json = options.format == conf::LogFormat::json;
  sink_->line_by_line = options.to == "syslog";
  sink_->journal = options.to == "stderr" && std::getenv("JOURNAL_STREAM") != nullptr;
  return {};
}

Log* Log::enabled(LogLevel level) { return level >= sink_->level ? this : nullptr; }

bool Log::json() const { return sink_->json; }

void Log::gather(std::function<void()> request_flush) {
  const std::lock_guard lock(sink_->mutex);
  sink_->request_flush = std::move(request_flush);
}

void Log::write(LogLevel level, std::string line) {
  std::string stamped;
  if (sink_->json || sink_->line_by_line) {
    stamped = std::move(line);
  } else if (sink_->journal) {
    stamped = fmt::format("{}{}", journal_prefix(level), line);
  } else {
    stamped = fmt::format("{} {} {}", time_text(), name_of(level), line);
  }
  const std::lock_guard lock(sink_->mutex);
  if (sink_->line_by_line || !sink_->request_flush) return sink_->emit(level, stamped);
  const bool first = sink_->gathered.empty();
  if (!first) sink_->gathered += '\n';
  sink_->gathered += stamped;
  if (first) sink_->request_flush();
}

void Log::flush() {
  const std::lock_guard lock(sink_->mutex);
  if (sink_->gathered.empty()) return;
  sink_->emit(LogLevel::info, std::exchange(sink_->gathered, {}));
}

}  // namespace relay

// The log: one event, one line, key=value or JSON (docs: the manual's "Log lines"). Lines of one turn of the loop leave in one
// write.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "conf/config.h"

namespace relay {

using conf::LogLevel;

class Log;

/// One line under construction; written when it goes out of scope.
class Event {
 public:
  Event(Log* log, LogLevel level, std::string_view name);
  Event(Event&& other) noexcept;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Event& operator=(Event&&) = delete;
  ~Event();

  /// Values with blanks, quotes or control characters are quoted; nothing that a peer said can break the line.
  Event& with(std::string_view key, std::string_view value) &;
  Event& with(std::string_view key, std::integral auto value) & { return with_number(key, std::to_string(value)); }
  template <class Value>
  Event&& with(std::string_view key, const Value& value) && {
    return std::move(this->with(key, value));
  }

 private:
  Event& with_number(std::string_view key, const std::string& digits);
  Log* log_;  // null: below the level, or moved from
  LogLevel level_;
  std::string line_;
};

/// Thread-safe.
class Log {
 public:
  /// Kind::storage when the file cannot be opened.
  static base::Result<std::unique_ptr<Log>> open(const conf::Log& options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  Event debug(std::string_view name) { return Event(enabled(LogLevel::debug), LogLevel::debug, name); }
  Event info(std::string_view name) { return Event(enabled(LogLevel::info), LogLevel::info, name); }
  Event warning(std::string_view name) { return Event(enabled(LogLevel::warning), LogLevel::warning, name); }
  Event error(std::string_view name) { return Event(enabled(LogLevel::error), LogLevel::error, name); }

  /// With it lines gather until flush(); it is called once when the first line of a batch comes.
  void gather(std::function<void()> request_flush);
  void flush();
  /// A new level, format or destination (SIGHUP; also opens a rotated file anew).
  base::Result<void> reopen(const conf::Log& options);

 private:
  friend class Event;
  struct Sink;
  Log();
  Log* enabled(LogLevel level);
  bool json() const;
  void write(LogLevel level, std::string line);

  std::unique_ptr<Sink> sink_;
};

}  // namespace relay

// [alert] command: a program that is given each alert on its input, since mail itself may be what is stuck.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"

namespace relay {

/// One program after the other, on a thread of its own that begins with the first. Each gets 30 s; at most 20 alerts wait, later
/// ones are refused.
class AlertCommand {
 public:
  /// `failed` is called on the thread.
  explicit AlertCommand(std::function<void(const std::string& words)> failed) : failed_(std::move(failed)) {}
  ~AlertCommand();
  AlertCommand(const AlertCommand&) = delete;
  AlertCommand& operator=(const AlertCommand&) = delete;

  /// `command` is a path and arguments with blanks between; no shell reads it.
  void run(const std::string& command, std::string text);

 private:
  struct Waiting {
    std::string command;
    std::string text;
  };
  void work(const std::stop_token& stop);

  std::function<void(const std::string&)> failed_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  std::jthread thread_;  // the last: it uses the others
};

/// Starts the program, writes the text to its input and waits for its end; Kind::refused when it cannot be started or does not
/// end with 0, Kind::timeout when it takes longer (it is killed), Kind::cancelled when told to stop.
base::Result<void> run_with_input(const std::string& command, const std::string& text, std::chrono::milliseconds limit,
                                  const std::stop_token& stop = {});

}  // namespace relay

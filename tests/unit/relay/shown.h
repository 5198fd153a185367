// What a program shows on a terminal: a child process behind a pseudo-terminal, or behind a pipe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

namespace world {

/// What `work` writes to standard output, in a child process, on a terminal of that size or (no lines) into a pipe.
class Shown {
 public:
  Shown(unsigned short columns, unsigned short lines, const std::function<void()>& work);
  ~Shown();
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

  /// Until the end, or until `text` has come; without the carriage returns of the terminal.
  std::string read_until(std::string_view text);
  std::string all() { return read_until(""); }
  /// Somebody types.
  void type(std::string_view text) const;
  void interrupt() const;

 private:
  pid_t child_ = -1;
  int from_ = -1;
  std::string all_;
};

}  // namespace world

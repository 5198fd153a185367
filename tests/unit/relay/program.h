// The program as a shell runs it.
#pragma once

#include <string>
#include <string_view>

namespace world {

struct Ran {
  int code = -1;
  std::string output;

  bool tells(std::string_view text) const { return output.find(text) != std::string::npos; }
};

/// By the shell: its standard output and, where the command says 2>&1, its errors.
Ran run_command(const std::string& command);

}  // namespace world

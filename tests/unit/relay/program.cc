// Running a command to its end.
#include "tests/unit/relay/program.h"

#include <sys/wait.h>

#include <cstdio>

#include "tests/catch.h"

namespace world {

Ran run_command(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen(command.c_str(), "re");
  REQUIRE(pipe != nullptr);
  char piece[4096];
  for (std::size_t count = 0; (count = std::fread(piece, 1, sizeof(piece), pipe)) > 0;) ran.output.append(piece, count);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

}  // namespace world

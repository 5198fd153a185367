// [alert] command: what the program is given, and what becomes of one that fails or hangs.
#include "relay/alert_command.h"

#include "base/file.h"
#include "tests/catch.h"
#include "tests/unit/relay/folder.h"

namespace {

using namespace std::chrono_literals;
using base::Kind;
using relay::run_with_input;
using world::Folder;

/// A shell script, and the command that runs it.
std::string script(const Folder& folder, const std::string& lines) {
  const std::string path = folder / "alert.sh";
  REQUIRE(base::write_file_durably(path, "#!/bin/sh\n" + lines + "\n", 0700));
  return path;
}

}  // namespace

TEST_CASE("the program gets its arguments and the whole alert on its input") {
  const Folder folder;
  const std::string out = folder / "out";
  const std::string text(200'000, 'x');
  CHECK(run_with_input(script(folder, "cat > \"$1\"; echo \"$2\" >> \"$1\"") + " " + out + " two", text, 10s));
  CHECK(base::read_file(out, 1U << 20U) == text + "two\n");
}

TEST_CASE("no shell reads the command") {
  const Folder folder;
  const std::string out = folder / "out";
  CHECK(run_with_input(script(folder, "echo \"$1\" > " + out) + " $(id);ls", "", 10s));
  CHECK(base::read_file(out, 1000) == "$(id);ls\n");
}

TEST_CASE("a program that reads nothing is no trouble, one that fails, hangs or is not there is told of") {
  const Folder folder;
  const std::string text(200'000, 'x');
  CHECK(run_with_input(script(folder, "exit 0"), text, 10s));
  CHECK(run_with_input(script(folder, "exit 3"), text, 10s).error().words.ends_with("ended with 3"));
  CHECK(run_with_input(folder / "missing", text, 10s).error().kind == Kind::refused);
  const auto began = std::chrono::steady_clock::now();
  CHECK(run_with_input(script(folder, "sleep 60"), text, 300ms).error().kind == Kind::timeout);
  CHECK(std::chrono::steady_clock::now() - began < 5s);
}

TEST_CASE("alerts are given one after the other, and the end of the relay does not wait for a program") {
  const Folder folder;
  const std::string out = folder / "out";
  const std::string command = script(folder, "cat >> " + out + "; echo >> " + out);
  const auto began = std::chrono::steady_clock::now();
  {
    relay::AlertCommand alerts([](const std::string&) {});
    alerts.run(command, "one");
    alerts.run(command, "two");
    while (base::read_file(out, 1000).value_or("") != "one\ntwo\n" && std::chrono::steady_clock::now() - began < 10s) {
      std::this_thread::sleep_for(10ms);
    }
    CHECK(base::read_file(out, 1000) == "one\ntwo\n");
    alerts.run(script(folder, "sleep 60"), "three");
    std::this_thread::sleep_for(100ms);
  }
  CHECK(std::chrono::steady_clock::now() - began < 15s);
}

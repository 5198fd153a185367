// Log lines: one event is one line, whatever a peer has said.
#include "relay/log.h"

#include <boost/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/relay/folder.h"

namespace {

using relay::Log;

conf::Log options(const world::Folder& folder) {
  conf::Log log;
  log.to = folder / "log";
  return log;
}

std::string written(const world::Folder& folder) { return base::read_file(folder / "log").value(); }

/// Without the time in front.
std::string first_line(const world::Folder& folder) {
  const std::string all = written(folder);
  const std::string line = all.substr(0, all.find('\n'));
  return line.substr(line.find(' ') + 1);
}

constexpr const char* evil = "x\r\naccepted id=FORGED\x1b[31m \"quoted\" \\ end";

}  // namespace

TEST_CASE("a line is level, event, key=value") {
  const world::Folder folder;
  const auto log = Log::open(options(folder)).value();
  log->info("delivered").with("id", "0ABC").with("size", 123).with("to", "<bob@example.net>");
  CHECK(first_line(folder) == "info delivered id=0ABC size=123 to=<bob@example.net>");
  const std::string all = written(folder);
  CHECK(all.substr(10, 1) == "T");
  CHECK(all.substr(23, 2) == "Z ");
}

TEST_CASE("values with blanks, quotes or equal signs are quoted") {
  const world::Folder folder;
  const auto log = Log::open(options(folder)).value();
  log->warning("refused").with("a", "two words").with("b", "say \"hi\"").with("c", "k=v").with("d", "").with("e", "back\\slash");
  CHECK(first_line(folder) == R"(warning refused a="two words" b="say \"hi\"" c="k=v" d="" e="back\\slash")");
}

TEST_CASE("nothing that a peer says makes a second line") {
  const world::Folder folder;
  conf::Log where = options(folder);
  where.format = GENERATE(conf::LogFormat::text, conf::LogFormat::json);
  const auto log = Log::open(where).value();
  log->info("deferred").with("reply", evil);
  const std::string all = written(folder);
  CHECK(all.find('\n') == all.size() - 1);
  CHECK(all.find('\r') == std::string::npos);
  CHECK(all.find('\x1b') == std::string::npos);
  CHECK(all.find(R"(\"quoted\")") != std::string::npos);
}

TEST_CASE("a JSON line is JSON") {
  const world::Folder folder;
  conf::Log where = options(folder);
  where.format = conf::LogFormat::json;
  const auto log = Log::open(where).value();
  log->error("bounced").with("id", "0ABC").with("size", 123).with("reply", evil).with("who", "bücher \xff");
  const boost::json::value line = boost::json::parse(written(folder));
  CHECK(line.at("level").as_string() == "error");
  CHECK(line.at("event").as_string() == "bounced");
  CHECK(line.at("id").as_string() == "0ABC");
  CHECK(line.at("size").as_int64() == 123);
  CHECK(line.at("time").as_string().size() == 24);
  CHECK(line.at("reply").as_string().find("FORGED") != std::string::npos);
}

TEST_CASE("what is below the level is not written") {
  const world::Folder folder;
  conf::Log where = options(folder);
  where.level = conf::LogLevel::warning;
  const auto log = Log::open(where).value();
  log->debug("one");
  log->info("two");
  log->warning("three");
  CHECK(first_line(folder) == "warning three");
  where.level = conf::LogLevel::debug;
  REQUIRE(log->reopen(where));
  log->debug("four");
  CHECK(written(folder).find("debug four") != std::string::npos);
}

TEST_CASE("gathered lines leave in one write") {
  const world::Folder folder;
  const auto log = Log::open(options(folder)).value();
  int requests = 0;
  log->gather([&] { ++requests; });
  log->info("one");
  log->info("two");
  CHECK(requests == 1);
  CHECK(written(folder).empty());
  log->flush();
  CHECK(base::split(written(folder), '\n').size() == 3);
  log->info("three");
  CHECK(requests == 2);
  log->gather(nullptr);
  log->flush();
  CHECK(written(folder).find("info three") != std::string::npos);
}

TEST_CASE("a rotated log is opened anew") {
  const world::Folder folder;
  const auto log = Log::open(options(folder)).value();
  log->info("before");
  std::filesystem::rename(folder / "log", folder / "log.1");
  REQUIRE(log->reopen(options(folder)));
  log->info("after");
  CHECK(first_line(folder) == "info after");
}

TEST_CASE("a log that cannot be opened is an error with its path") {
  const world::Folder folder;
  REQUIRE(base::write_file_durably(folder / "file", "", 0600));
  conf::Log where;
  where.to = folder / "file/log";
  const auto log = Log::open(where);
  REQUIRE_FALSE(log);
  CHECK(log.error().kind == base::Kind::storage);
  CHECK(log.error().words.find(where.to) != std::string::npos);
}

TEST_CASE("lines of several threads do not mix") {
  const world::Folder folder;
  const auto log = Log::open(options(folder)).value();
  const auto write = [&log] {
    for (int i = 0; i < 200; ++i) log->info("event").with("key", "value value");
  };
  std::thread other(write);
  write();
  other.join();
  const std::string all = written(folder);
  const auto lines = base::split(all, '\n');
  REQUIRE(lines.size() == 401);
  for (std::size_t i = 0; i < 400; ++i) REQUIRE(lines[i].ends_with("Z info event key=\"value value\""));
}

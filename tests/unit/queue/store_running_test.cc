// What every store promises of groups, files, its start and end, and of others who look in. (What happens when the disk fails:
// tests/crash.)
#include "queue/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "queue/content_file.h"
#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::QueueId;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::check_counts;
using store_test::counts;
using store_test::deferred;
using store_test::destinations;
using store_test::id_of;
using store_test::message;
using store_test::numbers;
using store_test::Queue;
using store_test::record;
using store_test::TemporarySpool;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an accept overtakes outcomes that would be too much for one group; these keep their order") {
  constexpr std::uint32_t many = 700;
  TemporarySpool spool;
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  std::atomic<int> calls = 0;
  std::latch blocked(1);
  std::latch submitted(1);
  auto store = queue::open_store(options, [&](queue::Completions completions) {
    const int call = ++calls;
    for (auto& completion : completions) completion();
    if (call != 1) return;
    blocked.count_down();
    submitted.wait();
  });
  REQUIRE(store);
  (*store)->accept(message(many + 1), [](const base::Result<void>&) {});
  blocked.wait();

  // The store thread stands still.
  Lines done;
  const auto note = [&done](const char* name) {
    return [&done, name](const base::Result<void>& result) { done.push_back(std::string(name) + (result ? "" : " failed")); };
  };
  queue::Recording recording;
  for (std::uint32_t i = 1; i <= many; ++i) recording.records.push_back(deferred(i, 0, at(9000)));
  for (std::uint32_t i = 1; i < many; ++i) (*store)->accept(message(i), [](const base::Result<void>&) {});
  (*store)->record(queue::Recording(recording), note("first"));
  for (auto& each : recording.records) each.state = State::dropped;
  (*store)->record(queue::Recording(recording), note("second"));
  (*store)->accept(message(many), note("accept"));
  submitted.count_down();
  store->reset();

  CHECK(done == Lines{"accept", "first", "second"});
  CHECK(calls > 2);
  CHECK((*queue::open_reader(spool.path()))->counts()->messages == 1);
}

TEST_CASE("large content is a file that goes with its message") {
  Queue queue;
  auto given = message(1);
  auto writer = queue::ContentWriter::create(queue::real_disk(), queue.spool.path(), given.id);
  REQUIRE(writer);
  REQUIRE(writer->append(std::string(300000, 'x')));
  given.content = writer->finish().value();
  REQUIRE(accept(queue.store(), given));
  const auto found = queue.reader().load(given.id);
  REQUIRE(found);
  CHECK(found->content.path() == given.content.path());
  CHECK(found->content.size() == 300000);
  REQUIRE(std::filesystem::exists(given.content.path()));

  SECTION("delivered") { REQUIRE(record(queue.store(), {record(1, 0, State::delivered)})); }
  SECTION("dropped") { REQUIRE(record(queue.store(), {record(1, 0, State::dropped)})); }
  queue.stop();
  CHECK(!std::filesystem::exists(given.content.path()));
}

TEST_CASE("a start removes content files that no message has, and no others") {
  Queue queue;
  auto given = message(1);
  auto kept = queue::ContentWriter::create(queue::real_disk(), queue.spool.path(), given.id);
  REQUIRE(kept);
  given.content = kept->finish().value();
  REQUIRE(accept(queue.store(), given));
  REQUIRE(queue::ContentWriter::create(queue::real_disk(), queue.spool.path(), id_of(2))->finish());
  queue.stop();
  queue.start();
  CHECK(std::filesystem::exists(queue::content_path(queue.spool.path(), id_of(1))));
  CHECK(!std::filesystem::exists(queue::content_path(queue.spool.path(), id_of(2))));
}

TEST_CASE("a message that cannot be kept fails alone; its neighbours in the group do not") {
  TemporarySpool spool;
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  std::atomic<int> calls = 0;
  std::latch blocked(1);
  std::latch submitted(1);
  auto store = queue::open_store(options, [&](queue::Completions completions) {
    const int call = ++calls;
    for (auto& completion : completions) completion();
    if (call != 1) return;
    blocked.count_down();
    submitted.wait();
  });
  REQUIRE(store);
  (*store)->accept(message(1), [](const base::Result<void>&) {});
  blocked.wait();

  // The store thread stands still: all of these wait together and become one group.
  std::mutex mutex;
  Lines outcomes;
  const auto note = [&](const char* name) {
    return [&, name](const base::Result<void>& result) {
      const std::scoped_lock lock(mutex);
      outcomes.push_back(std::string(name) + (result ? " kept" : " " + std::string(to_string(result.error().kind))));
    };
  };
  auto nobody = message(4);
  nobody.envelope.recipients.clear();
  auto elsewhere = message(5);
  elsewhere.content = queue::Content::in_file("/etc/passwd", 10);
  (*store)->accept(message(2), note("second"));
  (*store)->accept(message(1), note("first again"));
  (*store)->accept(nobody, note("without recipients"));
  (*store)->accept(elsewhere, note("another file"));
  (*store)->record(queue::Recording({deferred(1, 0, at(100))}), note("record"));
  (*store)->accept(message(3), note("third"));
  submitted.count_down();
  store->reset();

  CHECK(calls == 2);
  CHECK(outcomes == Lines{"second kept", "first again invalid", "without recipients invalid", "another file invalid",
                          "record kept", "third kept"});
  const auto reader = queue::open_reader(spool.path());
  REQUIRE(reader);
  CHECK(numbers(*(*reader)->queued_after(QueueId(), 10)) == std::vector<std::uint32_t>{2, 3});
  CHECK((*reader)->counts()->messages == 3);
  CHECK((*reader)->newest_id() == id_of(3));
}

TEST_CASE("a store finishes what was submitted before it ends") {
  TemporarySpool spool;
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  std::atomic<int> kept = 0;
  {
    auto store = queue::open_store(options, store_test::complete_at_once);
    REQUIRE(store);
    for (std::uint32_t i = 1; i <= 300; ++i) {
      (*store)->accept(message(i), [&kept](const base::Result<void>& result) { kept += result ? 1 : 0; });
    }
    (*store)->record(queue::Recording({record(1, 0, State::delivered)}),
                     [&kept](const base::Result<void>& result) { kept += result ? 1 : 0; });
  }
  CHECK(kept == 301);
  CHECK((*queue::open_reader(spool.path()))->counts()->messages == 299);
}

TEST_CASE("the spool is for us alone") {
  Queue queue;
  struct stat status{};
  REQUIRE(::stat(queue.spool.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700U);

  SECTION("a second store on it is refused with the pid of the first") {
    queue::StoreOptions options;
    options.spool = queue.spool.path();
    options.medium = queue::Medium::any;
    const auto second = queue::open_store(options, store_test::complete_at_once);
    REQUIRE(!second);
    CHECK(second.error().kind == Kind::refused);
    CHECK(contains(second.error().words, "process " + std::to_string(::getpid())));
  }
  SECTION("until the first has ended") {
    queue.stop();
    queue.start();
    CHECK(queue.store().health() == queue::Health::open);
  }
}

TEST_CASE("a reader needs a queue, but no store") {
  TemporarySpool nothing;
  const auto none = queue::open_reader(nothing.path());
  REQUIRE(!none);
  CHECK(none.error().kind == Kind::invalid);
  CHECK(none.error().words == "no queue at " + nothing.path());

  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  queue.stop();
  {
    const auto reader = queue::open_reader(queue.spool.path());
    REQUIRE(reader);
    CHECK((*reader)->load(id_of(1)));
    CHECK((*reader)->counts()->messages == 1);
  }
  queue.start();
  REQUIRE(accept(queue.store(), message(2)));
  check_counts(queue, 2, 2, 0);
}

TEST_CASE("a reader sees what was committed after it was opened, also when it is the one that made the log's index") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  queue.stop();
  const auto early = queue::open_reader(queue.spool.path());
  REQUIRE(early);
  CHECK((*early)->counts()->messages == 1);
  queue.start();
  REQUIRE(accept(queue.store(), message(2)));
  CHECK((*early)->counts()->messages == 2);
}

TEST_CASE("a database of another schema version is refused in clear words and not touched") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  queue.stop();
  const std::string path = queue.spool.path() + "/queue.db";
  // The user version of the SQLite file format: offset 60, big-endian.
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(60).write("\0\0\0\x63", 4);
  queue::StoreOptions options;
  options.spool = queue.spool.path();
  options.medium = queue::Medium::any;
  const auto store = queue::open_store(options, store_test::complete_at_once);
  REQUIRE(!store);
  CHECK(store.error().kind == Kind::invalid);
  CHECK(contains(store.error().words, "schema version 99"));
  const auto reader = queue::open_reader(queue.spool.path());
  REQUIRE(!reader);
  CHECK(contains(reader.error().words, "schema version 99"));
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("what is not a database is refused") {
  TemporarySpool spool;
  std::filesystem::create_directories(spool.path());
  std::ofstream(spool.path() + "/queue.db") << std::string(8192, 'x');
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  const auto store = queue::open_store(options, store_test::complete_at_once);
  REQUIRE(!store);
  CHECK(contains(store.error().words, "queue.db"));
}

TEST_CASE("many threads submit while others read: nothing is lost, and every view is whole") {
  Queue queue;
  constexpr std::uint32_t threads = 4;
  constexpr std::uint32_t each = 150;
  std::atomic<std::uint32_t> failures = 0;
  std::atomic<bool> reading = true;
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < each; ++i) {
        const std::uint32_t number = t * each + i + 1;
        if (!accept(queue.store(), message(number, {"a.example", "b.example"}))) ++failures;
        const State state = i % 3 == 0 ? State::delivered : State::deferred;
        queue.store().record(queue::Recording({record(number, 0, state), record(number, 1, State::delivered)}),
                             [&failures](const base::Result<void>& result) { failures += result ? 0 : 1; });
      }
    });
  }
  std::thread looking([&] {
    const auto reader = queue::open_reader(queue.spool.path()).value();
    while (reading) {
      const auto rows = reader->list({}, QueueId(), 0, 1000).value();
      for (const auto& row : rows) {
        const auto loaded = reader->load(row.id);
        if (!loaded && loaded.error().kind != Kind::invalid) ++failures;
      }
    }
  });
  for (auto& thread : running) thread.join();
  reading = false;
  looking.join();
  REQUIRE(record(queue.store(), queue::Recording()));
  CHECK(failures == 0);
  check_counts(queue, threads * each * 2 / 3, threads * each * 2 / 3, 0);
  CHECK(destinations(queue) == Lines{"a.example 400 2000"});
}

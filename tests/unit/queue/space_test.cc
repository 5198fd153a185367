// Space that is free goes back to the file system, by itself and in steps between the groups.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::State;
using store_test::id_of;
using store_test::message;
using store_test::Queue;
using store_test::record;

namespace {

constexpr std::uintmax_t mebibyte = 1U << 20U;
constexpr std::uint32_t many = 1800;
constexpr std::uint32_t content_size = 14'000;

std::uintmax_t size_of(const Queue& queue) { return std::filesystem::file_size(queue::database_path(queue.spool.path())); }

/// About 25 MiB.
void fill(Queue& queue) {
  for (std::uint32_t i = 1; i <= many; ++i) {
    auto large = message(i);
    large.content = queue::Content::in_memory(std::string(content_size, 'x'));
    store_test::seal(large);
    queue.store().accept(std::move(large), [](const base::Result<void>&) {});
  }
  REQUIRE(store_test::counts(queue.store()).messages == many);
}

void deliver(Queue& queue, std::uint32_t from, std::uint32_t to) {
  queue::Recording recording;
  for (std::uint32_t i = from; i <= to; ++i) recording.records.push_back(record(i, 0, State::delivered));
  REQUIRE(record(queue.store(), std::move(recording)));
}

/// Whether the file becomes as small as that soon, without any further operation.
bool shrinks_below(const Queue& queue, std::uintmax_t size, std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (size_of(queue) >= size && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return size_of(queue) < size;
}

void check_integrity(const Queue& queue) {
  auto database = queue::open_for_reading(queue.spool.path(), {}).value();
  auto check = database.prepare("PRAGMA integrity_check").value();
  REQUIRE(check.step() == true);
  CHECK(check.text(0) == "ok");
}

}  // namespace

TEST_CASE("a queue that has emptied gives its space back though nothing more happens") {
  Queue queue;
  fill(queue);
  deliver(queue, 1, many - 5);
  queue.stop();
  CHECK(size_of(queue) > 20 * mebibyte);
  queue.start();
  REQUIRE(record(queue.store(), queue::Recording()));
  CHECK(shrinks_below(queue, mebibyte));
  for (std::uint32_t i = many - 4; i <= many; ++i) CHECK(queue.reader().load(id_of(i)));
  queue.stop();
  check_integrity(queue);
}

TEST_CASE("a queue that keeps more than may be written anew at once gives back what is free in steps") {
  Queue queue;
  fill(queue);
  deliver(queue, 1, many - 500);
  CHECK(shrinks_below(queue, 12 * mebibyte));
  for (std::uint32_t i = many - 499; i <= many; ++i) CHECK(queue.reader().load(id_of(i)));
  queue.stop();
  check_integrity(queue);
}

TEST_CASE("the file is cut off when nobody reads what is in its end any more") {
  Queue queue;
  fill(queue);
  {
    auto reader = queue::open_for_reading(queue.spool.path(), {}).value();
    auto contents = reader.prepare("SELECT sum(length(content)), count(*) FROM body").value();
    auto rows = reader.prepare("SELECT id FROM body").value();
    REQUIRE(rows.step() == true);
    deliver(queue, 1, many);
    CHECK_FALSE(shrinks_below(queue, 20 * mebibyte, std::chrono::seconds(2)));
    REQUIRE(contents.step() == true);
    CHECK(contents.integer(0) == std::int64_t{many} * content_size);
    CHECK(contents.integer(1) == many);
  }
  CHECK(shrinks_below(queue, mebibyte));
}

TEST_CASE("what was not cut off yet is cut off when the store closes") {
  Queue queue;
  fill(queue);
  deliver(queue, 1, many);
  for (int i = 0; i < 2000 && size_of(queue) > 20 * mebibyte; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  queue.stop();
  CHECK(size_of(queue) < mebibyte);
}

TEST_CASE("what is a part of the file only stays for the next messages") {
  Queue queue;
  fill(queue);
  deliver(queue, 1, many / 3);
  queue.stop();
  const auto before = size_of(queue);
  queue.start();
  REQUIRE(record(queue.store(), queue::Recording()));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(size_of(queue) == before);
}

TEST_CASE("mail is taken while space is given back") {
  Queue queue;
  fill(queue);
  deliver(queue, 1, many - 5);
  std::uint32_t number = many;
  for (int i = 0; i < 2000 && size_of(queue) >= 6 * mebibyte; ++i) {
    REQUIRE(store_test::accept(queue.store(), message(++number)));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(size_of(queue) < 6 * mebibyte);
  CHECK(store_test::counts(queue.store()).messages == number - many + 5);
}

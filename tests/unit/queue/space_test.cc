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

std::uintmax_t size_of(const Queue& queue) { return std::filesystem::file_size(queue::database_path(queue.spool.path())); }

/// About 25 MiB.
void fill(Queue& queue) {
  for (std::uint32_t i = 1; i <= many; ++i) {
    auto large = message(i);
    large.content = queue::Content::in_memory(std::string(14'000, 'x'));
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
bool shrinks_below(const Queue& queue, std::uintmax_t size) {
  for (int i = 0; i < 2000 && size_of(queue) >= size; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return size_of(queue) < size;
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
  CHECK(shrinks_below(queue, 6 * mebibyte));
  for (std::uint32_t i = many - 4; i <= many; ++i) CHECK(queue.reader().load(id_of(i)));
  queue.stop();
  auto database = queue::open_for_reading(queue.spool.path(), {}).value();
  auto check = database.prepare("PRAGMA integrity_check").value();
  REQUIRE(check.step() == true);
  CHECK(check.text(0) == "ok");
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

// A database page that is damaged on the disk: what is noticed, what is closed, and that nothing is deleted.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::id_of;
using store_test::message;
using store_test::Queue;
using store_test::record;

namespace {

constexpr std::int64_t page_size = 4096;

/// Everything in the first page of a table becomes nonsense. The store must not be running.
void damage(const std::string& spool, const std::string& table) {
  std::int64_t page = 0;
  {
    auto database = queue::open_for_reading(spool, {});
    REQUIRE(database);
    REQUIRE(database->query_integer("PRAGMA page_size") == page_size);
    page = database->query_integer("SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'").value().value();
  }
  std::fstream file(queue::database_path(spool), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((page - 1) * page_size);
  file << std::string(page_size, '\xaa');
  REQUIRE(file.good());
}

std::size_t size_of(const std::string& path) { return std::filesystem::file_size(path); }

}  // namespace

TEST_CASE("a damaged page closes the store to writing, and the reader tells of it") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i)));
  queue.stop();
  damage(queue.spool.path(), "recipient");
  const std::size_t before = size_of(queue::database_path(queue.spool.path()));
  queue.start();

  const auto rows = queue.reader().recipients(id_of(2));
  REQUIRE(!rows);
  CHECK(rows.error().kind == Kind::storage);
  const auto page = queue.reader().list({}, queue::QueueId(), 0, 100);
  REQUIRE(!page);
  CHECK(page.error().kind == Kind::storage);
  const auto loaded = queue.reader().load(id_of(2));
  REQUIRE(!loaded);
  CHECK(loaded.error().kind == Kind::storage);
  const auto due = queue.reader().queued_after(queue::QueueId(), 100);
  CHECK((!due ? due.error().kind : Kind::storage) == Kind::storage);

  const auto recorded = record(queue.store(), {record(1, 0, State::delivered)});
  REQUIRE(!recorded);
  CHECK(recorded.error().kind == Kind::storage);
  CHECK(queue.store().health() == queue::Health::closed);
  const auto refused = accept(queue.store(), message(4));
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::storage);
  CHECK(size_of(queue::database_path(queue.spool.path())) == before);
}

TEST_CASE("a message whose body cannot be read can be set aside; the others go on") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i)));
  queue.stop();
  damage(queue.spool.path(), "body");
  queue.start();
  const auto loaded = queue.reader().load(id_of(2));
  REQUIRE(!loaded);
  CHECK(loaded.error().kind == Kind::storage);
  REQUIRE(store_test::quarantine(queue.store(), id_of(2), loaded.error().words, at(100)));
  CHECK(queue.store().health() == queue::Health::open);
  CHECK(queue.reader().quarantined(10)->size() == 1);
  CHECK(queue.reader().recipients(id_of(1))->size() == 1);
  CHECK(store_test::counts(queue.store()).messages == 2);
}

TEST_CASE("a closed store tries to open again by itself") {
  store_test::TemporarySpool spool;
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  options.reopen_every = std::chrono::milliseconds(5);
  std::atomic<int> opened = 0;
  std::atomic<int> closed = 0;
  options.health_changed = [&](queue::Health health, std::string_view) {
    if (health == queue::Health::open) ++opened;
    if (health == queue::Health::closed) ++closed;
  };
  {
    const auto store = queue::open_store(options, store_test::complete_at_once).value();
    REQUIRE(accept(*store, message(1)));
  }
  damage(spool.path(), "recipient");
  const auto store = queue::open_store(options, store_test::complete_at_once).value();
  REQUIRE(!record(*store, {record(1, 0, State::delivered)}));
  for (int i = 0; i < 1000 && opened == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(closed == 1);
  CHECK(opened == 1);
  // What is damaged closes it again.
  REQUIRE(!record(*store, {record(1, 0, State::delivered)}));
  CHECK(closed == 2);
}

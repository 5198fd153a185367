// The database file beside its pages: what is cut off its end, and writing it anew.
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/file.h"
#include "queue/disk.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::Database;

namespace {

constexpr std::int64_t kibibyte = 1024;

/// A database of a megabyte of which nearly all is free.
struct Roomy {
  Roomy() {
    base::make_directories(spool.path()).value();
    database.emplace(queue::open_for_writing(spool.path(), {}, queue::real_disk(), {}).value());
    run("CREATE TABLE filler(octets)");
    run("INSERT INTO filler VALUES(zeroblob(1000000))");
    database->checkpoint(Database::Checkpoint::passive).value();
  }

  void run(const char* sql) { database->execute(sql).value(); }
  std::int64_t length() { return database->file_length().value(); }
  /// A checkpoint that has something to move.
  void checkpoint() {
    run("PRAGMA application_id=0");
    database->checkpoint(Database::Checkpoint::passive).value();
  }

  store_test::TemporarySpool spool;
  std::optional<Database> database;
};

}  // namespace

TEST_CASE("a checkpoint cuts off no more than it may") {
  Roomy roomy;
  roomy.run("DELETE FROM filler");
  const std::int64_t full = roomy.length();
  REQUIRE(full > 900 * kibibyte);
  roomy.database->cut_at_most(256 * kibibyte);
  REQUIRE(roomy.database->rewrite(std::chrono::seconds(10)));
  CHECK(roomy.length() == full);
  roomy.checkpoint();
  CHECK(roomy.length() == full - 256 * kibibyte);
  roomy.checkpoint();
  CHECK(roomy.length() == full - 512 * kibibyte);
  roomy.database->cut_at_most(0);
  roomy.checkpoint();
  CHECK(roomy.length() < 256 * kibibyte);
}

TEST_CASE("a database with a longer file than its pages is whole and grows into it") {
  Roomy roomy;
  roomy.run("DELETE FROM filler");
  roomy.database->cut_at_most(256 * kibibyte);
  REQUIRE(roomy.database->rewrite(std::chrono::seconds(10)));
  roomy.checkpoint();
  const std::int64_t longer = roomy.length();
  SECTION("in the same process") {}
  SECTION("after a start") {
    roomy.database.reset();
    roomy.database.emplace(queue::open_for_writing(roomy.spool.path(), {}, queue::real_disk(), {}).value());
  }
  roomy.run("INSERT INTO filler VALUES(zeroblob(300000))");
  roomy.checkpoint();
  CHECK(roomy.length() <= longer);
  CHECK(roomy.database->query_integer("SELECT sum(length(octets)) FROM filler").value() == 300'000);
  auto check = roomy.database->prepare("PRAGMA integrity_check").value();
  REQUIRE(check.step() == true);
  CHECK(check.text(0) == "ok");
}

TEST_CASE("writing anew ends without effect when its time is up") {
  Roomy roomy;
  roomy.run("CREATE TABLE many(number)");
  roomy.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO many SELECT i FROM n");
  roomy.run("DELETE FROM filler");
  const auto pages = roomy.database->query_integer("PRAGMA page_count").value();
  const auto written = roomy.database->rewrite(std::chrono::milliseconds(0));
  REQUIRE_FALSE(written);
  CHECK(written.error().kind == base::Kind::temporary);
  CHECK(roomy.database->query_integer("PRAGMA page_count").value() == pages);
  CHECK_FALSE(roomy.database->in_transaction());
  CHECK(roomy.database->query_integer("SELECT count(*) FROM many").value() == 100'000);
  REQUIRE(roomy.database->rewrite(std::chrono::seconds(10)));
  CHECK(roomy.database->query_integer("PRAGMA freelist_count").value() == 0);
}

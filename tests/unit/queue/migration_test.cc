// A queue of version 1 is brought up to date when the store opens it, and a copy of it is kept. (What happens when the process or
// the disk fails meanwhile: tests/crash.)
#include "queue/sqlite_migration.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "store_fixture.h"
#include "tests/catch.h"
#include "version_1.h"

using base::Kind;
using queue::QueueId;
using queue::State;
using store_test::at;
using store_test::id_of;
using store_test::message;
using store_test::TemporarySpool;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

base::Result<std::unique_ptr<queue::Store>> open(const TemporarySpool& spool) {
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  return queue::open_store(options, store_test::complete_at_once);
}

/// 1 waits for its first attempt, 2 has one recipient in each state, 3 has failed, 4 has its content in a file.
std::vector<version_1::Message> some_messages(const std::string& spool) {
  std::vector<version_1::Message> messages(4);
  messages[0] = {message(1), {{State::queued, 0, at(1), ""}}};
  messages[1] = {message(2, {"a.example", "b.example", "c.example", "d.example"}),
                 {{State::queued, 0, at(2), ""},
                  {State::deferred, 3, at(900), "451 try later"},
                  {State::delivered, 1, at(2), "250 taken"},
                  {State::failed, 2, at(2), "550 5.1.1 no such user"}}};
  messages[2] = {message(3, {"b.example"}), {{State::failed, 1, at(3), "550 5.1.1 no such user"}}};
  messages[2].message.envelope.reverse_path = mail::ReversePath();
  messages[3] = {message(4, {"a.example"}), {{State::deferred, 1, at(700), "451 try later"}}};
  base::make_directories(queue::content_folder(spool)).value();
  auto file = queue::ContentWriter::create(queue::real_disk(), spool, id_of(4)).value();
  file.append("large content").value();
  messages[3].message.content = file.finish().value();
  return messages;
}

}  // namespace

TEST_CASE("a queue of version 1 is migrated with everything that is in it") {
  const TemporarySpool spool;
  const auto before = some_messages(spool.path());
  REQUIRE(version_1::write_queue(spool.path(), before));
  auto store = open(spool);
  REQUIRE(store);
  const auto reader = queue::open_reader(spool.path()).value();

  for (const auto& given : before) {
    const auto found = reader->load(given.message.id);
    REQUIRE(found);
    CHECK(found->envelope == given.message.envelope);
    CHECK(found->received == given.message.received);
    CHECK(found->expires == given.message.expires);
    CHECK(found->client == given.message.client);
    CHECK(found->origin == queue::Origin::trusted);
    CHECK(found->prefix == given.message.prefix);
    CHECK(found->content.octets() == given.message.content.octets());
    CHECK(found->content.path() == given.message.content.path());
    CHECK(found->content.size() == given.message.content.size());
    CHECK(found->crc == given.message.crc);
  }
  const auto rows = reader->recipients(id_of(2)).value();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].state == State::queued);
  CHECK(rows[1].state == State::deferred);
  CHECK(rows[1].attempts == 3);
  CHECK(rows[1].next_attempt == at(900));
  CHECK(rows[1].last_reply == "451 try later");
  CHECK(rows[1].mx == "mx.example.com");
  CHECK(rows[2].state == State::delivered);
  CHECK(rows[0].size == message(2).size());

  SECTION("what had failed is due at once, so that its sender is told") {
    CHECK(rows[3].state == State::deferred);
    CHECK(rows[3].last_reply == "550 5.1.1 no such user");
    CHECK(rows[3].next_attempt > at(-1'000'000'000));
    CHECK(rows[3].next_attempt <= base::now());
    CHECK(reader->recipients(id_of(3))->at(0).state == State::deferred);
  }
  SECTION("sums are counted anew") {
    const auto counts = reader->counts().value();
    CHECK(counts.messages == 4);
    CHECK(counts.recipients == 6);
    CHECK(counts.held == 0);
    CHECK(counts.quarantined == 0);
    const auto destinations = reader->destinations().value();
    REQUIRE(destinations.size() == 3);
    CHECK(destinations[1].name == "b.example");
    CHECK(destinations[1].recipients == 2);
    CHECK(destinations[0].earliest == at(700));
    CHECK(reader->newest_id() == id_of(4));
  }
  SECTION("it works on") {
    REQUIRE(store_test::accept(**store, message(5)));
    REQUIRE(store_test::record(**store, {store_test::record(4, 0, State::delivered)}));
    store->reset();
    CHECK(!std::filesystem::exists(before[3].message.content.path()));
    store = open(spool);
    REQUIRE(store);
    CHECK(store_test::counts(**store).messages == 4);
  }
}

TEST_CASE("the database of version 1 is kept, whole") {
  const TemporarySpool spool;
  REQUIRE(version_1::write_queue(spool.path(), some_messages(spool.path())));
  REQUIRE(open(spool));
  const std::string backup = spool.path() + "/queue.db.v1";
  CHECK(queue::backup_path_of_1(spool.path()) == backup);
  REQUIRE(std::filesystem::exists(backup));
  auto old = queue::Database::open(backup, queue::Database::Mode::read_write, {});
  REQUIRE(old);
  CHECK(old->query_integer("PRAGMA user_version") == 1);
  CHECK(old->query_integer("SELECT count(*) FROM message") == 4);
  CHECK(old->query_integer("SELECT failed FROM totals") == 2);
  CHECK(!std::filesystem::exists(spool.path() + "/queue.db.new"));
}

TEST_CASE("a migration is announced, as it takes time; no other start is") {
  const TemporarySpool spool;
  REQUIRE(version_1::write_queue(spool.path(), some_messages(spool.path())));
  std::vector<std::string> told;
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  options.migrating = [&told](std::string_view words) { told.emplace_back(words); };
  REQUIRE(queue::open_store(options, store_test::complete_at_once));
  REQUIRE(queue::open_store(options, store_test::complete_at_once));
  CHECK(told == std::vector<std::string>{"bringing the queue from schema version 1 to 2"});
}

TEST_CASE("what an interrupted migration left behind is no obstacle") {
  const TemporarySpool spool;
  REQUIRE(version_1::write_queue(spool.path(), some_messages(spool.path())));
  std::ofstream(spool.path() + "/queue.db.new") << "half of a database";
  std::ofstream(spool.path() + "/queue.db.v1") << "an older backup";
  const auto store = open(spool);
  REQUIRE(store);
  CHECK(store_test::counts(**store).messages == 4);
  CHECK(std::filesystem::file_size(spool.path() + "/queue.db.v1") > 4096);
}

TEST_CASE("a reader does not migrate; it says who does") {
  const TemporarySpool spool;
  REQUIRE(version_1::write_queue(spool.path(), some_messages(spool.path())));
  const auto reader = queue::open_reader(spool.path());
  REQUIRE(!reader);
  CHECK(reader.error().kind == Kind::invalid);
  CHECK(contains(reader.error().words, "start the relay once"));
}

TEST_CASE("a migration needs room beside the old database") {
  constexpr std::uint64_t mebibyte = 1U << 20U;
  CHECK(queue::check_room_for_migration(100 * mebibyte, 200 * mebibyte));
  const auto refused = queue::check_room_for_migration(100 * mebibyte, 120 * mebibyte);
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::full);
  CHECK(contains(refused.error().words, "needs 142 MiB of free space, there are 120 MiB"));
}

TEST_CASE("the new database gives its space back in steps") {
  const TemporarySpool spool;
  REQUIRE(version_1::write_queue(spool.path(), some_messages(spool.path())));
  REQUIRE(open(spool));
  auto database = queue::open_for_reading(spool.path(), {});
  REQUIRE(database);
  CHECK(database->query_integer("PRAGMA auto_vacuum") == 2);
}

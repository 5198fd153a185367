// What the dispatcher asks the reader for, and what it is told about damage.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "queue/content_file.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::QueueId;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::id_of;
using store_test::message;
using store_test::Queue;
using store_test::record;

namespace {

using Numbers = std::vector<std::uint32_t>;
using Lines = std::vector<std::string>;

Numbers numbers(const base::Result<std::vector<queue::DueRecipient>>& recipients) {
  REQUIRE(recipients);
  Numbers found;
  for (const auto& recipient : *recipients) {
    found.push_back(static_cast<std::uint32_t>(recipient.message.value() - id_of(0).value()));
  }
  return found;
}

/// Changes the tables behind the store's back.
void damage(Queue& queue, const std::string& sql) {
  queue.stop();
  {
    auto database = queue::Database::open(queue::database_path(queue.spool.path()), queue::Database::Mode::read_write, {});
    REQUIRE(database);
    const auto done = database->execute(sql.c_str());
    INFO(sql);
    REQUIRE(done);
  }
  queue.start();
}

}  // namespace

TEST_CASE("those who wait are found for the warning of a delay: queued or deferred, once") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 5; ++i) REQUIRE(accept(queue.store(), message(i, {"a.example", "b.example"})));
  queue::Recording recording;
  recording.records = {record(1, 0, State::deferred), record(2, 0, State::held), record(3, 1, State::failed)};
  recording.warned = {{id_of(4), 1}, {id_of(1), 0}};
  REQUIRE(record(queue.store(), recording));
  const QueueId all(std::uint64_t{1} << 54U);

  const auto found = queue.reader().waiting(QueueId(), all, 100);
  CHECK(numbers(found) == Numbers{1, 2, 3, 4, 5, 5});
  CHECK(found->at(0).index == 1);
  CHECK(found->at(0).destination == "b.example");
  CHECK(found->at(3).index == 0);
  SECTION("of messages behind one and up to another") {
    CHECK(numbers(queue.reader().waiting(id_of(2), id_of(4), 100)) == Numbers{3, 4});
    CHECK(numbers(queue.reader().waiting(id_of(4), id_of(4), 100)).empty());
  }
  SECTION("in pages of whole messages") { CHECK(numbers(queue.reader().waiting(id_of(3), all, 2)) == Numbers{4, 5, 5}); }
}

TEST_CASE("expired recipients come in the order of messages, whatever the order of their expiry") {
  Queue queue;
  constexpr std::uint32_t messages = 12;
  for (std::uint32_t i = 1; i <= messages; ++i) {
    auto given = message(i, {"a.example", "b.example"});
    given.expires = at(1000 - i);
    REQUIRE(accept(queue.store(), given));
    if (i % 3 != 0) REQUIRE(record(queue.store(), {record(i, 0, i % 3 == 1 ? State::deferred : State::held)}));
  }
  CHECK(numbers(queue.reader().expired(at(1000 - 10), QueueId(), 100)) == Numbers{10, 10, 11, 12, 12});
  CHECK(numbers(queue.reader().expired(at(1000 - 10), id_of(10), 1)) == Numbers{11});
  CHECK(numbers(queue.reader().expired(at(1000), QueueId(), 3)) == Numbers{1, 1, 2});
  CHECK(numbers(queue.reader().expired(at(900), QueueId(), 3)).empty());
}

TEST_CASE("when very many have expired they are found in the order of messages as well") {
  Queue queue;
  constexpr std::uint32_t recipients = 1'050;
  constexpr std::uint32_t messages = 10;
  for (std::uint32_t i = 1; i <= messages; ++i) {
    auto given = message(i, std::vector<std::string>(recipients, "a.example"));
    given.expires = at(1000 - i);
    REQUIRE(accept(queue.store(), given));
    std::vector<queue::DeliveryRecord> records;
    for (std::uint32_t index = 0; index < recipients - 1; ++index) records.push_back(record(i, index, State::deferred));
    REQUIRE(record(queue.store(), records));
  }
  auto late = message(11);
  late.expires = at(5000);
  REQUIRE(accept(queue.store(), late));
  Numbers expected;
  for (const std::uint32_t i : {3U, 4U}) expected.insert(expected.end(), recipients, i);
  CHECK(numbers(queue.reader().expired(at(2000), id_of(2), recipients + 1)) == expected);
  CHECK(numbers(queue.reader().expired(at(2000), id_of(10), 1)).empty());
}

TEST_CASE("mail that will expire soon is counted for the destinations that somebody asks about") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 6; ++i) {
    auto given = message(i, {i % 2 == 0 ? "even.example" : "odd.example"});
    given.expires = at(1000 - 10 * i);
    REQUIRE(accept(queue.store(), given));
    if (i < 6) REQUIRE(record(queue.store(), {record(i, 0, i == 5 ? State::held : State::deferred)}));
  }
  const auto odd = [](std::string_view destination) { return destination == "odd.example"; };
  const auto found = queue.reader().expiring(at(0), at(2000), odd);
  REQUIRE(found);
  CHECK(found->recipients == 2);
  REQUIRE(found->first);
  CHECK(found->first->message == id_of(3));
  CHECK(found->first->expires == at(970));
  CHECK(found->first->destination == "odd.example");

  CHECK(queue.reader().expiring(at(970), at(990), odd)->recipients == 1);
  CHECK(queue.reader().expiring(at(971), at(990), odd)->recipients == 0);
  CHECK(!queue.reader().expiring(at(0), at(2000), [](std::string_view) { return false; })->first);
}

TEST_CASE("actions are read as they were begun, newest first") {
  Queue queue;
  CHECK(queue.reader().actions()->empty());
  queue::Action given;
  given.id = id_of(5);
  given.deed = queue::Deed::bounce;
  given.filter.from = "bob@abc.com";
  given.filter.reply = "two\nlines";
  given.filter.until = id_of(3);
  given.begun = at(5);
  given.until = id_of(4);
  REQUIRE(store_test::begin_action(queue.store(), given));
  given.id = id_of(6);
  given.deed = queue::Deed::retry;
  REQUIRE(store_test::begin_action(queue.store(), given));
  const auto actions = queue.reader().actions();
  REQUIRE(actions);
  REQUIRE(actions->size() == 2);
  CHECK(actions->at(0).id == id_of(6));
  const queue::Action& read = actions->at(1);
  CHECK(read.id == id_of(5));
  CHECK(read.deed == queue::Deed::bounce);
  CHECK(read.filter == given.filter);
  CHECK(read.begun == at(5));
  CHECK(read.until == id_of(4));
  CHECK(read.done == queue::RecipientKey());
  CHECK(!read.finished);

  SECTION("and one that makes no sense is an error that names it") {
    damage(queue, "UPDATE action SET filter='colour red' WHERE begun=" + std::to_string(at(5).time_since_epoch().count()) +
                      " AND deed=" + std::to_string(static_cast<int>(queue::Deed::bounce)));
    const auto wrong = queue.reader().actions();
    REQUIRE(!wrong);
    CHECK(wrong.error().kind == Kind::damaged);
    CHECK(wrong.error().words.starts_with("action " + id_of(5).to_string() + " is damaged: "));
  }
}

TEST_CASE("pauses are read by their pattern") {
  Queue queue;
  REQUIRE(store_test::pause(queue.store(), {"*.two.example", at(2), std::nullopt}));
  REQUIRE(store_test::pause(queue.store(), {"*.one.example", at(1), std::nullopt}));
  const auto pauses = queue.reader().pauses();
  REQUIRE(pauses);
  REQUIRE(pauses->size() == 2);
  CHECK(pauses->at(0).pattern == "*.one.example");
  CHECK(pauses->at(0).since == at(1));
  CHECK(!pauses->at(0).warned);
}

TEST_CASE("what was set aside is shown, newest first") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i)));
  for (const std::uint32_t i : {2U, 1U, 3U}) {
    REQUIRE(store_test::quarantine(queue.store(), id_of(i), "reason " + std::to_string(i), at(100 - i)));
  }
  damage(queue, "DELETE FROM quarantine_message WHERE sender_local_part='sender3'");
  const auto found = queue.reader().quarantined(10);
  REQUIRE(found);
  Lines lines;
  for (const auto& row : *found)
    lines.push_back(row.reason + " " + row.sender + " " + std::to_string((row.when - at(0)).count()));
  CHECK(lines == Lines{"reason 1 sender1@sender.example 99000", "reason 2 sender2@sender.example 98000", "reason 3  97000"});
  CHECK(found->at(0).id == id_of(1));
  CHECK(queue.reader().quarantined(1)->size() == 1);
}

TEST_CASE("a message whose rows make no sense is not loaded, and its neighbours are not hidden by it") {
  const auto [sql, words] = GENERATE(values<std::pair<std::string, std::string>>({
      {"UPDATE message SET origin=9", "its origin is 9"},
      {"UPDATE message SET received=9223372036854775807", "its time of receipt is 9223372036854775807"},
      {"UPDATE message SET size=-1", "its size is -1"},
      {"UPDATE message SET size=size+1", "its size is not that of its parts"},
      {"UPDATE message SET in_file=1", "its content is neither in its row nor in its file alone"},
      {"UPDATE message SET in_file=7", "its kind of content is 7"},
      {"UPDATE message SET sender_domain='a b'", "its reverse-path is no mailbox"},
      {"UPDATE message SET sender_domain=NULL", "its reverse-path is half a mailbox"},
      {"UPDATE message SET message_id='<a' || char(10) || 'b>'", "its Message-ID is not one word"},
      {"UPDATE body SET expires=-9223372036854775808", "its time of expiry is -9223372036854775808"},
      {"UPDATE body SET type=24", "its body type is 24"},
      {"UPDATE body SET declared_size=-5", "its declared size is -5"},
      {"UPDATE body SET extended=2", "its kind of greeting is 2"},
      {"UPDATE body SET helo='a' || char(13)", "its EHLO name is not one line"},
      {"UPDATE body SET ret=3", "its RET is 3"},
      {"UPDATE body SET envid='a b'", "its ENVID is not one short word"},
      {"UPDATE body SET content_size=-1", "its content size is -1"},
      {"UPDATE body SET content=x'00'", "its content has another size than its row says"},
      {"UPDATE body SET crc=4294967296", "its CRC is 4294967296"},
      {"UPDATE body SET crc=(crc + 1) % 1000", "its CRC is wrong"},
      {"DELETE FROM body", "its body is missing"},
      {"DELETE FROM message", "it has recipients only"},
      {"DELETE FROM recipient", "it has no recipients"},
      {"DELETE FROM recipient WHERE number=0", "its recipient 0 is missing"},
      {"UPDATE recipient SET state=6 WHERE number=1", "its recipient 1: the state is 6"},
      {"UPDATE recipient SET attempts=-1 WHERE number=1", "its recipient 1: the number of attempts is -1"},
      {"UPDATE recipient SET next_attempt=9000000000000000000 WHERE number=0",
       "its recipient 0: the time of the next attempt is 9000000000000000000"},
      {"UPDATE recipient SET expires=9000000000000000000", "its recipient 0: the time of expiry is 9000000000000000000"},
      {"UPDATE recipient SET reply=-2", "its recipient 0: the reply is -2"},
      {"UPDATE recipient SET warned=2", "its recipient 0: the mark of a warning is 2"},
      {"UPDATE recipient SET notify=3", "its recipient 0: the NOTIFY is 3"},
      {"UPDATE recipient SET notify=256", "its recipient 0: the NOTIFY is 256"},
      {"UPDATE recipient SET orcpt='rfc822;a b'", "its recipient 0: the ORCPT is not one short word"},
      {"UPDATE recipient SET local_part=char(0)", "its recipient 0: the mailbox is none"},
      {"UPDATE recipient SET destination='EXAMPLE.com'", ""},
  }));
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  REQUIRE(accept(queue.store(), message(2, {"a.example", "b.example"})));
  REQUIRE(accept(queue.store(), message(3)));
  const std::string id = std::to_string(id_of(2).value());
  const std::string key = sql.find("recipient") != std::string::npos ? "message=" : "id=";
  damage(queue, sql + (sql.find("WHERE") != std::string::npos ? " AND " : " WHERE ") + key + id);
  INFO(sql);
  const auto loaded = queue.reader().load(id_of(2));
  if (words.empty()) {
    CHECK(loaded);
  } else {
    REQUIRE(!loaded);
    CHECK(loaded.error().kind == Kind::damaged);
    CHECK(loaded.error().words == "message " + id_of(2).to_string() + " is damaged: " + words);
  }
  CHECK(queue.reader().load(id_of(1)));
  CHECK(queue.reader().load(id_of(3)));
  CHECK(queue.reader().recipients(id_of(2)));
  const auto rows = queue.reader().list(queue::Filter(), QueueId(), 0, 100);
  REQUIRE(rows);
  CHECK(rows->front().id == id_of(1));
  CHECK(rows->back().id == id_of(3));
  CHECK(queue.reader().queued_after(QueueId(), 100)->size() >= 2);
  for (const auto by : {queue::SummaryBy::domain, queue::SummaryBy::mx, queue::SummaryBy::sender}) {
    CHECK(queue.reader().summary(by, 10));
  }
}

TEST_CASE("a recipient in a state that nobody knows is still shown") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  damage(queue, "UPDATE recipient SET state=77");
  const auto rows = queue.reader().list(queue::Filter(), QueueId(), 0, 100);
  REQUIRE(rows->size() == 1);
  CHECK(to_string(rows->front().state) == "unknown");
}

TEST_CASE("content files that are missing or have another size are damage") {
  Queue queue;
  auto given = message(1);
  auto writer = queue::ContentWriter::create(queue::real_disk(), queue.spool.path(), given.id);
  REQUIRE(writer);
  REQUIRE(writer->append(std::string(300000, 'x')));
  given.content = writer->finish().value();
  REQUIRE(accept(queue.store(), given));
  REQUIRE(queue.reader().load(id_of(1)));
  SECTION("missing") {
    std::filesystem::remove(given.content.path());
    const auto loaded = queue.reader().load(id_of(1));
    REQUIRE(!loaded);
    CHECK(loaded.error().kind == Kind::damaged);
    CHECK(loaded.error().words.ends_with("its content file " + given.content.path() + " is missing"));
  }
  SECTION("cut off") {
    std::filesystem::resize_file(given.content.path(), 299999);
    const auto loaded = queue.reader().load(id_of(1));
    REQUIRE(!loaded);
    CHECK(loaded.error().kind == Kind::damaged);
    CHECK(loaded.error().words.ends_with("has 299999 octets, not 300000"));
  }
}

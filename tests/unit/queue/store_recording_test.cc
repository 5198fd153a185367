// What one Recording does: outcomes, holds, warnings, notices and the step of an action, all of it or nothing.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "queue/content_file.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::QueueId;
using queue::Recording;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::counts;
using store_test::id_of;
using store_test::message;
using store_test::Queue;
using store_test::record;

namespace {

queue::DeliveryRecord by_admin(std::uint32_t number, std::uint32_t index, State state) {
  queue::DeliveryRecord made = record(number, index, state);
  made.mx = "";
  made.reply = "";
  made.attempted = queue::Attempted::no;
  return made;
}

queue::DeliveryRecord deferred(std::uint32_t number, std::uint32_t index, base::Time next) {
  queue::DeliveryRecord made = record(number, index, State::deferred);
  made.next_attempt = next;
  return made;
}

queue::ListRow row_of(Queue& queue, std::uint32_t number, std::uint32_t index = 0) {
  const auto rows = queue.reader().recipients(id_of(number)).value();
  REQUIRE(rows.size() > index);
  return rows[index];
}

std::size_t due(Queue& queue, base::Time now) { return queue.reader().due("example.com", now, 100)->size(); }

}  // namespace

TEST_CASE("what a sender wants to know is kept with the message") {
  Queue queue;
  auto given = message(1, {"a.example", "b.example"});
  given.origin = queue::Origin::stranger;
  given.envelope.ret = mail::Return::headers;
  given.envelope.envid = "QQ314159";
  given.envelope.recipients[0].notify = mail::Notify(mail::Notify::success | mail::Notify::failure);
  given.envelope.recipients[0].orcpt = "rfc822;bob@a.example";
  given.envelope.recipients[1].notify = mail::Notify(mail::Notify::never);
  REQUIRE(accept(queue.store(), given));
  const auto found = queue.reader().load(given.id);
  REQUIRE(found);
  CHECK(found->origin == given.origin);
  CHECK(found->envelope == given.envelope);
}

TEST_CASE("recipients of one message may expire at times of their own") {
  Queue queue;
  auto given = message(1, {"a.example", "b.example"});
  given.expires_of = {at(100), at(200)};
  REQUIRE(accept(queue.store(), given));
  const auto waiting = queue.reader().queued_after(QueueId(), 10).value();
  REQUIRE(waiting.size() == 2);
  CHECK(waiting[0].expires == at(100));
  CHECK(waiting[1].expires == at(200));
  CHECK(queue.reader().expired(at(100), QueueId(), 10)->size() == 1);

  auto wrong = message(2, {"a.example", "b.example"});
  wrong.expires_of = {at(100)};
  CHECK(accept(queue.store(), wrong).error().kind == Kind::invalid);
}

TEST_CASE("a record may set another time of giving up") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  auto later = deferred(1, 0, at(50));
  later.expires = at(60);
  REQUIRE(record(queue.store(), {later}));
  CHECK(queue.reader().due("example.com", at(50), 10)->at(0).expires == at(60));
  CHECK(queue.reader().expired(at(60), QueueId(), 10)->size() == 1);
  REQUIRE(record(queue.store(), {deferred(1, 0, at(70))}));
  CHECK(queue.reader().due("example.com", at(70), 10)->at(0).expires == at(60));
}

TEST_CASE("held recipients wait, are not due and do not expire, until they are released") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  REQUIRE(accept(queue.store(), message(2)));
  REQUIRE(record(queue.store(), {deferred(1, 0, at(10))}));
  REQUIRE(record(queue.store(), {by_admin(1, 0, State::held), by_admin(2, 0, State::held)}));
  CHECK(counts(queue.store()).recipients == 2);
  CHECK(counts(queue.store()).held == 2);
  CHECK(queue.reader().counts()->held == 2);
  CHECK(due(queue, at(1'000'000)) == 0);
  CHECK(queue.reader().destinations()->empty());
  CHECK(queue.reader().queued_after(QueueId(), 10)->empty());
  CHECK(queue.reader().expired(message(1).expires + std::chrono::hours(1), QueueId(), 10)->empty());

  queue.stop();
  queue.start();
  auto released = by_admin(1, 0, State::deferred);
  released.next_attempt = at(30);
  REQUIRE(record(queue.store(), {released, by_admin(2, 0, State::dropped)}));
  CHECK(counts(queue.store()).held == 0);
  CHECK(counts(queue.store()).messages == 1);
  CHECK(due(queue, at(30)) == 1);
}

TEST_CASE("what was not an attempt leaves the reply of the last one, unless it has words of its own") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  REQUIRE(record(queue.store(), {deferred(1, 0, at(10))}));
  auto held = by_admin(1, 0, State::held);
  held.attempts = 1;
  SECTION("the last words stay") {
    REQUIRE(record(queue.store(), {held}));
    CHECK(row_of(queue, 1).last_reply == "451 4.7.1 try later");
    CHECK(row_of(queue, 1).mx == "mx.example.com");
  }
  SECTION("its own words replace them") {
    held.reply = "held by the admin";
    REQUIRE(record(queue.store(), {held}));
    CHECK(row_of(queue, 1).last_reply == "held by the admin");
    CHECK(row_of(queue, 1).mx.empty());
  }
  SECTION("an attempt without words clears them") {
    held.attempted = queue::Attempted::yes;
    REQUIRE(record(queue.store(), {held}));
    CHECK(row_of(queue, 1).last_reply.empty());
  }
  CHECK(row_of(queue, 1).attempts == 1);
}

TEST_CASE("nobody is made queued again") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  const auto refused = record(queue.store(), {record(1, 0, State::queued)});
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::invalid);
}

TEST_CASE("notices are accepted with the outcomes that cause them") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  Recording recording;
  recording.records = {record(1, 0, State::failed)};
  auto notice = message(2);
  notice.origin = queue::Origin::notice;
  notice.envelope.reverse_path = mail::ReversePath();
  recording.notices = {notice};

  SECTION("both are there afterwards") {
    REQUIRE(record(queue.store(), recording));
    CHECK(!queue.reader().load(id_of(1)));
    const auto found = queue.reader().load(id_of(2));
    REQUIRE(found);
    CHECK(found->origin == queue::Origin::notice);
    CHECK(counts(queue.store()).messages == 1);
  }
  SECTION("or neither") {
    recording.notices.push_back(notice);
    const auto refused = record(queue.store(), recording);
    REQUIRE(!refused);
    CHECK(refused.error().kind == Kind::invalid);
    CHECK(row_of(queue, 1).state == State::queued);
    CHECK(!queue.reader().load(id_of(2)));
    CHECK(counts(queue.store()).messages == 1);
  }
}

TEST_CASE("who was told of the delay is remembered") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i, {"a.example", "b.example"})));
  REQUIRE(record(queue.store(), {deferred(2, 1, at(10))}));
  Recording recording;
  recording.warned = {{id_of(1), 1}, {id_of(2), 0}, {id_of(2), 1}, {id_of(9), 0}};
  REQUIRE(record(queue.store(), recording));
  std::vector<queue::RecipientKey> left;
  const auto waiting = queue.reader().waiting(QueueId(), id_of(3), 100).value();
  for (const auto& recipient : waiting) left.push_back({recipient.message, recipient.index});
  CHECK(left == std::vector<queue::RecipientKey>{{id_of(1), 0}, {id_of(3), 0}, {id_of(3), 1}});
}

TEST_CASE("an action is durable and goes on where its last committed part ended") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i)));
  queue::Action action;
  action.id = id_of(50);
  action.deed = queue::Deed::hold;
  action.filter.domain = "*.com";
  action.filter.state = State::deferred;
  action.begun = at(100);
  action.until = id_of(3);
  REQUIRE(store_test::begin_action(queue.store(), action));
  CHECK(store_test::begin_action(queue.store(), action).error().kind == Kind::invalid);

  Recording part;
  part.records = {by_admin(1, 0, State::held), by_admin(2, 0, State::held)};
  part.step = queue::ActionStep{id_of(50), {id_of(2), 0}, 2, 1, std::nullopt};
  REQUIRE(record(queue.store(), part));
  queue.stop();
  queue.start();
  auto found = queue.reader().actions().value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == id_of(50));
  CHECK(found[0].deed == queue::Deed::hold);
  CHECK(found[0].filter == action.filter);
  CHECK(found[0].begun == at(100));
  CHECK(found[0].until == id_of(3));
  CHECK(found[0].done == queue::RecipientKey{id_of(2), 0});
  CHECK(found[0].touched == 2);
  CHECK(found[0].skipped == 1);
  CHECK(!found[0].finished);

  part.records = {by_admin(3, 0, State::held)};
  part.step = queue::ActionStep{id_of(50), {id_of(3), 0}, 1, 0, at(200)};
  REQUIRE(record(queue.store(), part));
  found = queue.reader().actions().value();
  CHECK(found[0].touched == 3);
  CHECK(found[0].finished == at(200));
  CHECK(counts(queue.store()).held == 3);
}

TEST_CASE("finished actions are forgotten after a day, unfinished ones are limited") {
  Queue queue;
  const auto begin = [&queue](std::uint32_t number, base::Time begun, std::optional<base::Time> finished) {
    queue::Action action;
    action.id = id_of(number);
    action.begun = begun;
    action.finished = finished;
    return store_test::begin_action(queue.store(), action);
  };
  REQUIRE(begin(1, at(0), at(10)));
  REQUIRE(begin(2, at(5), std::nullopt));
  REQUIRE(begin(3, at(10 + 86'400), std::nullopt));
  CHECK(queue.reader().actions()->size() == 3);
  REQUIRE(begin(4, at(11 + 86'400), std::nullopt));
  CHECK(queue.reader().actions()->size() == 3);

  for (std::uint32_t i = 5; i < 1001; ++i) {
    queue::Action action;
    action.id = id_of(i);
    action.begun = at(11 + 86'400);
    queue.store().begin_action(action, [](const base::Result<void>&) {});
  }
  REQUIRE(begin(1002, at(11 + 86'400), std::nullopt));
  const auto refused = begin(1003, at(11 + 86'400), std::nullopt);
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::refused);
}

TEST_CASE("pauses are kept, with the time of the first") {
  Queue queue;
  REQUIRE(store_test::pause(queue.store(), {"*.b.example", at(1), std::nullopt}));
  REQUIRE(store_test::pause(queue.store(), {"a.example", at(2), std::nullopt}));
  REQUIRE(store_test::pause(queue.store(), {"a.example", at(9), std::nullopt}));
  queue.stop();
  queue.start();
  auto found = queue.reader().pauses().value();
  REQUIRE(found.size() == 2);
  CHECK(found[1].pattern == "a.example");
  CHECK(found[1].since == at(2));
  CHECK(!found[1].warned);

  SECTION("the postmaster is told once, with a letter") {
    Recording recording;
    recording.pause_warned = "a.example";
    recording.notices = {message(7)};
    REQUIRE(record(queue.store(), recording));
    CHECK(queue.reader().pauses()->at(1).warned == message(7).received);
    CHECK(!queue.reader().pauses()->at(0).warned);
    CHECK(queue.reader().load(id_of(7)));
  }
  SECTION("until they are resumed") {
    CHECK(store_test::resume(queue.store(), "a.example") == 1);
    CHECK(store_test::resume(queue.store(), "a.example") == 0);
    CHECK(queue.reader().pauses()->size() == 1);
  }
}

TEST_CASE("a damaged message is set aside and nothing of it is deleted") {
  Queue queue;
  auto large = message(1, {"example.com", "b.example"});
  auto writer = queue::ContentWriter::create(queue::real_disk(), queue.spool.path(), large.id);
  REQUIRE(writer);
  REQUIRE(writer->append(std::string(300000, 'x')));
  large.content = writer->finish().value();
  REQUIRE(accept(queue.store(), large));
  REQUIRE(accept(queue.store(), message(2)));
  REQUIRE(record(queue.store(), {deferred(1, 0, at(10))}));

  REQUIRE(store_test::quarantine(queue.store(), id_of(1), "its CRC is wrong", at(500)));
  CHECK(queue.reader().load(id_of(1)).error().kind == Kind::invalid);
  CHECK(queue.reader().recipients(id_of(1))->empty());
  CHECK(queue.reader().destinations()->empty());
  const auto found = counts(queue.store());
  CHECK(found.messages == 1);
  CHECK(found.recipients == 1);
  CHECK(found.quarantined == 1);
  const auto aside = queue.reader().quarantined(10).value();
  REQUIRE(aside.size() == 1);
  CHECK(aside[0].id == id_of(1));
  CHECK(aside[0].when == at(500));
  CHECK(aside[0].reason == "its CRC is wrong");
  CHECK(aside[0].sender == "sender1@sender.example");

  SECTION("its content file survives a start") {
    queue.stop();
    queue.start();
    CHECK(std::filesystem::exists(large.content.path()));
    CHECK(queue.reader().quarantined(10)->size() == 1);
  }
  SECTION("an outcome that comes late changes nothing") {
    REQUIRE(record(queue.store(), {record(1, 0, State::delivered), record(1, 1, State::delivered)}));
    CHECK(counts(queue.store()).messages == 1);
    CHECK(counts(queue.store()).recipients == 1);
  }
  SECTION("setting it aside again, or what is not there, changes nothing") {
    REQUIRE(store_test::quarantine(queue.store(), id_of(1), "again", at(600)));
    REQUIRE(store_test::quarantine(queue.store(), id_of(77), "nothing", at(600)));
    CHECK(counts(queue.store()).quarantined == 1);
    CHECK(queue.reader().quarantined(10)->at(0).reason == "its CRC is wrong");
  }
}

// What waits, counted by domain, by host and by sender.
#include <algorithm>
#include <string>
#include <vector>

#include "queue/sqlite_schema.h"
#include "queue/sqlite_summary.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::State;
using queue::SummaryBy;
using store_test::accept;
using store_test::at;
using store_test::message;
using store_test::Queue;
using store_test::record;

namespace {

using Lines = std::vector<std::string>;

std::string seconds(base::Time time) { return std::to_string((time - at(0)).count() / 1000); }

/// "name: recipients = queued + deferred + held, oldest, next attempt, host: reply".
std::string described(const queue::SummaryRow& row) {
  std::string line = row.name + ": " + std::to_string(row.recipients) + " = " + std::to_string(row.queued) + " + " +
                     std::to_string(row.deferred) + " + " + std::to_string(row.held) + ", since " + seconds(row.oldest);
  if (row.next_attempt) line += ", next " + seconds(*row.next_attempt);
  if (!row.last_reply.empty()) line += ", " + row.mx + ": " + row.last_reply;
  return line;
}

Lines described(const base::Result<std::vector<queue::SummaryRow>>& rows) {
  REQUIRE(rows);
  Lines lines;
  for (const auto& row : *rows) lines.push_back(described(row));
  return lines;
}

queue::DeliveryRecord outcome(std::uint32_t number, std::uint32_t index, State state, std::int64_t next, const std::string& mx,
                              const std::string& reply) {
  queue::DeliveryRecord made = record(number, index, state);
  made.next_attempt = at(next);
  made.mx = mx;
  made.reply = reply;
  return made;
}

/// Four messages: three to one.example, two to two.example, one each to three.example and the null reverse-path's four.example.
void fill(Queue& queue) {
  REQUIRE(accept(queue.store(), message(1, {"one.example", "two.example"})));
  REQUIRE(accept(queue.store(), message(2, {"one.example", "one.example", "done.example"})));
  auto again = message(3, {"two.example", "three.example"});
  again.envelope.reverse_path = message(1).envelope.reverse_path;
  REQUIRE(accept(queue.store(), again));
  auto notice = message(4, {"four.example"});
  notice.envelope.reverse_path = mail::ReversePath();
  REQUIRE(accept(queue.store(), notice));
  REQUIRE(record(queue.store(), {outcome(1, 0, State::deferred, 500, "mx.one.example", "451 first"),
                                 outcome(1, 1, State::held, 0, "mx.shared.example", "452 full"),
                                 outcome(2, 0, State::deferred, 900, "mx.one.example", "451 last"),
                                 outcome(2, 2, State::delivered, 0, "mx.done.example", "250 taken"),
                                 outcome(3, 0, State::deferred, 700, "mx.shared.example", "452 full"),
                                 outcome(3, 1, State::deferred, 600, "", "no host could be reached")}));
}

}  // namespace

TEST_CASE("by domain: who waits, since when, until when, and what was said last") {
  Queue queue;
  fill(queue);
  CHECK(described(queue.reader().summary(SummaryBy::domain, 10)) ==
        Lines{"one.example: 3 = 1 + 2 + 0, since 1, next 500, mx.one.example: 451 last",
              "two.example: 2 = 0 + 1 + 1, since 1, next 700, mx.shared.example: 452 full",
              "four.example: 1 = 1 + 0 + 0, since 4",
              "three.example: 1 = 0 + 1 + 0, since 3, next 600, : no host could be reached"});
  CHECK(described(queue.reader().summary(SummaryBy::domain, 1)).size() == 1);
  CHECK(described(queue.reader().summary(SummaryBy::domain, 0)).empty());
}

TEST_CASE("by host: the one asked last; without a name those that never came to one") {
  Queue queue;
  fill(queue);
  CHECK(described(queue.reader().summary(SummaryBy::mx, 10)) ==
        Lines{": 3 = 2 + 1 + 0, since 2, next 600, : no host could be reached",
              "mx.one.example: 2 = 0 + 2 + 0, since 1, next 500, mx.one.example: 451 last",
              "mx.shared.example: 2 = 0 + 1 + 1, since 1, next 700, mx.shared.example: 452 full"});
}

TEST_CASE("by sender: their reverse-path, <> for the null one") {
  Queue queue;
  fill(queue);
  CHECK(described(queue.reader().summary(SummaryBy::sender, 10)) ==
        Lines{"sender1@sender.example: 4 = 0 + 3 + 1, since 1, next 500, mx.shared.example: 452 full",
              "sender2@sender.example: 2 = 1 + 1 + 0, since 2, next 900, mx.one.example: 451 last",
              "<>: 1 = 1 + 0 + 0, since 4"});
}

TEST_CASE("an empty queue has no summary") {
  Queue queue;
  for (const SummaryBy by : {SummaryBy::domain, SummaryBy::mx, SummaryBy::sender}) {
    CHECK(described(queue.reader().summary(by, 10)).empty());
  }
}

TEST_CASE("memory is bounded: names beyond the bound are counted together, without a name") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 6; ++i) REQUIRE(accept(queue.store(), message(i, {"d" + std::to_string(i % 4) + ".example"})));
  queue.stop();
  auto database = queue::open_for_reading(queue.spool.path(), {});
  REQUIRE(database);
  queue::SqliteSummary summary(*database, [&] { return queue::open_for_reading(queue.spool.path(), {}); }, 2);
  REQUIRE(summary.prepare());
  CHECK(described(summary.summary(SummaryBy::domain, 10)) ==
        Lines{": 2 = 2 + 0 + 0, since 3", "d1.example: 2 = 2 + 0 + 0, since 1", "d2.example: 2 = 2 + 0 + 0, since 2"});
  queue.start();
}

// How SQLite goes about the searches: it reads tables in their order, from a place to a place, and never sorts.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "queue/sqlite_list.h"
#include "queue/sqlite_schema.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::Filter;
using queue::Reach;

namespace {

using Conditions = std::vector<std::pair<std::string, std::string>>;

/// One line for each table, in the order in which they are read.
std::vector<std::string> plan_of(queue::Database& database, const std::string& sql) {
  auto statement = database.prepare("EXPLAIN QUERY PLAN " + sql);
  INFO(sql);
  if (!statement) FAIL(statement.error().words);
  std::vector<std::string> lines;
  for (auto row = statement->step(); row && *row; row = statement->step()) lines.emplace_back(statement->text(3));
  return lines;
}

}  // namespace

TEST_CASE("a search reads the table that chooses best, in its order, and others by their keys only") {
  const auto [conditions, tables] = GENERATE(values<std::pair<Conditions, std::string>>({
      {{}, "r"},
      {{{"state", "deferred"}}, "r"},
      {{{"state", "held"}}, "r"},
      {{{"state", "queued"}, {"domain", "b.example"}}, "r"},
      {{{"to", "a@b.example"}}, "r"},
      {{{"to", "*@b.example"}, {"reply", "full"}}, "r"},
      {{{"domain", "*.b.example"}, {"mx", "mx.*"}}, "r"},
      {{{"from", "<>"}}, "mr"},
      {{{"from", "a@b.example"}, {"state", "deferred"}}, "mr"},
      {{{"from", "*"}, {"reply", "full"}}, "mr"},
      {{{"message-id", "<1@b.example>"}, {"older", "1h"}}, "mr"},
      {{{"from", "a@b.example"}, {"to", "c@d.example"}}, "rm"},
      {{{"from", "a@b.example"}, {"state", "held"}}, "rm"},
      {{{"message-id", "*"}, {"domain", "d.example"}}, "rm"},
  }));
  store_test::Queue queue;
  auto database = queue::open_for_reading(queue.spool.path(), {});
  REQUIRE(database);
  queue::SqliteList list(*database);
  REQUIRE(list.prepare());
  Filter filter;
  for (const auto& [name, value] : conditions) REQUIRE(filter.set(name, value, store_test::at(0)));

  for (const Reach reach : {Reach::messages, Reach::rest_of_message}) {
    std::string read;
    for (const std::string& line : plan_of(*database, queue::list_sql(filter, reach))) {
      INFO(line);
      REQUIRE(line.starts_with("SEARCH "));
      read += line.substr(7, 1);
    }
    CHECK(read == tables);
  }
  const auto part = plan_of(*database, queue::part_sql(filter));
  REQUIRE(part.size() == 1);
  CHECK(part.front().starts_with("SEARCH recipient USING "));
}

TEST_CASE("held and queued recipients are found by their own index") {
  store_test::Queue queue;
  auto database = queue::open_for_reading(queue.spool.path(), {});
  REQUIRE(database);
  queue::SqliteList list(*database);
  REQUIRE(list.prepare());
  Filter filter;
  filter.state = GENERATE(queue::State::held, queue::State::queued);
  const std::string index = *filter.state == queue::State::held ? "recipient_held" : "recipient_queued";
  for (const std::string& sql : {queue::list_sql(filter, Reach::messages), queue::part_sql(filter)}) {
    const auto plan = plan_of(*database, sql);
    REQUIRE(plan.size() == 1);
    CHECK(plan.front().find(index) != std::string::npos);
  }
}

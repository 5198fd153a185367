// Queue ids, content and states.
#include <chrono>
#include <string>

#include "queue/message.h"
#include "tests/catch.h"

using namespace std::chrono_literals;
using queue::QueueId;

namespace {

constexpr base::Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

}  // namespace

TEST_CASE("a queue id is eleven characters of Crockford base 32, in either case and read with forgiveness") {
  const QueueId id = QueueId::first_at(noon);
  const std::string text = id.to_string();
  CHECK(text.size() == 11);
  CHECK(QueueId::parse(text) == id);
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  CHECK(QueueId::parse(lower) == id);
  CHECK(QueueId::parse("OOOOOOOOOIL") == QueueId::parse("00000000011"));
}

TEST_CASE("what is not a queue id is refused") {
  const std::string text =
      GENERATE("", "0", "0123456789", "0123456789AB", "U1234567890", "../../../etc", "0000000000 ", "-0000000001");
  const auto parsed = QueueId::parse(text);
  REQUIRE(!parsed);
  CHECK(parsed.error().kind == base::Kind::invalid);
}

TEST_CASE("ids sort by time, as numbers and as text") {
  const QueueId earlier = QueueId::first_at(noon);
  const QueueId later = QueueId::first_at(noon + 1ms);
  CHECK(earlier < later);
  CHECK(earlier.to_string() < later.to_string());
}

TEST_CASE("a time outside the range of ids gives the first or the last id, never a wrong order") {
  CHECK(QueueId::first_at(base::Time()) == QueueId(0));
  const QueueId last = QueueId::first_at(base::Time(std::chrono::sys_days(std::chrono::year(2200) / 1 / 1)));
  CHECK(QueueId::parse(last.to_string()) == last);
  CHECK(QueueId::first_at(noon) < last);
}

TEST_CASE("each id is greater than the last one, also when the clock stands still or goes back") {
  queue::QueueIdMaker ids{QueueId()};
  QueueId last = ids.next(noon);
  CHECK(last == QueueId::first_at(noon));
  for (int i = 0; i < 50000; ++i) {
    const QueueId next = ids.next(noon);
    REQUIRE(last < next);
    last = next;
  }
  const QueueId after_step_back = ids.next(noon - 1h);
  CHECK(last < after_step_back);
  CHECK(ids.next(noon + 1h) == QueueId::first_at(noon + 1h));
}

TEST_CASE("an id is greater than all in the store, whatever the clock says") {
  const QueueId newest = QueueId::first_at(noon);
  queue::QueueIdMaker ids(newest);
  CHECK(ids.next(noon - 24h).value() == newest.value() + 1);
}

TEST_CASE("content is in memory or in a file") {
  const auto memory = queue::Content::in_memory("some octets");
  CHECK(!memory.is_file());
  CHECK(memory.octets() == "some octets");
  CHECK(memory.size() == 11);
  const auto file = queue::Content::in_file("/spool/content/x", 300000);
  CHECK(file.is_file());
  CHECK(file.octets().empty());
  CHECK(file.size() == 300000);
  CHECK(!queue::Content().is_file());
}

TEST_CASE("states have names that are read back") {
  const auto state =
      GENERATE(queue::State::queued, queue::State::deferred, queue::State::held, queue::State::delivered, queue::State::failed);
  CHECK(queue::parse_state(queue::to_string(state)) == state);
  CHECK(!queue::parse_state("active"));
}

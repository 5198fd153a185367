// How long answers are kept, and which leave first.
#include "dns/cache.h"

#include <string>

#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using dns::Answer;
using dns::Cache;
using dns::Question;
using dns::RecordType;
using dns::Status;

const Cache::Time start{1000h};
const Question question{"a.example", RecordType::mx};

Answer answer(base::Duration ttl, Status status = Status::found) {
  Answer made;
  made.status = status;
  made.ttl = ttl;
  if (status == Status::found) made.records.emplace_back(std::string("x"));
  return made;
}

}  // namespace

TEST_CASE("an answer lives for its TTL and tells what is left of it") {
  Cache cache(10);
  cache.keep(question, answer(60s), start);
  CHECK(cache.find(question, start + 20s)->ttl == 40s);
  CHECK(cache.find(question, start + 59999ms).has_value());
  CHECK_FALSE(cache.find(question, start + 60s).has_value());
  CHECK(cache.size() == 0);
  CHECK_FALSE(cache.find({"a.example", RecordType::a}, start).has_value());
}

TEST_CASE("at most a day, a negative one 15 minutes, none without a TTL") {
  Cache cache(10);
  cache.keep(question, answer(1000h), start);
  CHECK(cache.find(question, start)->ttl == 24h);
  cache.keep(question, answer(1h, Status::no_data), start);
  CHECK(cache.find(question, start)->ttl == 15min);
  cache.keep(question, answer(5min, Status::no_name), start);
  CHECK(cache.find(question, start)->ttl == 5min);
  CHECK(cache.size() == 1);
  cache.keep(question, answer(0s), start);
  CHECK_FALSE(cache.find(question, start).has_value());
}

TEST_CASE("the least recently used leave first") {
  Cache cache(2);
  const Question b{"b.example", RecordType::mx};
  const Question c{"c.example", RecordType::mx};
  cache.keep(question, answer(60s), start);
  cache.keep(b, answer(60s), start);
  CHECK(cache.find(question, start).has_value());
  cache.keep(c, answer(60s), start);
  CHECK(cache.size() == 2);
  CHECK(cache.find(question, start).has_value());
  CHECK_FALSE(cache.find(b, start).has_value());
  CHECK(cache.find(c, start).has_value());
}

TEST_CASE("a cache of none keeps none") {
  Cache cache(0);
  cache.keep(question, answer(60s), start);
  CHECK_FALSE(cache.find(question, start).has_value());
}

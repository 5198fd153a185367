// The parameters of a listing, and the JSON of a row.
#include "relay/admin/views.h"

#include <boost/json/serialize.hpp>

#include "relay/admin/client.h"
#include "tests/catch.h"

namespace {

using relay::admin::parse_request;

queue::ListRow row(queue::State state) {
  queue::ListRow row;
  row.id = queue::QueueId(12345);
  row.index = 2;
  row.received = base::Time(base::Duration(1'764'000'000'000));
  row.size = 99;
  row.sender = "a@b.example";
  row.recipient = "bob@example.net";
  row.state = state;
  row.attempts = 3;
  row.next_attempt = base::Time(base::Duration(1'764'000'060'000));
  row.mx = "mx.example.net";
  row.last_reply = "450 4.2.0 later\r\nForged: yes";
  return row;
}

const relay::admin::IsActive nobody = [](queue::QueueId, std::uint32_t) { return false; };
const relay::admin::IsActive everybody = [](queue::QueueId, std::uint32_t) { return true; };
const base::Time now(base::Duration(1'764'000'010'000));

}  // namespace

TEST_CASE("a listing is narrowed by names that are known") {
  const auto request =
      parse_request({{"from", "*@a.com"}, {"to", "b*"}, {"domain", "*.net"}, {"state", "deferred"}, {"limit", "7"}});
  REQUIRE(request);
  CHECK(request->filter.from == "*@a.com");
  CHECK(request->filter.to == "b*");
  CHECK(request->filter.domain == "*.net");
  CHECK(request->filter.state == queue::State::deferred);
  CHECK(request->limit == 7);
  CHECK_FALSE(request->only_active);
  CHECK(parse_request({{"state", "active"}})->only_active);
}

TEST_CASE("a listing goes on behind its cursor") {
  const queue::QueueId id(777);
  const auto request = parse_request({{"after", id.to_string() + ".4"}});
  REQUIRE(request);
  CHECK(request->after == id);
  CHECK(request->after_index == 4);
}

TEST_CASE("a parameter that makes no sense is named") {
  using Pair = std::pair<std::string, std::string>;
  const Pair wrong = GENERATE(Pair{"color", "red"}, Pair{"limit", "0"}, Pair{"limit", "many"}, Pair{"state", "lost"},
                              Pair{"id", "?"}, Pair{"after", "x.y"});
  const auto request = parse_request({wrong});
  REQUIRE_FALSE(request);
  CHECK(request.error().kind == base::Kind::invalid);
}

TEST_CASE("a deferred recipient shows when it goes next") {
  const auto view = relay::admin::row_view(row(queue::State::deferred), nobody, now);
  CHECK(view.at("state").as_string() == "deferred");
  CHECK(view.at("next_attempt").as_string() == base::iso_time(row(queue::State::deferred).next_attempt));
  CHECK(view.at("age_seconds").as_int64() == 10);
  CHECK(view.at("attempts").to_number<int>() == 3);
  CHECK(view.at("last_reply").as_string().find('\n') == std::string_view::npos);
}

TEST_CASE("a recipient that is being delivered is active") {
  CHECK(relay::admin::row_view(row(queue::State::queued), everybody, now).at("state").as_string() == "active");
  CHECK(relay::admin::row_view(row(queue::State::deferred), everybody, now).at("next_attempt").is_null());
  CHECK(relay::admin::row_view(row(queue::State::failed), everybody, now).at("state").as_string() == "failed");
}

TEST_CASE("a value for a query string keeps nothing that could end it") {
  CHECK(relay::admin::query_pair("to", "a b&c=d%e") == "to=a%20b%26c%3Dd%25e");
}

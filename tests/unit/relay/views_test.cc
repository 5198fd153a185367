// The JSON of the queue: its values, and that it is what the manual says.
#include "relay/admin/views.h"

#include <boost/json/serialize.hpp>

#include "relay/admin/client.h"
#include "relay/admin/reading.h"
#include "tests/catch.h"
#include "tests/unit/relay/manual.h"

namespace {

using relay::admin::ActiveKeys;
using relay::admin::parse_page_request;
using world::documented_members;
using world::printed_members;

const base::Time then(base::Duration(1'764'000'000'000));
const base::Time now(base::Duration(1'764'000'010'000));

queue::ListRow row(queue::State state) {
  queue::ListRow row;
  row.id = queue::QueueId(12345);
  row.index = 2;
  row.received = then;
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

const ActiveKeys nobody;
const ActiveKeys this_one = {queue::RecipientKey{queue::QueueId(12345), 1}, queue::RecipientKey{queue::QueueId(12345), 2}};

queue::Message message() {
  queue::Message message;
  message.id = queue::QueueId(12345);
  message.received = then;
  message.expires = now;
  message.message_id = "<x@b.example>";
  message.prefix = "Received: x\r\n";
  message.content = queue::Content::in_memory("Subject: x\r\n\r\n");
  mail::Recipient recipient;
  recipient.mailbox = mail::Mailbox("bob", "example.net");
  recipient.notify = mail::Notify(mail::Notify::success | mail::Notify::delay);
  recipient.orcpt = "rfc822;bob@example.net";
  message.envelope.recipients = {recipient, recipient, recipient};
  message.envelope.envid = "QQ314159";
  message.envelope.tls = mail::TlsWish::required;
  message.envelope.ret = mail::Return::headers;
  return message;
}

queue::Action action() {
  queue::Action action;
  action.id = queue::QueueId(7);
  action.deed = queue::Deed::hold;
  action.begun = then;
  action.touched = 12;
  action.skipped = 1;
  return action;
}

}  // namespace

TEST_CASE("the manual tells every member of the JSON, and no other") {
  CHECK(documented_members("queue list") == printed_members(relay::admin::row_view(row(queue::State::queued), nobody, now)));
  CHECK(documented_members("queue summary") == printed_members(relay::admin::summary_view(queue::SummaryRow(), now)));
  CHECK(documented_members("queue pauses") ==
        printed_members(relay::admin::pause_view(queue::Pause(), relay::admin::Waiting(), now)));
  CHECK(documented_members("actions") == printed_members(relay::admin::action_view(action())));
  CHECK(documented_members("quarantined messages") ==
        printed_members(relay::admin::quarantined_view(queue::QuarantinedMessage())));

  const auto view = relay::admin::message_view(message(), {row(queue::State::queued)}, nobody, now);
  world::Members shown = printed_members(view);
  const world::Members rows = documented_members("queue list");
  for (const std::string& name : printed_members(view.at("recipients").as_array().at(0).as_object())) {
    if (!rows.contains(name)) shown.insert("recipients." + name);
  }
  CHECK(documented_members("queue show") == shown);
}

TEST_CASE("a listing is narrowed by names that are known") {
  const auto request = parse_page_request({{"from", "*@a.com"},
                                           {"to", "b*"},
                                           {"domain", "*.net"},
                                           {"mx", "mx?.*"},
                                           {"message-id", "<*>"},
                                           {"reply", "later"},
                                           {"older", "10s"},
                                           {"state", "deferred"},
                                           {"limit", "7"}},
                                          now);
  REQUIRE(request);
  const queue::Filter& filter = request->selection.filter;
  CHECK(filter.from == "*@a.com");
  CHECK(filter.to == "b*");
  CHECK(filter.domain == "*.net");
  CHECK(filter.mx == "mx?.*");
  CHECK(filter.reply == "later");
  CHECK(filter.before == then);
  CHECK(filter.state == queue::State::deferred);
  CHECK(request->limit == 7);
  CHECK(request->selection.only == relay::admin::Only::all);
  CHECK(parse_page_request({{"state", "active"}}, now)->selection.only == relay::admin::Only::active);
  CHECK(parse_page_request({{"limit", "1000000"}}, now)->limit == relay::admin::PageRequest::most_rows);
}

TEST_CASE("a listing goes on behind its cursor") {
  const queue::QueueId id(777);
  const auto request = parse_page_request({{"after", id.to_string() + ".4"}}, now);
  REQUIRE(request);
  CHECK(request->after == queue::RecipientKey{id, 4});
}

TEST_CASE("a parameter that makes no sense is named") {
  using Pair = std::pair<std::string, std::string>;
  const Pair wrong = GENERATE(Pair{"color", "red"}, Pair{"limit", "0"}, Pair{"limit", "many"}, Pair{"state", "lost"},
                              Pair{"id", "?"}, Pair{"after", "x.y"}, Pair{"older", "long"}, Pair{"reply", ""});
  const auto request = parse_page_request({wrong}, now);
  REQUIRE_FALSE(request);
  CHECK(request.error().kind == base::Kind::invalid);
  CHECK(request.error().words.find(wrong.first) != std::string::npos);
}

TEST_CASE("a summary is by domain unless something else is said") {
  CHECK(relay::admin::parse_summary_request({})->by == queue::SummaryBy::domain);
  CHECK(relay::admin::parse_summary_request({{"by", "sender"}})->by == queue::SummaryBy::sender);
  CHECK(relay::admin::parse_summary_request({{"by", "mx"}, {"limit", "5"}})->limit == 5);
  CHECK_FALSE(relay::admin::parse_summary_request({{"by", "colour"}}));
  CHECK_FALSE(relay::admin::parse_summary_request({{"from", "a@b.example"}}));
}

TEST_CASE("a deferred recipient shows when it goes next") {
  const auto view = relay::admin::row_view(row(queue::State::deferred), nobody, now);
  CHECK(view.at("state").as_string() == "deferred");
  CHECK(view.at("next_attempt").as_string() == base::iso_time(row(queue::State::deferred).next_attempt));
  CHECK(view.at("next_seconds").as_int64() == 50);
  CHECK(view.at("age_seconds").as_int64() == 10);
  CHECK(view.at("attempts").to_number<int>() == 3);
  CHECK(view.at("last_reply").as_string().find('\n') == std::string_view::npos);
}

TEST_CASE("a recipient that is being delivered is active") {
  CHECK(relay::admin::row_view(row(queue::State::queued), this_one, now).at("state").as_string() == "active");
  const auto view = relay::admin::row_view(row(queue::State::deferred), this_one, now);
  CHECK(view.at("state").as_string() == "active");
  CHECK(view.at("next_attempt").is_null());
  CHECK(view.at("next_seconds").is_null());
}

TEST_CASE("what the sender asked for each recipient is shown") {
  const auto view = relay::admin::message_view(message(), {row(queue::State::queued)}, nobody, now);
  CHECK(view.at("envid").as_string() == "QQ314159");
  CHECK(view.at("ret").as_string() == "headers");
  CHECK(view.at("tls_wish").as_string() == "required");
  CHECK(view.at("origin").as_string() == "trusted");
  const auto& recipient = view.at("recipients").as_array().at(0).as_object();
  CHECK(boost::json::serialize(recipient.at("notify")) == R"(["success","delay"])");
  CHECK(recipient.at("orcpt").as_string() == "rfc822;bob@example.net");
}

TEST_CASE("a filter is told as the command line spells it") {
  queue::Filter filter;
  CHECK(relay::admin::filter_text(filter).empty());
  filter.ids = {queue::QueueId(1)};
  filter.domain = "*.example.net";
  filter.reply = "try again";
  filter.state = queue::State::deferred;
  filter.before = then;
  CHECK(relay::admin::filter_text(filter) ==
        "00000000001 --domain *.example.net --reply \"try again\" --state deferred received before 2025-11-24T16:00:00Z");
  filter = queue::Filter();
  for (std::uint64_t i = 1; i <= 10; ++i) filter.ids.emplace_back(i);
  CHECK(relay::admin::filter_text(filter) == "00000000001 00000000002 00000000003 and 7 more ids");
}

TEST_CASE("a value for a path or query string keeps nothing that could end it") {
  CHECK(relay::admin::percent_encoded("a b&c=d%e/*") == "a%20b%26c%3Dd%25e%2F%2A");
  CHECK(relay::admin::target_of("/v1/queue", {}) == "/v1/queue");
  CHECK(relay::admin::target_of("/v1/queue", {{"to", "a b"}, {"limit", "1"}}) == "/v1/queue?to=a%20b&limit=1");
}

// Which recipients a filter finds, told condition by condition, and against a plain reading of the same conditions.
#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "queue/filter.h"
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::Filter;
using queue::QueueId;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::Queue;
using store_test::record;

namespace {

using Lines = std::vector<std::string>;
using Conditions = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t hour = 3600;

/// Received so many seconds before at(0), which tells them apart.
queue::Message mail_of(std::int64_t age, const std::string& from, const std::vector<std::string>& to) {
  queue::Message made = store_test::message(1, {});
  made.received = at(-age);
  made.id = QueueId::first_at(made.received);
  made.message_id = "<" + std::to_string(age) + "@Relay.example>";
  made.envelope.reverse_path = mail::ReversePath::parse(from).value();
  for (const std::string& recipient : to) made.envelope.recipients.emplace_back(mail::Mailbox::parse(recipient).value());
  return made;
}

queue::DeliveryRecord outcome(std::int64_t age, std::uint32_t index, State state, const std::string& mx,
                              const std::string& reply) {
  queue::DeliveryRecord made;
  made.message = QueueId::first_at(at(-age));
  made.index = index;
  made.state = state;
  made.attempts = 2;
  made.when = at(0);
  made.next_attempt = at(hour);
  made.mx = mx;
  made.reply = reply;
  return made;
}

std::string described(const queue::ListRow& row) {
  return std::to_string((at(0) - row.received).count() / 1000) + " " + row.sender + " > " + row.recipient + " " +
         std::string(to_string(row.state));
}

Lines described(const std::vector<queue::ListRow>& rows) {
  Lines lines;
  for (const auto& row : rows) lines.push_back(described(row));
  return lines;
}

/// What `queue list` with these conditions shows at the moment at(0).
Lines list(Queue& queue, const Conditions& conditions) {
  Filter filter;
  for (const auto& [name, value] : conditions) REQUIRE(filter.set(name, value, at(0)));
  const auto rows = queue.reader().list(filter, QueueId(), 0, 1000);
  REQUIRE(rows);
  return described(*rows);
}

const std::string bob_alice = "7200 bob@abc.com > alice@one.example deferred";
const std::string bob_carol = "7200 bob@abc.com > Carol@two.example held";
const std::string words_dave = "3600 \"two words\"@abc.com > dave@one.example queued";
const std::string null_eve = "600  > eve@sub.one.example deferred";
const std::string list_literal = "60 list@news.example > \"a b\"@[192.0.2.1] deferred";
const std::string list_postmaster = "60 list@news.example > postmaster queued";
const std::string list_done = "60 list@news.example > done@one.example delivered";

/// Those seven.
void fill(Queue& queue) {
  REQUIRE(accept(queue.store(), mail_of(2 * hour, "bob@abc.com", {"alice@one.example", "Carol@two.example"})));
  REQUIRE(accept(queue.store(), mail_of(hour, "\"two words\"@abc.com", {"dave@one.example"})));
  REQUIRE(accept(queue.store(), mail_of(600, "", {"eve@sub.one.example"})));
  REQUIRE(accept(queue.store(), mail_of(60, "list@news.example", {"\"a b\"@[192.0.2.1]", "postmaster", "done@one.example"})));
  REQUIRE(record(queue.store(), {outcome(7200, 0, State::deferred, "mx1.one.example", "451 4.7.1 Greylisted, try later"),
                                 outcome(7200, 1, State::held, "mx.two.example", "452 4.2.2 Mailbox full"),
                                 outcome(600, 0, State::deferred, "MX2.one.example", "451 4.3.0 try LATER"),
                                 outcome(60, 0, State::deferred, "", "no host could be reached"),
                                 outcome(60, 2, State::delivered, "mx1.one.example", "250 2.0.0 taken later")}));
}

}  // namespace

TEST_CASE("without conditions all who wait are listed, oldest message first") {
  Queue queue;
  fill(queue);
  CHECK(list(queue, {}) == Lines{bob_alice, bob_carol, words_dave, null_eve, list_literal, list_postmaster});
}

TEST_CASE("a row tells what people want to know") {
  Queue queue;
  fill(queue);
  const auto rows = queue.reader().list(Filter(), QueueId(), 0, 1);
  REQUIRE(rows->size() == 1);
  const queue::ListRow& row = rows->front();
  CHECK(row.id == QueueId::first_at(at(-7200)));
  CHECK(row.index == 0);
  CHECK(row.received == at(-7200));
  CHECK(row.size == mail_of(7200, "", {}).size());
  CHECK(row.attempts == 2);
  CHECK(row.next_attempt == at(hour));
  CHECK(row.mx == "mx1.one.example");
  CHECK(row.last_reply == "451 4.7.1 Greylisted, try later");
}

TEST_CASE("each condition selects by its own") {
  Queue queue;
  fill(queue);
  SECTION("id: any of those that are named, whatever their order") {
    const std::string first = QueueId::first_at(at(-7200)).to_string();
    const std::string last = QueueId::first_at(at(-60)).to_string();
    CHECK(list(queue, {{"id", first}}) == Lines{bob_alice, bob_carol});
    CHECK(list(queue, {{"id", last}, {"id", "00000000001"}, {"id", first}}) ==
          Lines{bob_alice, bob_carol, list_literal, list_postmaster});
    CHECK(list(queue, {{"id", "00000000001"}}).empty());
  }
  SECTION("message-id: in any case, with or without angle brackets") {
    CHECK(list(queue, {{"message-id", "<7200@relay.example>"}}) == Lines{bob_alice, bob_carol});
    CHECK(list(queue, {{"message-id", "600@RELAY.example"}}) == Lines{null_eve});
    CHECK(list(queue, {{"message-id", "*00@relay.*"}}) == Lines{bob_alice, bob_carol, words_dave, null_eve});
    CHECK(list(queue, {{"message-id", "00@relay.example"}}).empty());
  }
  SECTION("from: an address in any case, a pattern, or the null reverse-path") {
    CHECK(list(queue, {{"from", "BOB@abc.COM"}}) == Lines{bob_alice, bob_carol});
    CHECK(list(queue, {{"from", "\"two words\"@abc.com"}}) == Lines{words_dave});
    CHECK(list(queue, {{"from", "*@abc.com"}}) == Lines{bob_alice, bob_carol, words_dave});
    CHECK(list(queue, {{"from", "?ob@abc.com"}}) == Lines{bob_alice, bob_carol});
    CHECK(list(queue, {{"from", "*w*"}}) == Lines{words_dave, list_literal, list_postmaster});
    CHECK(list(queue, {{"from", "<>"}}) == Lines{null_eve});
    CHECK(list(queue, {{"from", "*@*"}}).size() == 5);
    CHECK(list(queue, {{"from", "*"}}).size() == 6);
    CHECK(list(queue, {{"from", "bob@abc.co"}}).empty());
  }
  SECTION("to: the same of recipients") {
    CHECK(list(queue, {{"to", "carol@TWO.example"}}) == Lines{bob_carol});
    CHECK(list(queue, {{"to", "\"a b\"@[192.0.2.1]"}}) == Lines{list_literal});
    CHECK(list(queue, {{"to", "*@[192.0.2.1]"}}) == Lines{list_literal});
    CHECK(list(queue, {{"to", "PostMaster"}}) == Lines{list_postmaster});
    CHECK(list(queue, {{"to", "*@One.example"}}) == Lines{bob_alice, words_dave});
    CHECK(list(queue, {{"to", "?a*@*.example"}}) == Lines{bob_carol, words_dave});
    CHECK(list(queue, {{"to", "d*e@one.example"}}) == Lines{words_dave});
    CHECK(list(queue, {{"to", "lice@one.example"}}).empty());
  }
  SECTION("domain: one, without those below it, or a pattern") {
    CHECK(list(queue, {{"domain", "ONE.example."}}) == Lines{bob_alice, words_dave});
    CHECK(list(queue, {{"domain", "*.one.example"}}) == Lines{null_eve});
    CHECK(list(queue, {{"domain", "t?o.*"}}) == Lines{bob_carol});
    CHECK(list(queue, {{"domain", "[192.0.2.1]"}}) == Lines{list_literal});
    CHECK(list(queue, {{"domain", "[192.0.2.*"}}) == Lines{list_literal});
  }
  SECTION("mx: the host asked last, if any was") {
    CHECK(list(queue, {{"mx", "mx?.ONE.example"}}) == Lines{bob_alice, null_eve});
    CHECK(list(queue, {{"mx", "mx2.one.example"}}) == Lines{null_eve});
    CHECK(list(queue, {{"mx", "*"}}) == Lines{bob_alice, bob_carol, null_eve});
  }
  SECTION("reply: a part of the last one, in any case") {
    CHECK(list(queue, {{"reply", "try later"}}) == Lines{bob_alice, null_eve});
    CHECK(list(queue, {{"reply", "452 "}}) == Lines{bob_carol});
    CHECK(list(queue, {{"reply", "could be reached"}}) == Lines{list_literal});
    CHECK(list(queue, {{"reply", "451*later"}}).empty());
  }
  SECTION("state: also those that are over") {
    CHECK(list(queue, {{"state", "queued"}}) == Lines{words_dave, list_postmaster});
    CHECK(list(queue, {{"state", "deferred"}}) == Lines{bob_alice, null_eve, list_literal});
    CHECK(list(queue, {{"state", "held"}}) == Lines{bob_carol});
    CHECK(list(queue, {{"state", "delivered"}}) == Lines{list_done});
    CHECK(list(queue, {{"state", "failed"}}).empty());
  }
  SECTION("older and newer: received before, and from a time on") {
    CHECK(list(queue, {{"older", "1h"}}) == Lines{bob_alice, bob_carol});
    CHECK(list(queue, {{"newer", "1h"}}) == Lines{words_dave, null_eve, list_literal, list_postmaster});
    CHECK(list(queue, {{"older", "5m"}, {"newer", "1h"}}) == Lines{words_dave, null_eve});
    CHECK(list(queue, {{"older", "1d"}}).empty());
    CHECK(list(queue, {{"newer", "1s"}}).empty());
  }
  SECTION("until: one message and those before it") {
    Filter filter;
    filter.until = QueueId::first_at(at(-3600));
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 10)) == Lines{bob_alice, bob_carol, words_dave});
  }
}

TEST_CASE("conditions together must all hold") {
  Queue queue;
  fill(queue);
  CHECK(list(queue, {{"from", "bob@abc.com"}, {"state", "held"}}) == Lines{bob_carol});
  CHECK(list(queue, {{"from", "*@abc.com"}, {"domain", "one.example"}}) == Lines{bob_alice, words_dave});
  CHECK(list(queue, {{"from", "*@abc.com"}, {"to", "dave@*"}, {"state", "queued"}}) == Lines{words_dave});
  CHECK(list(queue, {{"from", "<>"}, {"reply", "later"}, {"mx", "mx2.*"}}) == Lines{null_eve});
  CHECK(list(queue, {{"from", "*"}, {"reply", "later"}, {"older", "1h"}}) == Lines{bob_alice});
  CHECK(list(queue, {{"state", "delivered"}, {"to", "done@one.example"}, {"reply", "taken"}}) == Lines{list_done});
  CHECK(list(queue, {{"to", "alice@one.example"}, {"domain", "two.example"}}).empty());
  CHECK(list(queue, {{"id", QueueId::first_at(at(-60)).to_string()}, {"from", "bob@abc.com"}}).empty());
  CHECK(list(queue, {{"id", QueueId::first_at(at(-60)).to_string()}, {"older", "1h"}}).empty());
  CHECK(list(queue, {{"message-id", "60@*"}, {"state", "queued"}}) == Lines{list_postmaster});
}

TEST_CASE("a page begins behind a recipient and ends at its limit") {
  Queue queue;
  fill(queue);
  const QueueId first = QueueId::first_at(at(-7200));
  Filter filter;
  CHECK(described(*queue.reader().list(filter, first, 0, 2)) == Lines{bob_carol, words_dave});
  CHECK(described(*queue.reader().list(filter, first, 1, 1)) == Lines{words_dave});
  CHECK(queue.reader().list(filter, first, 0, 0)->empty());
  SECTION("also with ids and ages") {
    filter.ids = {first, QueueId::first_at(at(-60))};
    CHECK(described(*queue.reader().list(filter, first, 0, 10)) == Lines{bob_carol, list_literal, list_postmaster});
    CHECK(described(*queue.reader().list(filter, first, 1, 1)) == Lines{list_literal});
    filter.before = at(-3600);
    CHECK(described(*queue.reader().list(filter, first, 0, 10)) == Lines{bob_carol});
    filter.since = at(-7199);
    CHECK(queue.reader().list(filter, first, 0, 10)->empty());
  }
}

namespace {

/// What the header of Filter says, read plainly.
bool wanted(const Filter& filter, const queue::ListRow& row, const std::string& message_id) {
  const auto matches = [](const std::string& pattern, const std::string& text) {
    return pattern.empty() || base::matches_pattern(pattern, text);
  };
  const std::size_t at_sign = row.recipient.rfind('@');
  const std::string domain = at_sign == std::string::npos ? std::string() : row.recipient.substr(at_sign + 1);
  const bool in_state = filter.state ? row.state == *filter.state : waits(row.state);
  const bool in_ids = filter.ids.empty() || std::ranges::find(filter.ids, row.id) != filter.ids.end();
  const bool in_time = (!filter.before || row.received < *filter.before) && (!filter.since || row.received >= *filter.since) &&
                       (!filter.until || row.id <= *filter.until);
  const bool from_host = filter.mx.empty() || (!row.mx.empty() && matches(filter.mx, row.mx));
  return in_state && in_ids && in_time && from_host && matches(filter.from, row.sender.empty() ? "<>" : row.sender) &&
         matches(filter.to, row.recipient) && matches(filter.domain, domain) && matches(filter.message_id, message_id) &&
         base::lower(row.last_reply).find(base::lower(filter.reply)) != std::string::npos;
}

/// Random messages with up to 60 recipients, and random filters on them.
class World {
 public:
  explicit World(Queue& queue) {
    for (std::int64_t i = 0; i < 150; ++i) {
      const std::int64_t age = (200 - i) * 60;
      std::vector<std::string> to;
      for (std::size_t left = one_of<std::size_t>({1, 1, 2, 60}); left > 0; --left) to.push_back(address());
      REQUIRE(accept(queue.store(), mail_of(age, chance(5) ? "" : address(), to)));
      std::vector<queue::DeliveryRecord> records;
      for (std::uint32_t index = 0; index < to.size(); ++index) {
        if (chance(4)) continue;
        const State state =
            index == 0 ? State::held : one_of<State>({State::deferred, State::held, State::delivered, State::failed});
        records.push_back(outcome(age, index, state, chance(3) ? "" : "mx." + domain(), one_of<std::string>(replies)));
      }
      if (!records.empty()) REQUIRE(record(queue.store(), records));
      ids_.push_back(QueueId::first_at(at(-age)));
      const auto rows = queue.reader().recipients(ids_.back());
      REQUIRE(rows);
      for (const auto& row : *rows) all.emplace_back(row, std::to_string(age) + "@relay.example");
    }
  }

  Filter filter() {
    Filter made;
    if (chance(3)) made.from = chance(3) ? pattern() : address();
    if (chance(3)) made.to = chance(3) ? pattern() : address();
    if (chance(4)) made.domain = chance(3) ? "*" + domain().substr(1) : domain();
    if (chance(4)) made.mx = chance(2) ? "*" : "mx." + domain();
    if (chance(4)) made.reply = one_of<std::string>({"451", "LATER", "quota", "nothing"});
    if (chance(6)) made.message_id = one_of<std::string>({"*0@relay.example", "6000@relay.example", "*"});
    if (chance(3)) made.state = one_of<State>({State::queued, State::deferred, State::held, State::delivered, State::failed});
    if (chance(6)) made.before = at(-60 * number(50, 200));
    if (chance(6)) made.since = at(-60 * number(50, 200));
    if (chance(8)) made.until = id();
    for (std::int64_t left = chance(5) ? number(1, 20) : 0; left > 0; --left) made.ids.push_back(id());
    std::ranges::sort(made.ids);
    made.ids.erase(std::unique(made.ids.begin(), made.ids.end()), made.ids.end());
    return made;
  }

  bool chance(std::int64_t one_in) { return number(1, one_in) == 1; }
  std::int64_t number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }

  std::vector<std::pair<queue::ListRow, std::string>> all;  ///< each recipient with its Message-ID, in order

 private:
  template <class Value>
  Value one_of(const std::vector<Value>& values) {
    return values[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(values.size()) - 1))];
  }
  std::string domain() { return one_of<std::string>({"abc.com", "xyz.com", "one.example", "two.example"}); }
  std::string address() { return one_of<std::string>({"bob", "carol", "\"a b\"", "r.s"}) + "@" + domain(); }
  std::string pattern() { return one_of<std::string>({"*@abc.com", "b*@*", "*o*", "\"*", "?ob@xyz.com", "<>", "*"}); }
  QueueId id() { return ids_[static_cast<std::size_t>(number(0, 149))]; }

  const std::vector<std::string> replies = {"451 try later", "452 over QUOTA", "", "connection refused"};
  std::mt19937_64 random_{20261124};
  std::vector<QueueId> ids_;
};

}  // namespace

TEST_CASE("whatever the conditions, the list holds all rows that a plain reading of them selects, in pages of any size") {
  Queue queue;
  World world(queue);
  for (int round = 0; round < 120; ++round) {
    const Filter filter = world.filter();
    Lines expected;
    for (const auto& [row, message_id] : world.all) {
      if (wanted(filter, row, message_id)) expected.push_back(described(row));
    }
    Lines found;
    const auto limit = static_cast<std::size_t>(world.chance(2) ? 100'000 : world.number(30, 400));
    auto page = queue.reader().list(filter, QueueId(), 0, limit);
    for (; page && !page->empty(); page = queue.reader().list(filter, page->back().id, page->back().index, limit)) {
      for (const auto& line : described(*page)) found.push_back(line);
      if (page->size() < limit) break;
    }
    REQUIRE(page);
    INFO(filter.to_text());
    REQUIRE(found == expected);
  }
}

TEST_CASE("a reply is found among very many that are all different") {
  Queue queue;
  constexpr std::uint32_t messages = 100;
  constexpr std::uint32_t recipients = 100;
  for (std::uint32_t i = 0; i < messages; ++i) {
    REQUIRE(accept(queue.store(), mail_of(messages - i, "bob@abc.com", std::vector<std::string>(recipients, "r@one.example"))));
    std::vector<queue::DeliveryRecord> records;
    for (std::uint32_t index = 0; index < recipients; ++index) {
      const std::string own = "<" + std::to_string(i) + "." + std::to_string(index) + ">";
      records.push_back(
          outcome(messages - i, index, State::deferred, "mx" + std::to_string(i % 3) + ".one.example", "451 " + own));
    }
    REQUIRE(record(queue.store(), records));
  }
  CHECK(list(queue, {{"reply", "<99.98>"}}).size() == 1);
  CHECK(list(queue, {{"reply", "<99.98>"}, {"mx", "mx0.*"}}).size() == 1);
  CHECK(list(queue, {{"reply", "<99.98>"}, {"mx", "mx1.*"}}).empty());
  CHECK(list(queue, {{"reply", "nothing"}}).empty());
  const auto summary = queue.reader().summary(queue::SummaryBy::mx, 10);
  REQUIRE(summary);
  REQUIRE(summary->size() == 3);
  CHECK(summary->at(0).name == "mx0.one.example");
  CHECK(summary->at(0).recipients == 3400);
  CHECK(summary->at(2).recipients == 3300);
}

// What every store promises of messages and their recipients, told through its interface.
#include "queue/store.h"
#include "queue/sender_number.h"

#include <string>
#include <vector>

#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::QueueId;
using queue::State;
using store_test::accept;
using store_test::at;
using store_test::check_counts;
using store_test::deferred;
using store_test::destinations;
using store_test::id_of;
using store_test::message;
using store_test::numbers;
using store_test::Queue;
using store_test::record;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::vector<std::string> described(const std::vector<queue::ListRow>& rows) {
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    lines.push_back(std::to_string(row.id.value() - id_of(0).value()) + ":" + row.recipient + " " +
                    std::string(to_string(row.state)));
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an accepted message is read back as it was given") {
  Queue queue;
  auto given = message(1, {"example.com", "[192.0.2.1]", "EXAMPLE.net"});
  given.envelope.recipients.emplace_back(mail::Mailbox("postmaster", ""));
  given.envelope.body = mail::BodyType::eight_bit;
  given.envelope.declared_size = 4711;
  given.client.helo = "client.example";
  given.client.address = "2001:db8::1";
  given.client.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  given.client.extended = true;
  given.message_id = "<1@sender.example>";
  given.content = queue::Content::in_memory(std::string("binary \0 and \xff octets\r\n", 23));
  store_test::seal(given);
  REQUIRE(accept(queue.store(), given));

  const auto found = queue.reader().load(given.id);
  REQUIRE(found);
  CHECK(found->id == given.id);
  CHECK(found->received == given.received);
  CHECK(found->expires == given.expires);
  CHECK(found->envelope == given.envelope);
  CHECK(found->client == given.client);
  CHECK(found->message_id == given.message_id);
  CHECK(found->prefix == given.prefix);
  CHECK(found->content.octets() == given.content.octets());
  CHECK(found->crc == given.crc);
}

TEST_CASE("a message may have the null reverse-path and no content") {
  Queue queue;
  auto given = message(1);
  given.envelope.reverse_path = mail::ReversePath();
  given.content = queue::Content();
  store_test::seal(given);
  REQUIRE(accept(queue.store(), given));
  const auto found = queue.reader().load(given.id);
  REQUIRE(found);
  CHECK(found->envelope.reverse_path.is_null());
  CHECK(found->content.size() == 0);
  CHECK(!found->content.is_file());
}

TEST_CASE("a message that is not there is an invalid request; a damaged one says so") {
  Queue queue;
  const auto missing = queue.reader().load(id_of(1));
  REQUIRE(!missing);
  CHECK(missing.error().kind == Kind::invalid);

  auto damaged = message(2);
  damaged.crc ^= 1U;
  REQUIRE(accept(queue.store(), damaged));
  const auto found = queue.reader().load(id_of(2));
  REQUIRE(!found);
  CHECK(found.error().kind == Kind::damaged);
  CHECK(contains(found.error().words, id_of(2).to_string()));
}

TEST_CASE("what was accepted is still there after a restart, in order, and not yet tried") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i, {"example.com", "example.net"})));
  queue.stop();
  queue.start();
  check_counts(queue, 3, 6, 0);
  const auto found = queue.reader().queued_after(QueueId(), 100);
  REQUIRE(found);
  CHECK(numbers(*found) == std::vector<std::uint32_t>{1, 1, 2, 2, 3, 3});
  CHECK(found->at(1).index == 1);
  CHECK(found->at(1).destination == "example.net");
  CHECK(found->at(1).attempts == 0);
  CHECK(found->at(1).expires == message(1).expires);
}

TEST_CASE("pages of queued recipients end with a whole message") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i, {"a.example", "b.example", "c.example"})));
  const auto first = queue.reader().queued_after(QueueId(), 4);
  REQUIRE(first);
  CHECK(numbers(*first) == std::vector<std::uint32_t>{1, 1, 1, 2, 2, 2});
  const auto second = queue.reader().queued_after(first->back().message, 4);
  REQUIRE(second);
  CHECK(numbers(*second) == std::vector<std::uint32_t>{3, 3, 3});
  CHECK(queue.reader().queued_after(second->back().message, 4)->empty());
}

TEST_CASE("a delivered message leaves the queue; an id that was used is remembered") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  REQUIRE(record(queue.store(), {record(1, 0, State::delivered)}));
  check_counts(queue, 0, 0, 0);
  CHECK(!queue.reader().load(id_of(1)));
  CHECK(queue.reader().newest_id() == id_of(1));
  queue.stop();
  queue.start();
  CHECK(queue.reader().newest_id() == id_of(1));
}

TEST_CASE("a message stays until its last recipient is delivered") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1, {"a.example", "b.example", "c.example"})));
  REQUIRE(record(queue.store(), {record(1, 0, State::delivered), deferred(1, 1, at(50))}));
  check_counts(queue, 1, 2, 0);
  const auto rows = queue.reader().recipients(id_of(1));
  REQUIRE(rows);
  CHECK(described(*rows) == Lines{"1:r0@a.example delivered", "1:r1@b.example deferred", "1:r2@c.example queued"});
  CHECK(rows->at(0).last_reply == "250 2.0.0 taken");
  CHECK(rows->at(1).last_reply == "451 4.7.1 try later");
  CHECK(rows->at(1).mx == "mx.example.com");
  CHECK(rows->at(1).attempts == 1);
  CHECK(rows->at(1).next_attempt == at(50));
  CHECK(rows->at(2).last_reply.empty());

  SECTION("and a recipient that is delivered is never made to wait again") {
    REQUIRE(record(queue.store(), {deferred(1, 0, at(60))}));
    CHECK(queue.reader().recipients(id_of(1))->at(0).state == State::delivered);
  }
  SECTION("whatever the order of the rest") {
    REQUIRE(record(queue.store(), {record(1, 2, State::delivered)}));
    check_counts(queue, 1, 1, 0);
    REQUIRE(record(queue.store(), {record(1, 1, State::delivered)}));
    check_counts(queue, 0, 0, 0);
    CHECK(destinations(queue).empty());
  }
}

TEST_CASE("what failed or was dropped is over, as what was delivered is: the message stays for those that wait, no longer") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1, {"a.example", "b.example", "c.example", "d.example"})));
  auto refused = record(1, 0, State::failed);
  refused.reply = "550 5.1.1 no such user";
  REQUIRE(record(queue.store(), {refused, record(1, 1, State::delivered), record(1, 2, State::dropped)}));
  check_counts(queue, 1, 1, 0);
  CHECK(queue.reader().load(id_of(1)));
  CHECK(queue.reader().recipients(id_of(1))->at(0).last_reply == "550 5.1.1 no such user");
  CHECK(described(*queue.reader().recipients(id_of(1))) ==
        Lines{"1:r0@a.example failed", "1:r1@b.example delivered", "1:r2@c.example dropped", "1:r3@d.example queued"});
  REQUIRE(record(queue.store(), {record(1, 3, State::failed)}));
  check_counts(queue, 0, 0, 0);
  CHECK(!queue.reader().load(id_of(1)));
}

TEST_CASE("records of a message that was dropped meanwhile, or of no such recipient, change nothing") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  CHECK(record(queue.store(), {record(2, 0, State::delivered), record(1, 9, State::delivered)}));
  check_counts(queue, 1, 1, 0);
}

TEST_CASE("mail that is read back has its sender's number, so that senders take turns after a restart too") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    auto given = message(i, {"example.com"});
    given.envelope.reverse_path =
        i == 3 ? mail::ReversePath() : mail::ReversePath(mail::Mailbox("Sender" + std::to_string(i), "example.org"));
    REQUIRE(accept(queue.store(), given));
  }
  const std::vector<std::uint32_t> expected = {queue::sender_number("sender1@example.org"),
                                               queue::sender_number("sender2@example.org"), queue::null_sender};
  const auto senders = [](const std::vector<queue::DueRecipient>& found) {
    std::vector<std::uint32_t> all;
    for (const queue::DueRecipient& due : found) all.push_back(due.sender);
    return all;
  };
  CHECK(senders(*queue.reader().queued_after(QueueId(), 10)) == expected);
  REQUIRE(record(queue.store(), {deferred(1, 0, at(1)), deferred(2, 0, at(2)), deferred(3, 0, at(3))}));
  CHECK(senders(*queue.reader().due("example.com", at(9), 10)) == expected);
  CHECK(expected[0] != expected[1]);
}

TEST_CASE("deferred recipients are due in the order of their times, by destination") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 4; ++i) REQUIRE(accept(queue.store(), message(i, {i == 4 ? "other.example" : "example.com"})));
  CHECK(destinations(queue).empty());
  REQUIRE(
      record(queue.store(), {deferred(1, 0, at(300)), deferred(2, 0, at(100)), deferred(3, 0, at(200)), deferred(4, 0, at(50))}));
  CHECK(destinations(queue) == Lines{"example.com 3 100", "other.example 1 50"});
  CHECK(queue.reader().due("example.com", at(99), 10)->empty());
  CHECK(numbers(*queue.reader().due("example.com", at(200), 10)) == std::vector<std::uint32_t>{2, 3});
  CHECK(numbers(*queue.reader().due("example.com", at(900), 2)) == std::vector<std::uint32_t>{2, 3});
  CHECK(queue.reader().queued_after(QueueId(), 10)->empty());

  SECTION("a further deferral moves the earliest time") {
    REQUIRE(record(queue.store(), {deferred(2, 0, at(900))}));
    CHECK(destinations(queue) == Lines{"example.com 3 200", "other.example 1 50"});
    CHECK(numbers(*queue.reader().due("example.com", at(900), 10)) == std::vector<std::uint32_t>{3, 1, 2});
  }
  SECTION("and a destination is forgotten with its last deferred recipient") {
    REQUIRE(record(queue.store(), {record(4, 0, State::delivered), record(2, 0, State::failed)}));
    CHECK(destinations(queue) == Lines{"example.com 2 200"});
  }
  SECTION("which holds after a restart too") {
    queue.stop();
    queue.start();
    CHECK(destinations(queue) == Lines{"example.com 3 100", "other.example 1 50"});
    CHECK(numbers(*queue.reader().due("example.com", at(200), 10)) == std::vector<std::uint32_t>{2, 3});
  }
}

TEST_CASE("expired recipients are found, queued or deferred, by message") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 5; ++i) REQUIRE(accept(queue.store(), message(i, {"a.example", "b.example"})));
  REQUIRE(record(queue.store(), {deferred(1, 0, at(100)), deferred(2, 0, at(100)), record(2, 1, State::failed)}));
  const base::Time now = message(4).expires;
  CHECK(numbers(*queue.reader().expired(now, QueueId(), 100)) == std::vector<std::uint32_t>{1, 1, 2, 3, 3, 4, 4});
  CHECK(numbers(*queue.reader().expired(now, id_of(2), 1)) == std::vector<std::uint32_t>{3, 3});
  CHECK(queue.reader().expired(message(1).expires - std::chrono::seconds(1), QueueId(), 100)->empty());
}

TEST_CASE("the list is paged by key and filtered") {
  Queue queue;
  for (std::uint32_t i = 1; i <= 3; ++i) REQUIRE(accept(queue.store(), message(i, {"a.example", "b.example"})));
  REQUIRE(record(queue.store(), {deferred(2, 0, at(100)), record(2, 1, State::delivered), record(3, 1, State::failed)}));
  const Lines all = {"1:r0@a.example queued", "1:r1@b.example queued", "2:r0@a.example deferred", "3:r0@a.example queued"};
  queue::Filter filter;
  CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == all);

  SECTION("in pages of any size") {
    const std::size_t limit = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3});
    Lines paged;
    auto page = queue.reader().list(filter, QueueId(), 0, limit);
    while (!page->empty()) {
      for (const auto& line : described(*page)) paged.push_back(line);
      page = queue.reader().list(filter, page->back().id, page->back().index, limit);
    }
    CHECK(paged == all);
  }
  SECTION("by id") {
    filter.ids = {id_of(1)};
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{all[0], all[1]});
    CHECK(described(*queue.reader().list(filter, id_of(1), 0, 100)) == Lines{all[1]});
    filter.ids = {id_of(9)};
    CHECK(queue.reader().list(filter, QueueId(), 0, 100)->empty());
  }
  SECTION("by sender, recipient and domain, with patterns") {
    filter.from = "sender2@*";
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{all[2]});
    filter.from = "";
    filter.to = "R1@*";
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{all[1]});
    filter.to = "";
    filter.domain = "B.*";
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{all[1]});
  }
  SECTION("by state, where delivered ones are told too") {
    filter.state = State::deferred;
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{all[2]});
    filter.state = State::delivered;
    CHECK(described(*queue.reader().list(filter, QueueId(), 0, 100)) == Lines{"2:r1@b.example delivered"});
  }
  SECTION("with what people want to know") {
    const auto row = queue.reader().list(filter, QueueId(), 0, 100)->at(2);
    CHECK(row.sender == "sender2@sender.example");
    CHECK(row.received == at(2));
    CHECK(row.size == message(2).size());
    CHECK(row.attempts == 1);
    CHECK(row.next_attempt == at(100));
    CHECK(row.mx == "mx.example.com");
    CHECK(row.last_reply == "451 4.7.1 try later");
  }
}

TEST_CASE("SMTPUTF8, addresses beyond ASCII and the wish for TLS are kept as they were given") {
  const auto tls = GENERATE(mail::TlsWish::none, mail::TlsWish::required, mail::TlsWish::optional, mail::TlsWish::preferred);
  const auto utf8 = GENERATE(mail::SmtpUtf8::absent, mail::SmtpUtf8::given, mail::SmtpUtf8::needed);
  const auto body = GENERATE(mail::BodyType::seven_bit, mail::BodyType::eight_bit);
  Queue queue;
  queue::Message made = message(1);
  made.envelope.utf8 = utf8;
  made.envelope.tls = tls;
  made.envelope.body = body;
  made.envelope.reverse_path = mail::ReversePath(mail::Mailbox::parse("jürgen@bücher.example").value());
  made.envelope.recipients[0].mailbox = mail::Mailbox::parse("\xE7\x94\xA8@\xE4\xBE\x8B\xE5\xAD\x90.example").value();
  REQUIRE(accept(queue.store(), made));
  CHECK(queue.reader().load(made.id).value().envelope == made.envelope);
}

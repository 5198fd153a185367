// Mail that comes again after a lost reply is taken once, and a sender who sends too much is held.
#include <fmt/format.h>

#include <future>

#include "relay/daemon.h"
#include "relay/intake/duplicates.h"
#include "relay/intake/sender_rates.h"
#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using relay::intake::RateVerdict;
using relay::intake::ReceiptBook;
using relay::intake::SenderRates;

const World example = zones({{"example.net", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}});

std::string with_id(const std::string& subject, const std::string& body = "Hello.\r\n") {
  return message("a@client.example", subject, body);
}

std::string without_id() {
  std::string text = message("a@client.example", "x");
  const std::size_t at = text.find("Message-ID:");
  return text.erase(at, text.find("\r\n", at) + 2 - at);
}

conf::Config remembering(const Folder& folder, std::uint16_t port) {
  conf::Config config = config_in(folder, port);
  config.accept.duplicates = std::chrono::hours(6);
  return config;
}

queue::Receipt receipt(std::uint64_t number) {
  // Homes that collide, so that searches have to walk.
  return {queue::Fingerprint{number, number % 7}, queue::QueueId(number), base::Time(std::chrono::seconds(number))};
}

/// A spool in which mail of two days ago left so many receipts.
void leave_receipts(const std::string& spool, std::uint64_t count) {
  queue::Message old;
  old.received = base::now() - std::chrono::hours(48);
  old.id = queue::QueueId::first_at(old.received);
  old.expires = old.received + std::chrono::hours(120);
  old.envelope.recipients.emplace_back(mail::Mailbox("bob", "example.net"));
  for (std::uint64_t i = 1; i <= count; ++i) old.fingerprints.push_back(receipt(i).fingerprint);
  queue::DeliveryRecord delivered;
  delivered.message = old.id;
  delivered.state = queue::State::delivered;
  queue::Recording recording;
  recording.records.push_back(std::move(delivered));
  queue::StoreOptions options;
  options.spool = spool;
  options.medium = queue::Medium::any;
  auto store = queue::open_store(options, [](queue::Completions completions) {
    for (auto& completion : completions) completion();
  });
  REQUIRE(store);
  std::promise<bool> done;
  (*store)->accept(std::move(old), [](const base::Result<void>&) {});
  (*store)->record(std::move(recording), [&done](const base::Result<void>& result) { done.set_value(result.has_value()); });
  REQUIRE(done.get_future().get());
}

std::size_t receipts_in(const std::string& spool) {
  std::size_t count = 0;
  REQUIRE(queue::open_reader(spool).value()->receipts({}, [&count](const queue::Receipt&) { ++count; }));
  return count;
}

bool knows(const ReceiptBook& book, std::uint64_t number) {
  const queue::Receipt* found = book.find(receipt(number).fingerprint);
  return found != nullptr && found->message.value() == number;
}

}  // namespace

TEST_CASE("the same mail again is answered with the first id, and not queued again") {
  const Folder folder;
  Sink sink;
  Relay relay(remembering(folder, sink.port()), example);
  Client first = relay.client();
  first.ehlo();
  const std::string reply = first.send("a@client.example", {"bob@example.net"}, with_id("x"));
  REQUIRE(reply.starts_with("250 2.0.0 queued as "));
  Client second = relay.client();
  second.ehlo();
  CHECK(second.send("a@client.example", {"bob@example.net"}, with_id("x")) == "250 2.0.0 queued as " + id_in(reply) + " already");
  REQUIRE(relay.empties());
  CHECK(sink.arrivals().size() == 1);
  CHECK(relay.logs("info repeated id=" + id_in(reply) + " msgid=<x@client.example> from=<a@client.example>"));
}

TEST_CASE("receipts from before the time in which repeats are known do not stay") {
  const Folder folder;
  Sink sink;
  const conf::Config config = remembering(folder, sink.port());
  leave_receipts(config.spool, 999);
  Relay relay(config, example);
  CHECK(receipts_in(config.spool) == 999);
  Client client = relay.client();
  client.ehlo();
  REQUIRE(client.send("a@client.example", {"bob@example.net"}, with_id("x")).starts_with("250"));
  CHECK(receipts_in(config.spool) == 1);
}

TEST_CASE("recipients that are new are queued, and only those") {
  const Folder folder;
  Sink sink;
  Relay relay(remembering(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  const std::string first = client.send("a@client.example", {"bob@example.net"}, with_id("x"));
  const std::string second = client.send("a@client.example", {"bob@example.net", "eve@example.net"}, with_id("x"));
  REQUIRE(second.starts_with("250"));
  CHECK(id_in(first) != id_in(second));
  REQUIRE(sink.receives(2));
  REQUIRE(relay.empties());
  CHECK(sink.arrivals()[1].rcpts == std::vector<std::string>{"RCPT TO:<eve@example.net>"});
}

TEST_CASE("another sender, Message-ID or content is other mail") {
  const Folder folder;
  Sink sink;
  Relay relay(remembering(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, with_id("x"));
  client.send("b@client.example", {"bob@example.net"}, with_id("x"));
  client.send("a@client.example", {"bob@example.net"}, with_id("x", "Hello!\r\n"));
  client.send("a@client.example", {"bob@example.net"}, with_id("y"));
  CHECK(sink.receives(4));
}

TEST_CASE("mail without a Message-ID of its own is never taken for a repetition") {
  const Folder folder;
  Sink sink;
  Relay relay(remembering(folder, sink.port()), example);
  Client client = relay.client();
  client.ehlo();
  client.send("a@client.example", {"bob@example.net"}, without_id());
  client.send("a@client.example", {"bob@example.net"}, without_id());
  CHECK(sink.receives(2));
}

TEST_CASE("what was taken is remembered over a restart, and not longer than accept.duplicates") {
  const Folder folder;
  Sink sink;
  conf::Config config = remembering(folder, sink.port());
  std::string first;
  {
    Relay relay(config, example);
    Client client = relay.client();
    client.ehlo();
    first = id_in(client.send("a@client.example", {"bob@example.net"}, with_id("x")));
    REQUIRE(relay.empties());
  }
  {
    Relay relay(config, example);
    Client client = relay.client();
    client.ehlo();
    CHECK(id_in(client.send("a@client.example", {"bob@example.net"}, with_id("x"))) == first);
  }
  SECTION("switched off") { config.accept.duplicates = Milliseconds(0); }
  SECTION("after that time") { config.accept.duplicates = Milliseconds(1); }
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  CHECK(id_in(client.send("a@client.example", {"bob@example.net"}, with_id("x"))) != first);
  CHECK(sink.receives(2));
}

TEST_CASE("what two sessions bring at the same moment is taken from one of them") {
  relay::intake::Duplicates duplicates;
  const std::vector<queue::Fingerprint> both = {receipt(1).fingerprint, receipt(2).fingerprint};
  {
    auto claim = duplicates.claim(both);
    REQUIRE(claim);
    CHECK_FALSE(duplicates.claim({receipt(2).fingerprint}));
    CHECK(duplicates.claim({receipt(3).fingerprint}));
  }
  CHECK(duplicates.claim(both));
}

TEST_CASE("a book of receipts holds the newest") {
  ReceiptBook book(1000);
  for (std::uint64_t i = 1; i <= 5000; ++i) {
    book.add(receipt(i));
    CHECK(knows(book, i));
    CHECK(knows(book, i <= 1000 ? 1 : i - 999));
    CHECK_FALSE(knows(book, i <= 1000 ? 0 : i - 1000));
  }
  CHECK(book.size() == 1000);
  for (std::uint64_t i = 1; i <= 5000; ++i) CHECK(knows(book, i) == (i > 4000));
}

TEST_CASE("a receipt made anew stays when the old one leaves") {
  ReceiptBook book(3);
  book.add(receipt(1));
  queue::Receipt again = receipt(1);
  again.message = queue::QueueId(9);
  book.add(again);
  for (std::uint64_t i = 2; i <= 3; ++i) book.add(receipt(i));
  const queue::Receipt* found = book.find(receipt(1).fingerprint);
  REQUIRE(found != nullptr);
  CHECK(found->message.value() == 9);
  book.add(receipt(4));
  CHECK(book.find(receipt(1).fingerprint) == nullptr);
}

TEST_CASE("what exceeds accept.sender_rate is held, and postmaster is told once") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.accept.sender_rate = base::Rate{3, std::chrono::hours(1)};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const auto send = [&](const std::string& from, const std::vector<std::string>& to) {
    return client.send(from, to, message(from, "x"));
  };
  CHECK(send("a@client.example", {"b@example.net", "c@example.net"}).starts_with("250"));
  const std::string held = send("a@client.example", {"b@example.net", "c@example.net"});
  CHECK(held == "250 2.0.0 queued as " + id_in(held) + ", held: <a@client.example> exceeds accept.sender_rate, 3/h");
  CHECK(send("a@client.example", {"d@example.net"}).starts_with("250"));  // there was room for one
  send("a@client.example", {"e@example.net"});
  CHECK(send("b@client.example", {"f@example.net"}).starts_with("250"));
  CHECK(relay.states(id_in(held)) == "held held");
  REQUIRE(sink.receives(4));  // three of the senders', and the letter
  const auto arrivals = sink.arrivals();
  const auto letter =
      std::ranges::find_if(arrivals, [](const auto& arrival) { return arrival.rcpts.front() == "RCPT TO:<admin@example.com>"; });
  REQUIRE(letter != arrivals.end());
  CHECK(letter->content.find("queue release --from 'a@client.example'") != std::string::npos);
  CHECK(relay.count_in_log("warning sender-rate from=<a@client.example>") == 1);
  const auto rows = relay.rows("?state=held");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].as_object().at("last_reply").as_string().find("exceeds accept.sender_rate") != std::string::npos);
  act(relay, queue::Deed::release, only("from", "a@client.example"));
  CHECK(sink.receives(6));
  CHECK(relay.empties());
}

TEST_CASE("the commands in the letter mean that sender alone, whatever its address holds") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.accept.sender_rate = base::Rate{1, std::chrono::hours(1)};
  Relay relay(config, example);
  Client client = relay.client();
  client.ehlo();
  const std::string sender = "a*$b@client.example";
  REQUIRE(client.send(sender, {"b@example.net", "c@example.net"}, message(sender, "x")).find(", held: ") != std::string::npos);
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("queue drop --from 'a??b@client.example'") != std::string::npos);
}

TEST_CASE("each sender's period begins with its first mail and ends by itself") {
  SenderRates rates;
  const base::Rate rate{2, std::chrono::hours(1)};
  const base::Time start(std::chrono::hours(1000));
  CHECK(rates.count("a", 2, rate, start) == RateVerdict::within);
  CHECK(rates.count("a", 1, rate, start) == RateVerdict::first_excess);
  CHECK(rates.count("a", 1, rate, start) == RateVerdict::excess);
  CHECK(rates.count("b", 3, rate, start) == RateVerdict::first_excess);
  CHECK(rates.count("b", 2, rate, start + std::chrono::minutes(59)) == RateVerdict::within);
  CHECK(rates.count("a", 2, rate, start + std::chrono::minutes(60)) == RateVerdict::within);
}

TEST_CASE("of very many senders the oldest periods are forgotten") {
  SenderRates rates(100);
  const base::Time now(std::chrono::hours(1000));
  for (int i = 0; i < 1000; ++i) rates.count(fmt::format("{}", i), 1, base::Rate{1, std::chrono::hours(1)}, now);
  CHECK(rates.size() == 100);
}

// Receipts are kept with the messages they tell of, and no more of them than anybody asks for.
#include "queue/store.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::Fingerprint;
using queue::Receipt;
using store_test::accept;
using store_test::at;
using store_test::id_of;
using store_test::message;
using store_test::Queue;

namespace {

std::vector<Receipt> receipts(Queue& queue, base::Time since = {}) {
  std::vector<Receipt> found;
  REQUIRE(queue.reader().receipts(since, [&](const Receipt& receipt) { found.push_back(receipt); }));
  return found;
}

}  // namespace

TEST_CASE("a receipt comes with its message, for each recipient, and outlives it") {
  Queue queue;
  queue::Message first = message(1, {"a.example", "b.example"});
  first.fingerprints = {Fingerprint{1, ~std::uint64_t{0}}, Fingerprint{2, 7}};
  REQUIRE(accept(queue.store(), first));
  REQUIRE(accept(queue.store(), message(2)));
  queue::Message third = message(3);
  third.fingerprints = {Fingerprint{3, 3}};
  REQUIRE(accept(queue.store(), third));
  REQUIRE(store_test::record(queue.store(), {store_test::record(3, 0, queue::State::delivered)}));
  queue.stop();
  queue.start();
  const auto all = receipts(queue);
  REQUIRE(all.size() == 3);
  CHECK(all[0].fingerprint == Fingerprint{1, ~std::uint64_t{0}});
  CHECK(all[0].message == id_of(1));
  CHECK(all[0].received == at(1));
  CHECK(all[1].fingerprint == Fingerprint{2, 7});
  CHECK(all[2].message == id_of(3));
  CHECK(receipts(queue, at(2)).size() == 1);
}

TEST_CASE("a message that is refused leaves no receipt") {
  Queue queue;
  REQUIRE(accept(queue.store(), message(1)));
  queue::Message again = message(1);
  again.fingerprints = {Fingerprint{1, 1}};
  CHECK_FALSE(accept(queue.store(), again));
  CHECK(receipts(queue).empty());
}

TEST_CASE("the newest 500,000 receipts are kept") {
  Queue queue;
  queue::Message large = message(1);
  for (std::uint64_t i = 1; i <= 501'500; ++i) large.fingerprints.push_back(Fingerprint{i, i});
  REQUIRE(accept(queue.store(), large));
  const auto kept = receipts(queue);
  REQUIRE(kept.size() == 500'000);
  CHECK(kept.front().fingerprint.high == 1'501);
}

TEST_CASE("receipts that are of no use any more go, the oldest first") {
  Queue queue;
  queue::Message old = message(1);
  for (std::uint64_t i = 1; i <= 3'500; ++i) old.fingerprints.push_back(Fingerprint{i, i});
  REQUIRE(accept(queue.store(), old));
  REQUIRE(receipts(queue).size() == 3'500);
  queue::Message later = message(2);
  for (std::uint64_t i = 1; i <= 1'000; ++i) later.fingerprints.push_back(Fingerprint{i, 0});
  later.receipts_since = later.received;
  REQUIRE(accept(queue.store(), later));
  CHECK(receipts(queue).size() == 2'500);
  queue::Message last = message(3);
  last.fingerprints = later.fingerprints;
  last.receipts_since = later.received;
  REQUIRE(accept(queue.store(), last));
  const auto kept = receipts(queue);
  REQUIRE(kept.size() == 2'000);
  CHECK(kept.front().message == later.id);
}

TEST_CASE("a message may be held from the beginning, with the reason as its reply") {
  Queue queue;
  queue::Message held = message(1, {"a.example", "b.example"});
  held.held_for = "held: too much";
  REQUIRE(accept(queue.store(), held));
  const auto rows = queue.reader().recipients(id_of(1));
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[1].state == queue::State::held);
  CHECK((*rows)[1].last_reply == "held: too much");
  CHECK(store_test::counts(queue.store()).held == 2);
  CHECK(queue.reader().queued_after(queue::QueueId(), 10).value().empty());
}

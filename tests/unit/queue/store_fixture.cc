// What tests of a store share.
#include "store_fixture.h"

#include <stdlib.h>

#include <chrono>
#include <stdexcept>

#include "tests/catch.h"

namespace store_test {

TemporarySpool::TemporarySpool() {
  std::string pattern = (std::filesystem::temp_directory_path() / "mailferry-store-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
}

TemporarySpool::~TemporarySpool() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

base::Time at(std::int64_t seconds) {
  return std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(12) + std::chrono::seconds(seconds);
}

queue::QueueId id_of(std::uint32_t number) { return queue::QueueId(queue::QueueId::first_at(at(0)).value() + number); }

queue::Message message(std::uint32_t number, const std::vector<std::string>& domains) {
  queue::Message made;
  made.id = id_of(number);
  made.received = at(number);
  made.expires = made.received + std::chrono::days(5);
  made.envelope.reverse_path = mail::ReversePath(mail::Mailbox("sender" + std::to_string(number), "sender.example"));
  for (const std::string& domain : domains) {
    made.envelope.recipients.emplace_back(mail::Mailbox("r" + std::to_string(made.envelope.recipients.size()), domain));
  }
  made.prefix = "Received: by mailferry with id " + std::to_string(number) + "\r\n";
  made.content = queue::Content::in_memory("Subject: " + std::to_string(number) + "\r\n\r\nmessage\r\n");
  seal(made);
  return made;
}

void seal(queue::Message& message) { message.crc = queue::crc32(queue::crc32(0, message.prefix), message.content.octets()); }

queue::DeliveryRecord record(std::uint32_t number, std::uint32_t index, queue::State state) {
  queue::DeliveryRecord made;
  made.message = id_of(number);
  made.index = index;
  made.state = state;
  made.attempts = 1;
  made.when = at(1000);
  made.next_attempt = at(2000);
  made.mx = "mx.example.com";
  made.reply = state == queue::State::delivered ? "250 2.0.0 taken" : "451 4.7.1 try later";
  return made;
}

void Queue::start() {
  queue::StoreOptions options;
  options.spool = spool.path();
  options.medium = queue::Medium::any;
  store_ = queue::open_store(options, complete_at_once).value();
  reader_ = queue::open_reader(spool.path()).value();
}

void Queue::stop() {
  reader_.reset();
  store_.reset();
}

void complete_at_once(queue::Completions completions) {
  for (auto& completion : completions) completion();
}

namespace {

template <class Value>
std::pair<std::move_only_function<void(base::Result<Value>)>, std::future<base::Result<Value>>> promise() {
  std::promise<base::Result<Value>> given;
  auto future = given.get_future();
  return {[given = std::move(given)](base::Result<Value> result) mutable { given.set_value(std::move(result)); },
          std::move(future)};
}

}  // namespace

base::Result<void> accept(queue::Store& store, queue::Message message) {
  auto [done, future] = promise<void>();
  store.accept(std::move(message), std::move(done));
  return future.get();
}

base::Result<void> record(queue::Store& store, std::vector<queue::DeliveryRecord> records) {
  return record(store, queue::Recording(std::move(records)));
}

base::Result<void> record(queue::Store& store, queue::Recording recording) {
  auto [done, future] = promise<void>();
  store.record(std::move(recording), std::move(done));
  return future.get();
}

base::Result<void> quarantine(queue::Store& store, queue::QueueId id, std::string reason, base::Time now) {
  auto [done, future] = promise<void>();
  store.quarantine(id, std::move(reason), now, std::move(done));
  return future.get();
}

base::Result<void> pause(queue::Store& store, queue::Pause pause) {
  auto [done, future] = promise<void>();
  store.pause(std::move(pause), std::move(done));
  return future.get();
}

base::Result<std::uint64_t> resume(queue::Store& store, std::string pattern) {
  auto [done, future] = promise<std::uint64_t>();
  store.resume(std::move(pattern), std::move(done));
  return future.get();
}

base::Result<void> begin_action(queue::Store& store, queue::Action action) {
  auto [done, future] = promise<void>();
  store.begin_action(std::move(action), std::move(done));
  return future.get();
}

queue::Counts counts(queue::Store& store) {
  auto [done, future] = promise<queue::Counts>();
  store.counts(std::move(done));
  return future.get().value();
}

queue::DeliveryRecord deferred(std::uint32_t number, std::uint32_t index, base::Time next) {
  queue::DeliveryRecord made = record(number, index, queue::State::deferred);
  made.next_attempt = next;
  return made;
}

std::vector<std::uint32_t> numbers(const std::vector<queue::DueRecipient>& recipients) {
  std::vector<std::uint32_t> found;
  for (const auto& recipient : recipients)
    found.push_back(static_cast<std::uint32_t>(recipient.message.value() - id_of(0).value()));
  return found;
}

std::vector<std::string> destinations(Queue& queue) {
  std::vector<std::string> lines;
  const auto rows = queue.reader().destinations();
  REQUIRE(rows);
  for (const auto& row : *rows) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(row.earliest - at(0)).count();
    lines.push_back(row.name + " " + std::to_string(row.recipients) + " " + std::to_string(seconds));
  }
  return lines;
}

void check_counts(Queue& queue, std::uint64_t messages, std::uint64_t recipients, std::uint64_t held) {
  for (const queue::Counts& found : {counts(queue.store()), queue.reader().counts().value()}) {
    CHECK(found.messages == messages);
    CHECK(found.recipients == recipients);
    CHECK(found.held == held);
  }
}

}  // namespace store_test

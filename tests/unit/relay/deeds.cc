// Questions go to the loop as coroutines and come back by a promise.
#include "tests/unit/relay/deeds.h"

#include <future>
#include <stdexcept>

#include "queue/content_file.h"
#include "relay/daemon.h"
#include "tests/catch.h"

namespace world {
namespace {

template <class T>
relay::Task<void> keep(relay::Task<base::Result<T>> task, std::promise<base::Result<T>>& promise) {
  auto value = co_await std::move(task);
  promise.set_value(std::move(value));
}

template <class T>
base::Result<T> ask(Relay& relay, const std::function<relay::Task<base::Result<T>>(relay::Daemon&)>& question) {
  std::promise<base::Result<T>> promise;
  relay.on_loop([&](relay::Daemon& daemon) { daemon.services().tasks.spawn(keep(question(daemon), promise)); });
  return promise.get_future().get();
}

template <class T>
T value_of(base::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().words);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Waits for an operation of a store whose completions run on its thread.
void finish(const std::function<void(queue::Store::Done)>& begin) {
  std::promise<base::Result<void>> promise;
  begin([&](base::Result<void> done) { promise.set_value(std::move(done)); });
  value_of(promise.get_future().get());
}

queue::Message message_to(const std::string& recipient, queue::QueueId id, base::Time now) {
  queue::Message made;
  made.id = id;
  made.received = now;
  made.expires = now + std::chrono::hours(120);
  made.envelope.reverse_path = mail::ReversePath(mail::Mailbox("a", "client.example"));
  made.envelope.recipients.emplace_back(mail::Mailbox::parse(recipient).value());
  const std::string content = message("a@client.example", id.to_string());
  made.crc = queue::crc32(0, content);
  made.content = queue::Content::in_memory(content);
  return made;
}

}  // namespace

queue::QueueId begin(Relay& relay, queue::Deed deed, const queue::Filter& filter) {
  return value_of(
      ask<queue::QueueId>(relay, [&](relay::Daemon& daemon) { return daemon.actions().begin(deed, queue::Filter(filter)); }));
}

queue::Action end_of(Relay& relay, queue::QueueId action) {
  queue::Action found;
  const bool ended = eventually([&] {
    relay.on_loop([&](relay::Daemon& daemon) { found = daemon.actions().find(action).value_or(queue::Action()); });
    return found.finished.has_value();
  });
  if (!ended) throw std::runtime_error("the action does not end");
  return found;
}

queue::Action act(Relay& relay, queue::Deed deed, const queue::Filter& filter) {
  return end_of(relay, begin(relay, deed, filter));
}

void pause(Relay& relay, const std::string& pattern) {
  value_of(ask<void>(relay, [&](relay::Daemon& daemon) { return daemon.dispatcher().pause(pattern); }));
}

std::uint64_t resume(Relay& relay, const std::string& pattern) {
  return value_of(ask<std::uint64_t>(relay, [&](relay::Daemon& daemon) { return daemon.dispatcher().resume(pattern); }));
}

std::vector<relay::delivery::PauseView> pauses(Relay& relay) {
  using Views = std::vector<relay::delivery::PauseView>;
  return value_of(ask<Views>(relay, [](relay::Daemon& daemon) { return daemon.dispatcher().pauses(); }));
}

queue::Filter only(const std::string& name, const std::string& value) {
  queue::Filter filter;
  value_of(filter.set(name, value, base::now()));
  return filter;
}

std::vector<queue::ListRow> rows_in(const conf::Config& config) {
  const auto reader = value_of(queue::open_reader(config.spool));
  return value_of(reader->list({}, queue::QueueId(), 0, 100'000));
}

bool holds(const conf::Config& config, const std::vector<std::string>& expected) {
  std::vector<std::string> found;
  const bool as_expected = eventually([&] {
    found.clear();
    for (const queue::ListRow& row : rows_in(config)) {
      found.push_back(row.recipient + " " + std::string(queue::to_string(row.state)));
    }
    return found == expected;
  });
  if (as_expected) return true;
  for (const std::string& row : found) UNSCOPED_INFO("there is: " << row);
  return false;
}

void fill(const conf::Config& config, std::size_t count, const std::function<std::string(std::size_t)>& recipient) {
  if (!base::make_directories(config.spool)) throw std::runtime_error("no spool");
  queue::StoreOptions options;
  options.spool = config.spool;
  options.medium = queue::Medium::any;
  const auto store = value_of(queue::open_store(options, [](queue::Completions batch) {
    for (auto& complete : batch) complete();
  }));
  queue::QueueIdMaker ids{queue::QueueId()};
  const base::Time now = base::now();
  std::vector<queue::DeliveryRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    queue::Message made = message_to(recipient(i), ids.next(now), now);
    queue::DeliveryRecord record;
    record.message = made.id;
    record.attempts = 1;
    record.when = now;
    record.next_attempt = now + std::chrono::hours(24);
    record.mx = "mx1.example.net";
    record.reply = "451 4.3.0 not now";
    records.push_back(std::move(record));
    store->accept(std::move(made), [](base::Result<void>) {});
  }
  finish([&](queue::Store::Done done) { store->record(queue::Recording(std::move(records)), std::move(done)); });
}

}  // namespace world

// What is next: jobs to idle and new connections, refills from the store, the alarm, start and stop.
#include "relay/delivery/dispatcher.h"

#include <fmt/format.h>

#include <functional>
#include <random>

#include "base/text.h"
#include "queue/sender_number.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

/// Content kept in memory for first attempts; what is over it is read back from the store.
constexpr std::size_t most_fresh_octets = 32U << 20U;
constexpr std::size_t page_size = 500;
constexpr base::Duration after_failed_refill(5'000);
/// So many outcomes may wait for the store before deliveries pause: a slow disk sets their pace, and a crash repeats no more.
/// With a full one they may wait long.
constexpr std::size_t most_unwritten = 1000;
constexpr std::size_t most_unwritten_when_full = 100;

std::string destination_of(const mail::Mailbox& mailbox) { return mailbox.domain(); }

}  // namespace

Dispatcher::Dispatcher(Services& services, NoticeMaker& notices, std::unique_ptr<queue::Reader> reader)
    : services_(services),
      hosts_(services),
      ledger_(services),
      reports_(services, notices),
      reader_(std::move(reader)),
      reading_(asio::make_strand(services.workers.get_executor())),
      schedule_(schedule_options(services.settings.get()->config), std::random_device{}()),
      idle_(services),
      alert_command_([&services](const std::string& words) {
        asio::post(services.loop, [&services, words] { services.log.error("alert-command-failed").with("reason", words); });
      }),
      alarm_(services.loop) {
  warmup_.configure(services.settings.get()->config.delivery.warmup);
}

void Dispatcher::start(queue::QueueId newest) { services_.tasks.spawn(recover(newest)); }

void Dispatcher::stop() {
  stopping_ = true;
  alarm_.cancel();
  idle_.end_all();
}

void Dispatcher::configure(const conf::Config& config) {
  schedule_.configure(schedule_options(config));
  warmup_.configure(config.delivery.warmup);
  kick();
}

void Dispatcher::add(queue::Message message) {
  std::vector<queue::DueRecipient> waiting;
  const std::size_t count = message.envelope.recipients.size();
  const mail::ReversePath& reverse_path = message.envelope.reverse_path;
  const std::uint32_t sender = queue::sender_number(reverse_path.is_null() ? "" : reverse_path.mailbox().to_string());
  waiting.reserve(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    queue::DueRecipient due;
    due.message = message.id;
    due.index = index;
    due.next_attempt = message.received;
    due.expires = message.expires_of.empty() ? message.expires : message.expires_of[index];
    due.destination = destination_of(message.envelope.recipients[index].mailbox);
    due.sender = sender;
    waiting.push_back(std::move(due));
  }
  const std::size_t octets = message.prefix.size() + message.content.octets().size();
  if (fresh_octets_ + octets <= most_fresh_octets) {
    fresh_octets_ += octets;
    const queue::QueueId id = message.id;
    fresh_.emplace(id, Fresh{std::make_shared<const queue::Message>(std::move(message)), count});
  }
  give_back(schedule_.add(std::move(waiting), base::now()));
  kick();
}

void Dispatcher::close_fresh(queue::QueueId id, std::size_t recipients) {
  const auto fresh = fresh_.find(id);
  if (fresh == fresh_.end()) return;
  fresh->second.open -= std::min(fresh->second.open, recipients);
  if (fresh->second.open > 0) return;
  fresh_octets_ -= fresh->second.message->prefix.size() + fresh->second.message->content.octets().size();
  fresh_.erase(fresh);
}

void Dispatcher::kick() {
  if (kicked_) return;
  kicked_ = true;
  asio::post(services_.loop, [this] {
    kicked_ = false;
    dispatch();
  });
}

bool Dispatcher::paused() const {
  if (!recovered_) return true;
  switch (services_.store.health()) {
    case queue::Health::open: return stopping_ || ledger_.unwritten() > most_unwritten;
    case queue::Health::full: return stopping_ || ledger_.unwritten() > most_unwritten_when_full;
    case queue::Health::closed: return true;
  }
  return true;
}

void Dispatcher::dispatch() {
  if (paused()) return;
  const std::size_t most = services_.settings.get()->config.delivery.connections;
  for (;;) {
    auto next = schedule_.next(base::now());
    if (auto* job = std::get_if<queue::DeliveryJob>(&next)) {
      if (schedule_.active_connections() + idle_.size() > most) idle_.end_one();
      services_.tasks.spawn(carry(std::move(*job)));
    } else if (auto* request = std::get_if<queue::Refill>(&next)) {
      services_.tasks.spawn(refill(std::move(*request)));
    } else {
      wait_until(std::get<queue::Wait>(next).until);
      break;
    }
  }
}

void Dispatcher::wait_until(std::optional<base::Time> time) {
  if (!time) {
    alarm_.cancel();
    return;
  }
  alarm_.expires_after(std::max(base::Duration(1), *time - base::now()));
  alarm_.async_wait([this](const boost::system::error_code& error) {
    if (!error) kick();
  });
}

Task<void> Dispatcher::recover(queue::QueueId newest) {
  co_await take_up_pauses();
  co_await take_up_remembered();
  recovered_ = true;
  auto known = [reader = reader_.get()] { return reader->destinations(); };
  const auto destinations = co_await on(reading_, services_.loop, known);
  if (destinations) {
    schedule_.know(*destinations);
  } else {
    services_.log.error("recovery-failed").with("reason", destinations.error().words);
  }
  queue::QueueId after;
  std::size_t found = 0;
  for (;;) {
    auto work = [reader = reader_.get(), after] { return reader->queued_after(after, page_size); };
    auto page = co_await on(reading_, services_.loop, work);
    if (!page || page->empty()) break;
    after = page->back().message;
    const std::size_t asked = page->size();
    // What came in since the start is in the schedule already.
    std::erase_if(*page, [newest](const queue::DueRecipient& due) { return due.message > newest; });
    found += page->size();
    give_back(schedule_.add(std::move(*page), base::now()));
    if (asked < page_size || after >= newest) break;
  }
  services_.log.info("recovered").with("queued", found).with("destinations", destinations ? destinations->size() : 0);
  kick();
}

Task<void> Dispatcher::refill(queue::Refill request) {
  auto work = [reader = reader_.get(), &request] { return reader->due(request.destination, base::Time::max(), request.limit); };
  auto rows = co_await on(reading_, services_.loop, work);
  const base::Time now = base::now();
  if (!rows) {
    services_.log.error("refill-failed").with("destination", request.destination).with("reason", rows.error().words);
    std::vector<queue::DueRecipient> none;
    schedule_.refilled(request.destination, std::move(none), true, now + after_failed_refill, now);
    kick();
    co_return;
  }
  const auto first_later = std::ranges::find_if(*rows, [now](const queue::DueRecipient& due) { return due.next_attempt > now; });
  std::optional<base::Time> next_due;
  if (first_later != rows->end()) next_due = first_later->next_attempt;
  const bool complete = next_due.has_value() || rows->size() < request.limit;
  rows->erase(first_later, rows->end());
  schedule_.refilled(request.destination, std::move(*rows), complete, next_due, now);
  kick();
}

std::string Dispatcher::why_it_waits(const std::string& destination) const {
  if (const std::string* pattern = schedule_.paused_by(destination)) return fmt::format("paused: {}", *pattern);
  const auto rest = rest_words_.find(destination);
  if (rest != rest_words_.end() && schedule_.rests_until(destination)) return rest->second;
  return "waits behind other mail for the destination";
}

/// Nothing was tried: the attempts, and what was said last, stay.
queue::DeliveryRecord Dispatcher::put_back(const queue::DueRecipient& due) const {
  queue::DeliveryRecord record;
  record.message = due.message;
  record.index = due.index;
  record.state = queue::State::deferred;
  record.attempts = due.attempts;
  record.when = base::now();
  record.next_attempt = due.next_attempt;
  record.attempted = queue::Attempted::no;
  if (due.attempts == 0) record.reply = why_it_waits(due.destination);
  return record;
}

/// In parts, so that no accept waits behind all of it.
void Dispatcher::give_back(std::vector<queue::DueRecipient> recipients) {
  for (std::size_t from = 0; from < recipients.size(); from += page_size) {
    const auto begin = recipients.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(page_size, recipients.size() - from));
    std::vector<queue::DueRecipient> part(std::make_move_iterator(begin), std::make_move_iterator(end));
    queue::Recording recording;
    for (const queue::DueRecipient& due : part) {
      recording.records.push_back(put_back(due));
      close_fresh(due.message, 1);
    }
    ledger_.write(std::move(recording), [this, parked = std::move(part)] {
      schedule_.parked(parked, base::now());
      kick();
    });
  }
}

void Dispatcher::woken(const std::vector<queue::DestinationRow>& destinations) {
  schedule_.know(destinations);
  for (const queue::DestinationRow& row : destinations) schedule_.wake(row.name);
  kick();
}

void Dispatcher::forget(queue::QueueId id) {
  schedule_.forget(id);
  close_fresh(id, std::numeric_limits<std::size_t>::max());
}

std::vector<queue::RecipientKey> Dispatcher::active() const {
  std::vector<queue::RecipientKey> keys;
  for (const queue::ActiveRecipient& active : schedule_.active()) keys.push_back(active.key);
  return keys;
}

std::vector<queue::DeliveryJob> Dispatcher::claim(const std::shared_ptr<queue::Schedule::Look>& since,
                                                  std::vector<queue::DueRecipient> recipients) {
  std::map<std::pair<queue::QueueId, std::string>, queue::DeliveryJob> jobs;
  for (queue::DueRecipient& due : schedule_.claim(since, std::move(recipients), base::now())) {
    queue::DeliveryJob& job = jobs[std::pair(due.message, due.destination)];
    job.message = due.message;
    job.destination = due.destination;
    job.recipients.push_back(std::move(due));
  }
  std::vector<queue::DeliveryJob> list;
  list.reserve(jobs.size());
  for (auto& [key, job] : jobs) list.push_back(std::move(job));
  return list;
}

void Dispatcher::wake(const std::string& destination) {
  schedule_.wake(destination);
  kick();
}

}  // namespace relay::delivery

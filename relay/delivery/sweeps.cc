// The sweeps, one after the other.
#include "relay/delivery/sweeps.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "relay/delivery/expiry_letters.h"
#include "relay/retry_policy.h"

namespace relay::delivery {
namespace {

constexpr std::size_t page_size = 500;
/// In one commit, with their notices in memory.
constexpr std::size_t jobs_at_once = 50;
constexpr base::Duration day = std::chrono::hours(24);

const queue::ListRow* row_of(const std::vector<queue::ListRow>& rows, std::uint32_t index) {
  const auto found = std::ranges::find(rows, index, &queue::ListRow::index);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

Sweeps::Sweeps(Services& services, Dispatcher& dispatcher, std::unique_ptr<queue::Reader> reader, SweepOptions options)
    : services_(services),
      dispatcher_(dispatcher),
      reader_(std::move(reader)),
      reading_(asio::make_strand(services.workers.get_executor())),
      options_(options) {}

void Sweeps::start() {
  services_.tasks.spawn(sweep());
  services_.tasks.spawn(watch());
}

Task<void> Sweeps::sweep() {
  while (!stopping_) {
    co_await expire();
    for (const base::Duration after : warning_times(services_.settings.get()->config)) co_await warn(after);
    co_await warn_of_pauses();
    co_await warn_of_blocks();
    Timer pause(services_.loop, options_.every);
    co_await pause.async_wait(as_result);
  }
}

/// By itself: a sweep may take long, or hang.
Task<void> Sweeps::watch() {
  while (!stopping_) {
    dispatcher_.watch(options_.stuck_after, options_.freed_after);
    Timer pause(services_.loop, options_.every);
    co_await pause.async_wait(as_result);
  }
}

Task<void> Sweeps::expire() {
  queue::QueueId after;
  for (;;) {
    const auto look = dispatcher_.look();
    auto read = [reader = reader_.get(), after] { return reader->expired(base::now(), after, page_size); };
    auto page = co_await on(reading_, services_.loop, read);
    if (!page || page->empty() || stopping_) co_return;
    after = page->back().message;
    const bool last = page->size() < page_size;
    auto jobs = dispatcher_.claim(look, std::move(*page));
    co_await expire(std::move(jobs));
    if (last) co_return;
  }
}

/// The jobs of a message follow each other: one report for all of its recipients.
Task<void> Sweeps::expire(std::vector<queue::DeliveryJob> jobs) {
  Settlement settlement;
  for (auto job = jobs.begin(); job != jobs.end();) {
    const queue::QueueId id = job->message;
    const auto end = std::find_if(job, jobs.end(), [id](const queue::DeliveryJob& other) { return other.message != id; });
    const auto known = co_await find(id);
    std::vector<Concern> concerns;
    for (; job != end; ++job) {
      if (known) std::ranges::move(given_up(*job, known->rows), std::back_inserter(concerns));
      settlement.jobs.push_back(std::move(*job));
    }
    for (const Concern& concern : concerns) settlement.recording.records.push_back(concern.record);
    if (known) {
      auto notices = co_await dispatcher_.reports().make(known->message, std::move(concerns));
      std::ranges::move(notices, std::back_inserter(settlement.notices));
    }
    if (settlement.jobs.size() < jobs_at_once && job != jobs.end()) continue;
    Settlement part;
    std::swap(part, settlement);
    co_await dispatcher_.committed(std::move(part));
  }
}

/// Those of a job that are still there.
std::vector<Concern> Sweeps::given_up(const queue::DeliveryJob& job, const Rows& rows) {
  std::vector<Concern> concerns;
  for (const queue::DueRecipient& due : job.recipients) {
    const queue::ListRow* row = row_of(rows, due.index);
    if (row == nullptr) continue;
    Concern concern;
    concern.record.message = due.message;
    concern.record.index = due.index;
    concern.record.state = queue::State::failed;
    concern.record.attempts = due.attempts;
    concern.record.when = base::now();
    concern.record.mx = row->mx;
    concern.record.reply = fmt::format("gave up, expired: {}", row->last_reply.empty() ? "never attempted" : row->last_reply);
    const Peer peer{row->mx, {}, {}};
    dispatcher_.ledger().tell(concern.record, row->recipient, row->received, peer);
    concerns.push_back(std::move(concern));
  }
  return concerns;
}

/// What cannot be read now is left for the next time.
Task<std::optional<Sweeps::Known>> Sweeps::find(queue::QueueId id) {
  auto load = [reader = reader_.get(), id] { return reader->load(id); };
  auto message = co_await on(reading_, services_.loop, load);
  if (!message) {
    if (message.error().kind == base::Kind::damaged) dispatcher_.set_aside(id, message.error().words);
    co_return std::nullopt;
  }
  auto list = [reader = reader_.get(), id] { return reader->recipients(id); };
  auto rows = co_await on(reading_, services_.loop, list);
  if (!rows) co_return std::nullopt;
  Known known;
  known.message = std::make_shared<const queue::Message>(std::move(*message));
  known.rows = std::move(*rows);
  co_return known;
}

/// Ids are times: each message is looked at once after its time has come; `warned` in the store keeps a restart from telling
/// twice.
Task<void> Sweeps::warn(base::Duration after) {
  const queue::QueueId until = queue::QueueId::first_at(base::now() - after);
  for (;;) {
    const queue::QueueId from = warned_until_[after];
    if (!(from < until)) co_return;
    auto read = [reader = reader_.get(), from, until] { return reader->waiting(from, until, page_size); };
    const auto page = co_await on(reading_, services_.loop, read);
    if (!page || stopping_) co_return;
    std::map<queue::QueueId, std::set<std::uint32_t>> messages;
    for (const queue::DueRecipient& due : *page) messages[due.message].insert(due.index);
    co_await warn(messages, after);
    warned_until_[after] = page->size() < page_size ? until : messages.rbegin()->first;
  }
}

/// One notice a message, for all of these recipients whose sender is told by this time. A host with less patience may have become
/// known late. Those whose sender wants none count as told.
Task<void> Sweeps::warn(const std::map<queue::QueueId, std::set<std::uint32_t>>& messages, base::Duration after) {
  Settlement settlement;
  for (const auto& [id, recipients] : messages) {
    const auto known = co_await find(id);
    if (!known) continue;
    auto concerns = delayed(*known, recipients, after);
    for (const Concern& concern : concerns) settlement.recording.warned.push_back({id, concern.record.index});
    if (!concerns.empty()) {
      auto notices = co_await dispatcher_.reports().make(known->message, std::move(concerns));
      std::ranges::move(notices, std::back_inserter(settlement.notices));
    }
    if (settlement.recording.warned.size() < jobs_at_once) continue;
    Settlement part;
    std::swap(part, settlement);
    co_await dispatcher_.committed(std::move(part));
  }
  co_await dispatcher_.committed(std::move(settlement));
}

std::vector<Concern> Sweeps::delayed(const Known& known, const std::set<std::uint32_t>& recipients, base::Duration after) const {
  const auto settings = services_.settings.get();
  std::vector<Concern> concerns;
  for (const queue::ListRow& row : known.rows) {
    if (!recipients.contains(row.index)) continue;
    const mail::Recipient& recipient = known.message->envelope.recipients.at(row.index);
    const RetryPolicy policy = retry_policy(settings->config, recipient.mailbox.domain(), row.mx);
    if (policy.warn.count() == 0 || policy.warn > after) continue;
    Concern concern;
    concern.event = queue::Event::delayed;
    concern.record.message = row.id;
    concern.record.index = row.index;
    concern.record.mx = row.mx;
    concern.record.reply = row.last_reply;
    concern.record.expires = known.message->received + policy.give_up;
    concerns.push_back(std::move(concern));
  }
  return concerns;
}

/// Mail that is stopped so and expires within a day; nothing when there is none.
Task<std::optional<queue::Expiring>> Sweeps::expiring(Stopped stopped) {
  const base::Time now = base::now();
  auto read = [reader = reader_.get(), stopped = std::move(stopped), now] { return reader->expiring(now, now + day, stopped); };
  auto expiring = co_await on(reading_, services_.loop, read);
  if (!expiring || !expiring->first) co_return std::nullopt;
  co_return std::move(*expiring);
}

Task<void> Sweeps::warn_of_pauses() {
  const std::vector<queue::Pause> pauses = dispatcher_.pause_list();
  for (const queue::Pause& pause : pauses) {
    if (pause.warned) continue;
    auto stopped = dispatcher_.stopped_by(pause.pattern);
    const auto soon = co_await expiring(std::move(stopped));
    if (!soon) continue;
    services_.log.warning("pause-expires").with("destination", pause.pattern).with("at", base::iso_time(soon->first->expires));
    Alert alert = pause_expires(pause, *soon);
    auto settlement = co_await dispatcher_.letter(std::move(alert));
    if (!settlement) continue;
    settlement->recording.pause_warned = pause.pattern;
    co_await dispatcher_.committed(std::move(*settlement));
    dispatcher_.pause_was_told(pause.pattern, base::now());
  }
}

Task<void> Sweeps::warn_of_blocks() {
  const std::vector<Block> blocks = dispatcher_.block_list();
  for (const Block& block : blocks) {
    if (block.warned) continue;
    auto stopped = dispatcher_.stopped_by(block);
    const auto soon = co_await expiring(std::move(stopped));
    if (!soon) continue;
    services_.log.warning("block-expires").with("destination", block.name).with("at", base::iso_time(soon->first->expires));
    Alert alert = block_expires(block, *soon);
    co_await dispatcher_.alert(std::move(alert));
    dispatcher_.block_was_told(block.name, base::now());
  }
}

}  // namespace relay::delivery

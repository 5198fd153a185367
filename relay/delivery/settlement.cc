// What follows when something is known of recipients: notices are made, all of it is recorded at once, the recipients are free
// again, and the notices are delivered like accepted mail.
#include <fmt/format.h>

#include "relay/delivery/dispatcher.h"

namespace relay::delivery {

using base::Kind;

void Dispatcher::finish(queue::DeliveryJob job, Records records, std::vector<Concern> concerns, MessagePtr message) {
  schedule_.conclude(job);  // a report may take its time
  Settlement settlement;
  settlement.jobs.push_back(std::move(job));
  settlement.recording.records = std::move(records);
  if (concerns.empty()) return commit(std::move(settlement));
  services_.tasks.spawn(report_and_commit(std::move(settlement), std::move(concerns), std::move(message)));
}

Task<void> Dispatcher::report_and_commit(Settlement settlement, std::vector<Concern> concerns, MessagePtr message) {
  struct Count {
    explicit Count(std::size_t& number) : number_(number) { ++number_; }
    ~Count() { --number_; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    std::size_t& number_;
  };
  const Count count(settling_);
  settlement.notices = co_await reports_.make(std::move(message), std::move(concerns));
  commit(std::move(settlement));
}

// A recording without anything in it needs no commit.
void Dispatcher::commit(Settlement settlement, std::function<void()> done) {
  for (const queue::DeliveryJob& job : settlement.jobs) schedule_.conclude(job);
  queue::Recording recording = std::move(settlement.recording);
  settlement.recording.records = recording.records;  // the deferred ones come back
  for (const Notice& notice : settlement.notices) recording.notices.push_back(notice.message);
  const bool empty = recording.records.empty() && recording.warned.empty() && recording.notices.empty() && !recording.step;
  const auto shared = std::make_shared<const Settlement>(std::move(settlement));
  auto durable = [this, shared, done = std::move(done)] {
    settled(*shared);
    if (done) done();
  };
  if (empty) return durable();
  ledger_.write(std::move(recording), std::move(durable));
}

Task<void> Dispatcher::committed(Settlement settlement) {
  auto start = [this, &settlement](std::move_only_function<void(bool)> done) {
    const auto shared = std::make_shared<std::move_only_function<void(bool)>>(std::move(done));
    commit(std::move(settlement), [this, shared] {
      // Never within the call: a settlement without anything in it is durable at once.
      asio::post(services_.loop, [shared] { (*shared)(true); });
    });
  };
  co_await await_on_loop<bool>(start);
}

void Dispatcher::settled(const Settlement& settlement) {
  std::map<queue::RecipientKey, const queue::DeliveryRecord*> records;
  for (const queue::DeliveryRecord& record : settlement.recording.records) records[{record.message, record.index}] = &record;
  for (const queue::DeliveryJob& job : settlement.jobs) {
    Records of_job;
    for (const queue::DueRecipient& due : job.recipients) {
      const auto record = records.find({due.message, due.index});
      if (record != records.end()) of_job.push_back(*record->second);
    }
    schedule_.finish(job, of_job, base::now());
    close_fresh(job.message, job.recipients.size());
    if (!job.recipients.empty()) cut_off_.erase({job.message, job.recipients.front().index});
  }
  for (const Notice& notice : settlement.notices) {
    reports_.tell(notice);
    add(notice.message);
  }
  kick();
}

/// No attempt: the recipients go back to the store as they are.
void Dispatcher::put_off(queue::DeliveryJob job) {
  Records records;
  for (const queue::DueRecipient& due : job.recipients) records.push_back(put_back(due));
  finish(std::move(job), std::move(records), {}, nullptr);
}

void Dispatcher::put_off_until(queue::DeliveryJob job, const Postponed& postponed) {
  Records records;
  for (const queue::DueRecipient& due : job.recipients) {
    records.push_back(put_back(due));
    records.back().next_attempt = std::min(postponed.until, due.expires);
    if (due.attempts == 0) records.back().reply = postponed.why;
  }
  schedule_.give_back_turn(job.destination);
  finish(std::move(job), std::move(records), {}, nullptr);
}

Task<void> Dispatcher::alert(Alert alert) {
  auto settlement = co_await letter(std::move(alert));
  if (settlement) co_await committed(std::move(*settlement));
}

/// The command runs whatever becomes of the letter: mail itself may be what is stuck.
Task<std::optional<Settlement>> Dispatcher::letter(Alert alert) {
  const std::string& command = services_.settings.get()->config.alert.command;
  if (!command.empty()) alert_command_.run(command, fmt::format("{}\n\n{}\n\n{}\n", alert.subject, alert.english, alert.chinese));
  auto letter = co_await reports_.letter(std::move(alert.subject), std::move(alert.english), std::move(alert.chinese));
  if (!letter) {
    services_.log.error("notice-dropped").with("kind", alert.kind).with("reason", letter.error().words);
    co_return std::nullopt;
  }
  Notice notice;
  notice.kind = alert.kind;
  notice.of = letter->id;
  notice.message = std::move(*letter);
  Settlement settlement;
  settlement.notices.push_back(std::move(notice));
  co_return settlement;
}

/// Gone from the store (dropped while it waited here), damaged, or not readable at this moment.
void Dispatcher::unloadable(queue::DeliveryJob job, const base::Error& error) {
  Records records;
  if (error.kind == Kind::damaged) {
    set_aside(job.message, error.words);
  } else if (error.kind != Kind::invalid) {
    services_.log.error("unreadable").with("id", job.message.to_string()).with("reason", error.words);
    const queue::Outcome outcome{queue::Verdict::deferred, queue::Scope::message, false};
    const RetryTimes retry = retry_times(job, {}, std::nullopt);
    for (const queue::DueRecipient& due : job.recipients) records.push_back(judge(due, outcome, error.words, retry));
  }
  finish(std::move(job), std::move(records), {}, nullptr);
}

void Dispatcher::set_aside(queue::QueueId id, const std::string& words) {
  services_.log.error("damaged").with("id", id.to_string()).with("reason", words);
  services_.store.quarantine(id, words, base::now(), [this, id](base::Result<void> moved) {
    if (!moved) services_.log.error("quarantine-failed").with("id", id.to_string()).with("reason", moved.error().words);
    schedule_.forget(id);
    close_fresh(id, std::numeric_limits<std::size_t>::max());
  });
}

}  // namespace relay::delivery

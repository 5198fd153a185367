// How a job travels: host after host, message after message over one connection, and what each reply means for each recipient.
#include <fmt/format.h>

#include "relay/delivery/dispatcher.h"
#include "relay/retry_policy.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

constexpr std::size_t messages_per_connection = 100;
/// An open connection without work waits so long for more before it says QUIT.
constexpr std::chrono::seconds idle_time(3);
constexpr std::size_t most_rest_words = 50'000;
/// A message that may have arrived is not repeated soon: so many steps further in [retry] delays.
constexpr std::uint32_t steps_when_unknown = 2;

mail::Transaction transaction_of(const queue::Message& message, const queue::DeliveryJob& job) {
  mail::Transaction transaction;
  transaction.reverse_path = message.envelope.reverse_path;
  transaction.size = message.size();
  transaction.body = message.envelope.body;
  transaction.utf8 = message.envelope.utf8;
  transaction.ret = message.envelope.ret;
  transaction.envid = message.envelope.envid;
  for (const queue::DueRecipient& due : job.recipients) {
    transaction.recipients.push_back(message.envelope.recipients.at(due.index));
  }
  return transaction;
}

Peer peer_of(const Attempt& attempt) {
  return Peer{attempt.candidate().host, attempt.candidate().address.to_string(), attempt.tls_words()};
}

/// What the sender may want to hear of: a failure, and that a host which does not report success itself has taken the mail.
std::optional<Concern> concern_of(const queue::DeliveryRecord& record, const queue::Message& message,
                                  const mail::RecipientReply& told, const Attempt& attempt) {
  if (record.state == queue::State::delivered) {
    if (!message.envelope.recipients.at(record.index).notify.wants_success() || attempt.passes_on_dsn()) return std::nullopt;
    return Concern{record, queue::Event::relayed, queue::Refusal::usual};
  }
  if (record.state != queue::State::failed) return std::nullopt;
  const bool null_refused =
      message.envelope.reverse_path.is_null() && told.stage == mail::Stage::mail && told.reply.is_permanent();
  return Concern{record, queue::Event::failed, null_refused ? queue::Refusal::null_reverse_path : queue::Refusal::usual};
}

}  // namespace

Task<void> Dispatcher::carry(queue::DeliveryJob job) {
  ++carriers_;
  struct Lease {
    Dispatcher* dispatcher;
    std::string destination;
    ~Lease() {
      --dispatcher->carriers_;
      dispatcher->schedule_.release(destination);
      dispatcher->kick();
    }
  };
  const Lease lease(this, job.destination);
  const std::uint64_t pauses = pauses_begun_;
  auto settings = services_.settings.get();
  const auto candidates = co_await hosts_.find(settings, job.destination);
  if (!candidates) {
    Failure failure(mail::Stage::connect, candidates.error());
    Peer nobody;
    co_await fail_all(std::move(job), std::move(failure), std::move(nobody));
    co_return;
  }
  if (const std::string* pattern = pause_of(*candidates)) {
    give_back(schedule_.pause_by_host(job.destination, *pattern, base::now()));
    put_off(std::move(job));
    co_return;
  }
  std::optional<queue::DeliveryJob> left = std::move(job);
  for (std::size_t i = 0; left && is_ours(*left) && i < candidates->size(); ++i) {
    const auto more = i + 1 < candidates->size() ? queue::MoreHosts::yes : queue::MoreHosts::no;
    left = co_await try_host(std::move(*left), (*candidates)[i], more, pauses);
  }
}

/// The watchdog may have freed it while a host was looked up or asked: others try it then.
bool Dispatcher::is_ours(const queue::DeliveryJob& job) const {
  return std::ranges::all_of(job.recipients,
                             [this](const queue::DueRecipient& due) { return schedule_.is_active(due.message, due.index); });
}

/// What is left goes to the next host.
Task<std::optional<queue::DeliveryJob>> Dispatcher::try_host(queue::DeliveryJob job, dns::Candidate candidate,
                                                             queue::MoreHosts more, std::uint64_t pauses) {
  for (;;) {
    std::unique_ptr<Attempt> attempt;
    auto failure = co_await open(attempt, candidate, job);
    if (failure) {
      const queue::Outcome outcome = failure->outcome(more);
      if (outcome.scope == queue::Scope::host && more == queue::MoreHosts::yes) co_return std::move(job);
      Peer peer = peer_of(*attempt);
      co_await fail_all(std::move(job), std::move(*failure), std::move(peer));
      co_return std::nullopt;
    }
    auto left = co_await converse(*attempt, std::move(job), more, pauses);
    // A server that ends a session after some messages is not down: it is asked again at once, each time with progress.
    if (!left || attempt->transactions() == 0) co_return left;
    job = std::move(*left);
  }
}

Task<std::optional<Failure>> Dispatcher::open(std::unique_ptr<Attempt>& attempt, dns::Candidate candidate,
                                              const queue::DeliveryJob& job) {
  auto settings = services_.settings.get();
  attempt = attempt_for(services_, settings, candidate, job.destination);
  const UnderWay under_way(*this, job, *attempt);
  auto failure = co_await attempt->open();
  co_return failure;
}

/// `pauses` begun when the job was taken up: its hosts were looked at for them.
Task<std::optional<queue::DeliveryJob>> Dispatcher::converse(Attempt& attempt, queue::DeliveryJob job, queue::MoreHosts more,
                                                             std::uint64_t pauses) {
  const std::string destination = job.destination;
  std::optional<queue::DeliveryJob> current = std::move(job);
  while (current) {
    auto message = co_await load(current->message);
    if (!message) {
      unloadable(std::move(*current), message.error());
    } else {
      const queue::MoreHosts may_ask_again = attempt.transactions() > 0 ? queue::MoreHosts::yes : more;
      auto transaction = transaction_of(**message, *current);
      std::optional<UnderWay> under_way(std::in_place, *this, *current, attempt);
      const auto failure = co_await attempt.send(std::move(transaction), *message);
      under_way.reset();
      auto left = conclude(attempt, *message, std::move(*current), failure, may_ask_again);
      if (failure || left) co_return left;
    }
    current.reset();
    const bool may_go_on = attempt.transactions() < messages_per_connection && attempt.may_send_more() && pauses == pauses_begun_;
    if (may_go_on) current = co_await next_job(destination);
  }
  co_await attempt.quit();
  co_return std::nullopt;
}

Task<std::optional<queue::DeliveryJob>> Dispatcher::next_job(std::string destination) {
  if (paused()) co_return std::nullopt;
  if (auto job = schedule_.next_for(destination, base::now())) co_return std::move(job);
  Idle idle(services_.loop);
  std::list<Idle*>& waiting = idle_[destination];
  struct Leave {
    Dispatcher* dispatcher;
    const std::string& destination;
    Idle* idle;
    ~Leave() {
      const auto place = dispatcher->idle_.find(destination);
      if (place == dispatcher->idle_.end()) return;  // it was given a job, and it was the last one there
      place->second.remove(idle);
      if (place->second.empty()) dispatcher->idle_.erase(place);
    }
  };
  waiting.push_back(&idle);
  const Leave leave(this, destination, &idle);
  idle.timer.expires_after(idle_time);
  co_await idle.timer.async_wait(as_result);
  co_return std::move(idle.job);
}

Task<Result<Dispatcher::MessagePtr>> Dispatcher::load(queue::QueueId id) {
  const auto fresh = fresh_.find(id);
  if (fresh != fresh_.end()) co_return fresh->second.message;
  auto work = [reader = reader_.get(), id] { return reader->load(id); };
  auto message = co_await on(reading_, services_.loop, work);
  if (!message) co_return std::unexpected(message.error());
  co_return std::make_shared<const queue::Message>(std::move(*message));
}

std::optional<queue::DeliveryJob> Dispatcher::conclude(const Attempt& attempt, MessagePtr message, queue::DeliveryJob job,
                                                       const std::optional<Failure>& failure, queue::MoreHosts more) {
  if (failure && failure->error && failure->error->kind == Kind::damaged) {
    unloadable(std::move(job), *failure->error);
    return std::nullopt;
  }
  const Peer peer = peer_of(attempt);
  queue::DeliveryJob done{job.destination, job.message, {}};
  queue::DeliveryJob left = done;
  Records records;
  std::vector<Concern> concerns;
  const RetryTimes retry = retry_times(job, peer.host, message->received);
  bool must_rest = false;
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    const queue::DueRecipient& due = job.recipients[i];
    const mail::RecipientReply& told = attempt.outcome().at(i);
    const bool own_reply = told.reply.code != 0 || !failure;
    const queue::Outcome outcome = own_reply ? queue::classify(told.stage, told.reply, more) : failure->outcome(more);
    if (outcome.verdict == queue::Verdict::deferred && outcome.scope == queue::Scope::host && more == queue::MoreHosts::yes) {
      left.recipients.push_back(due);
      continue;
    }
    must_rest = must_rest || (outcome.verdict == queue::Verdict::deferred && outcome.scope == queue::Scope::destination);
    records.push_back(judge(due, outcome, own_reply ? told.to_string() : failure->words(), retry));
    records.back().mx = peer.host;
    ledger_.tell(records.back(), message->envelope.recipients.at(due.index).mailbox.to_string(), message->received, peer);
    if (auto concern = concern_of(records.back(), *message, told, attempt)) concerns.push_back(std::move(*concern));
    done.recipients.push_back(due);
  }
  if (must_rest) {
    rest(job.destination, peer.host, failure ? failure->words() : std::string("the destination refused for now"));
  } else if (!failure) {
    schedule_.alive(job.destination);
    rest_words_.erase(job.destination);
  }
  if (!done.recipients.empty()) finish(std::move(done), std::move(records), std::move(concerns), std::move(message));
  if (left.recipients.empty()) return std::nullopt;
  return left;
}

/// No transaction was possible.
Task<void> Dispatcher::fail_all(queue::DeliveryJob job, Failure failure, Peer peer) {
  const queue::Outcome outcome = failure.outcome(queue::MoreHosts::no);
  const auto message = co_await load(job.message);
  if (!message) {
    unloadable(std::move(job), message.error());
    co_return;
  }
  Records records;
  std::vector<Concern> concerns;
  const RetryTimes retry = retry_times(job, peer.host, (*message)->received);
  for (const queue::DueRecipient& due : job.recipients) {
    records.push_back(judge(due, outcome, failure.words(), retry));
    records.back().mx = peer.host;
    ledger_.tell(records.back(), (*message)->envelope.recipients.at(due.index).mailbox.to_string(), (*message)->received, peer);
    if (records.back().state == queue::State::failed) {
      concerns.push_back(Concern{records.back(), queue::Event::failed, queue::Refusal::usual});
    }
  }
  if (outcome.verdict == queue::Verdict::deferred) rest(job.destination, peer.host, failure.words());
  finish(std::move(job), std::move(records), std::move(concerns), *message);
}

/// Asked once for a job, so that its recipients travel together again.
Dispatcher::RetryTimes Dispatcher::retry_times(const queue::DeliveryJob& job, std::string_view mx,
                                               std::optional<base::Time> received) {
  const conf::Config& config = services_.settings.get()->config;
  const RetryPolicy policy = retry_policy(config, job.destination, mx);
  const std::uint32_t attempts = job.recipients.front().attempts + 1;
  const base::Time now = base::now();
  RetryTimes times;
  times.usual = schedule_.retry_at(attempts, now, policy.delays);
  times.unknown = schedule_.retry_at(attempts + steps_when_unknown, now, policy.delays);
  const bool own_patience = policy.give_up != retry_policy(config, job.destination, {}).give_up;
  if (received && own_patience) times.expires = *received + policy.give_up;
  return times;
}

queue::DeliveryRecord Dispatcher::judge(const queue::DueRecipient& recipient, const queue::Outcome& outcome, std::string words,
                                        const RetryTimes& retry) {
  queue::DeliveryRecord record;
  record.message = recipient.message;
  record.index = recipient.index;
  record.attempts = recipient.attempts + 1;
  record.when = base::now();
  record.reply = std::move(words);
  const base::Time expires = retry.expires.value_or(recipient.expires);
  switch (outcome.verdict) {
    case queue::Verdict::delivered: record.state = queue::State::delivered; break;
    case queue::Verdict::failed: record.state = queue::State::failed; break;
    case queue::Verdict::deferred:
      record.state = queue::State::deferred;
      record.next_attempt = std::min(outcome.unknown_after_dot ? retry.unknown : retry.usual, expires);
      if (expires != recipient.expires) record.expires = expires;
      if (record.when >= expires) {
        record.state = queue::State::failed;
        record.reply = fmt::format("gave up, expired: {}", record.reply);
      }
      break;
  }
  return record;
}

void Dispatcher::rest(const std::string& destination, std::string_view mx, const std::string& why) {
  const RetryPolicy policy = retry_policy(services_.settings.get()->config, destination, mx);
  if (rest_words_.size() >= most_rest_words) rest_words_.clear();
  rest_words_[destination] = fmt::format("the destination rests: {}", why);
  give_back(schedule_.rest(destination, base::now(), policy.delays));
}

}  // namespace relay::delivery

// What the replies mean for each recipient, for its destination and for the group of its hosts.
#include <fmt/format.h>

#include <algorithm>

#include "relay/delivery/about_us.h"
#include "relay/delivery/dispatcher.h"
#include "relay/delivery/refusal_letters.h"
#include "relay/retry_policy.h"

namespace relay::delivery {
namespace {

using base::Kind;

constexpr std::size_t most_rest_words = 50'000;
/// A message that may have arrived is not repeated soon: so many steps further in [retry] delays.
constexpr std::uint32_t steps_when_unknown = 2;

/// What the sender may want to hear of: a failure, and that a host which does not report success itself has taken the mail.
std::optional<Concern> concern_of(const queue::DeliveryRecord& record, const queue::Message& message,
                                  const mail::RecipientReply& told, const Attempt& attempt) {
  if (record.state == queue::State::delivered) {
    if (!message.envelope.recipients.at(record.index).notify.wants_success() || attempt.passes_on_dsn()) return std::nullopt;
    return Concern{record, queue::Event::relayed, queue::Refusal::usual};
  }
  if (record.state != queue::State::failed) return std::nullopt;
  const bool null_refused =
      message.envelope.reverse_path.is_null() && told.stage == mail::Stage::mail && told.reply.is_permanent() && !told.ours;
  return Concern{record, queue::Event::failed, null_refused ? queue::Refusal::null_reverse_path : queue::Refusal::usual};
}

/// The server's words about a recipient, where it was asked.
const mail::Reply* reply_of(const mail::RecipientReply& told, const std::optional<Failure>& failure) {
  if (told.reply.code != 0) return told.ours ? nullptr : &told.reply;
  return failure && failure->reply ? &*failure->reply : nullptr;
}

/// Hosts that a route names are relays, which know us; a warm-up is for receivers.
bool is_relay(const conf::Config& config, const dns::Candidate& host) {
  return std::ranges::any_of(config.route, [&host](const conf::Route& route) { return names_host(route, host); });
}

}  // namespace

Peer Dispatcher::peer_of(const Attempt& attempt) {
  return Peer{attempt.candidate().host, attempt.candidate().address.to_string(), attempt.tls_words()};
}

std::optional<queue::DeliveryJob> Dispatcher::conclude(const Attempt& attempt, MessagePtr message, queue::DeliveryJob job,
                                                       const std::optional<Failure>& failure, queue::MoreHosts more, Way& way) {
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
  const conf::Config& config = services_.settings.get()->config;
  Answers answers;
  for (std::size_t i = 0; i < job.recipients.size(); ++i) {
    const queue::DueRecipient& due = job.recipients[i];
    const mail::RecipientReply& told = attempt.outcome().at(i);
    const bool own_reply = told.reply.code != 0 || !failure;
    const queue::Outcome outcome = own_reply ? queue::classify(told.stage, told.reply, more) : failure->outcome(more);
    const mail::Reply* reply = reply_of(told, failure);
    const bool about_us = reply != nullptr && is_about_us(config, attempt.candidate(), *reply);
    const bool host_only = outcome.verdict == queue::Verdict::deferred && outcome.scope == queue::Scope::host;
    if (about_us ? way.falls_back : host_only && more == queue::MoreHosts::yes) {
      way.refused = way.refused || about_us;
      if (reply != nullptr) way.reason = reply->to_string();
      left.recipients.push_back(due);
      continue;
    }
    std::optional<Ruling> ruling;
    if (reply != nullptr) ruling = rule(*reply, peer, *message, way, job.destination);
    if (!ruling && outcome.verdict == queue::Verdict::deferred && outcome.scope == queue::Scope::destination) {
      answers.must_rest = true;
    }
    records.push_back(judge(due, outcome, own_reply ? told.to_string() : failure->words(), retry, ruling));
    if (records.back().state == queue::State::delivered) answers.delivered = true;
    if (ruling) {
      answers.ruling = ruling;
      answers.ruled = records.back().reply;
    }
    records.back().mx = peer.host;
    ledger_.tell(records.back(), message->envelope.recipients.at(due.index).mailbox.to_string(), message->received, peer);
    if (auto concern = concern_of(records.back(), *message, told, attempt)) concerns.push_back(std::move(*concern));
    done.recipients.push_back(due);
  }
  heed(answers, failure, peer, job.destination, way);
  if (!done.recipients.empty()) finish(std::move(done), std::move(records), std::move(concerns), std::move(message));
  if (left.recipients.empty()) return std::nullopt;
  return left;
}

void Dispatcher::heed(const Answers& answers, const std::optional<Failure>& failure, const Peer& peer,
                      const std::string& destination, const Way& way) {
  if (answers.delivered) {
    took_mail(way, destination);
    count(way);
  }
  if (answers.ruling) {
    obey(*answers.ruling, way, destination, answers.ruled);
  } else if (answers.must_rest) {
    rest(destination, peer.host, failure ? failure->words() : std::string("the destination refused for now"));
  } else if (!failure) {
    schedule_.alive(destination);
    rest_words_.erase(destination);
  }
}

/// No transaction was possible.
Task<void> Dispatcher::fail_all(queue::DeliveryJob job, Failure failure, Peer peer, const Way& way) {
  schedule_.give_back_turn(job.destination);
  queue::Outcome outcome = failure.outcome(queue::MoreHosts::no);
  if (failure.rules_out_requiretls() && way.unsure) outcome = {queue::Verdict::deferred, queue::Scope::message, false};
  const auto message = co_await load(job.message);
  if (!message) {
    unloadable(std::move(job), message.error());
    co_return;
  }
  Records records;
  std::vector<Concern> concerns;
  const RetryTimes retry = retry_times(job, peer.host, (*message)->received);
  std::optional<Ruling> ruling;
  if (failure.reply) ruling = rule(*failure.reply, peer, **message, way, job.destination);
  for (const queue::DueRecipient& due : job.recipients) {
    records.push_back(judge(due, outcome, failure.words(), retry, ruling));
    records.back().mx = peer.host;
    ledger_.tell(records.back(), (*message)->envelope.recipients.at(due.index).mailbox.to_string(), (*message)->received, peer);
    if (records.back().state == queue::State::failed) {
      concerns.push_back(Concern{records.back(), queue::Event::failed, queue::Refusal::usual});
    }
  }
  if (ruling) {
    obey(*ruling, way, job.destination, failure.words());
  } else if (outcome.verdict == queue::Verdict::deferred && outcome.scope == queue::Scope::destination) {
    rest(job.destination, peer.host, failure.words());
  }
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
                                        const RetryTimes& retry, const std::optional<Ruling>& ruling) {
  queue::DeliveryRecord record;
  record.message = recipient.message;
  record.index = recipient.index;
  record.attempts = recipient.attempts + 1;
  record.when = base::now();
  record.reply = std::move(words);
  base::Time expires = retry.expires.value_or(recipient.expires);
  if (ruling && ruling->keep) expires = std::min(expires, record.when + *ruling->keep);
  switch (ruling ? ruling->verdict : outcome.verdict) {
    case queue::Verdict::delivered: record.state = queue::State::delivered; break;
    case queue::Verdict::failed: record.state = queue::State::failed; break;
    case queue::Verdict::deferred:
      record.state = queue::State::deferred;
      record.next_attempt = outcome.unknown_after_dot ? retry.unknown : retry.usual;
      if (ruling && ruling->wait) record.next_attempt = record.when + *ruling->wait;
      record.next_attempt = std::min(record.next_attempt, expires);
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

std::optional<Ruling> Dispatcher::rule(const mail::Reply& reply, const Peer& peer, const queue::Message& message, const Way& way,
                                       const std::string& destination) {
  const auto meaning = meaning_of(services_.settings.get()->config, peer.host, reply);
  if (!meaning) return std::nullopt;
  Refusal refusal;
  refusal.group = way.shaping.group;
  refusal.destination = destination;
  if (!message.envelope.reverse_path.is_null()) refusal.sender_domain = message.envelope.reverse_path.mailbox().domain();
  refusal.mx = peer.host;
  refusal.reply = reply.to_string();
  Ruling ruling = refusals_.rule(*meaning, refusal, base::now());
  if (ruling.tell) services_.tasks.spawn(alert(refusal_letter(*services_.settings.get(), *meaning, ruling.action, refusal)));
  return ruling;
}

/// What rests, rests; what was given back waits in the store.
void Dispatcher::obey(const Ruling& ruling, const Way& way, const std::string& destination, std::string_view words) {
  const base::Time now = base::now();
  const std::string& group = way.shaping.group;
  if (ruling.group_rests) give_back(schedule_.rest_group(group, *ruling.group_rests, now));
  if (ruling.group_slow) schedule_.slow_group(group, *ruling.group_slow, slow_rate, now);
  if (ruling.destination_rests) {
    const std::vector<base::Duration> until(1, *ruling.destination_rests - now);
    rest_words_[destination] = fmt::format("the destination rests: {}", words);
    give_back(schedule_.rest(destination, now, until));
  }
  if (ruling.action != conf::ReplyAction::pause) return;
  if (const Block* block = refusals_.block_of(group, destination)) {
    if (ruling.tell) services_.log.warning("blocked").with("destination", block->name).with("reply", block->reply);
    remember(block->to_remember());
  }
}

void Dispatcher::took_mail(const Way& way, const std::string& destination) {
  for (const Block& block : refusals_.accepted(way.shaping.group, destination)) {
    services_.log.info("unblocked").with("destination", block.name);
    forget(block.to_remember());
    schedule_.wake_group(block.name);  // another connection may have been refused while this one was at work
  }
}

/// Of a warm-up, in which only the mail that went out counts.
void Dispatcher::count(const Way& way) {
  if (is_relay(services_.settings.get()->config, way.hosts.front())) return;
  if (auto thing = warmup_.count(way.shaping.group, base::now())) remember(std::move(*thing));
}

/// A domain that its receiver has slowed down, or a day that is used up.
std::optional<Dispatcher::Postponed> Dispatcher::postponed(const Way& way, const queue::Message& message) const {
  const base::Time now = base::now();
  const std::string& group = way.shaping.group;
  const mail::ReversePath& sender = message.envelope.reverse_path;
  if (const auto until = refusals_.sender_waits(group, sender.is_null() ? "" : sender.mailbox().domain(), now)) {
    return Postponed{*until, "the receiver has slowed down mail of the sender's domain"};
  }
  const base::Time patience = message.received + longest_warmup_wait;
  if (sender.is_null() || now >= patience || !warmup_.is_over(group, now)) return std::nullopt;
  if (is_relay(services_.settings.get()->config, way.hosts.front())) return std::nullopt;
  if (way.falls_back) return Postponed{now, "today's share of the warm-up is used up"};  // and goes by the fallback at once
  return Postponed{std::min(patience, Warmup::tomorrow(now)), "today's share of the warm-up is used up"};
}

}  // namespace relay::delivery

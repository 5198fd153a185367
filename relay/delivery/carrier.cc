// How a job travels: host after host, message after message over one connection.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "conf/matching.h"
#include "relay/delivery/about_us.h"
#include "relay/delivery/dispatcher.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

mail::Transaction transaction_of(const queue::Message& message, const queue::DeliveryJob& job) {
  mail::Transaction transaction;
  transaction.reverse_path = message.envelope.reverse_path;
  transaction.size = message.size();
  transaction.body = message.envelope.body;
  transaction.utf8 = message.envelope.utf8;
  transaction.tls = message.envelope.tls;
  transaction.ret = message.envelope.ret;
  transaction.envid = message.envelope.envid;
  for (const queue::DueRecipient& due : job.recipients) {
    transaction.recipients.push_back(message.envelope.recipients.at(due.index));
  }
  return transaction;
}

/// Perhaps for what this connection has carried before: other mail goes over a new one.
bool refused_mail(const Attempt& attempt) {
  return std::ranges::any_of(attempt.outcome(), [](const mail::RecipientReply& told) {
    return told.stage == mail::Stage::mail && !told.ours && !told.reply.is_positive();
  });
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
  auto way = co_await find_way(job.destination);
  if (!way) {
    Failure failure(mail::Stage::connect, way.error());
    Peer nobody;
    const Way nowhere;
    co_await fail_all(std::move(job), std::move(failure), std::move(nobody), nowhere);
    co_return;
  }
  if (const std::string* pattern = pause_of(way->hosts)) {
    give_back(schedule_.pause_by_host(job.destination, *pattern, base::now()));
    put_off(std::move(job));
    co_return;
  }
  if (!admitted(job.destination, *way)) {
    put_off(std::move(job));
    co_return;
  }
  auto message = co_await load(job.message);
  if (!message) {
    unloadable(std::move(job), message.error());
    co_return;
  }
  way->wish = (*message)->envelope.tls;
  way->at_hand = std::move(*message);
  auto left = co_await try_hosts(std::move(job), *way);
  if (left && way->falls_back && is_ours(*left)) co_await fall_back(std::move(*left), *way);
}

/// By the fallback of its route where the domain's own hosts would not have our mail, or today's share of a warm-up is used up.
Task<Result<Dispatcher::Way>> Dispatcher::find_way(std::string destination) {
  Way way;
  way.pauses = pauses_begun_;
  auto settings = services_.settings.get();
  const conf::Route* route = conf::route_for(settings->config, destination);
  const bool has_fallback = route != nullptr && !route->fallback.empty();
  const bool goes_round = has_fallback && fallbacks_.find(destination, base::now()) != nullptr;
  Result<std::vector<dns::Candidate>> hosts;
  if (goes_round) {
    hosts = co_await hosts_.find_fallback(settings, destination);
  } else {
    hosts = co_await hosts_.find(settings, destination);
  }
  if (!hosts) co_return std::unexpected(hosts.error());
  way.hosts = std::move(*hosts);
  way.shaping = shaping_for(settings->config, destination, way.hosts.front());
  way.falls_back = has_fallback && !goes_round;
  way.unsure = goes_round;
  if (way.falls_back && warmup_.is_over(way.shaping.group, base::now())) {
    hosts = co_await hosts_.find_fallback(settings, destination);
    if (!hosts) co_return way;
    way.hosts = std::move(*hosts);
    way.shaping = shaping_for(settings->config, destination, way.hosts.front());
    way.falls_back = false;
    way.unsure = true;
  }
  co_return way;
}

/// The domain's own hosts do not let our mail through; for some time its mail goes round at once. Where they only cannot have
/// mail with REQUIRETLS, other mail is not concerned.
Task<void> Dispatcher::fall_back(queue::DeliveryJob job, const Way& before) {
  auto settings = services_.settings.get();
  const conf::Route* route = conf::route_for(settings->config, job.destination);
  if (route == nullptr || route->fallback.empty()) {  // a reload took it away meanwhile
    put_off(std::move(job));
    co_return;
  }
  Way way;
  way.pauses = pauses_begun_;
  way.wish = before.wish;
  way.unsure = before.unsure;
  auto hosts = co_await hosts_.find_fallback(settings, job.destination);
  if (!hosts) {
    Failure failure(mail::Stage::connect, hosts.error());
    Peer nobody;
    co_await fail_all(std::move(job), std::move(failure), std::move(nobody), way);
    co_return;
  }
  const bool of_all_mail = before.wish != mail::TlsWish::required || before.unsure || before.refused;
  if (of_all_mail) remember_fallback(job.destination, route->remember, before.reason);
  way.hosts = std::move(*hosts);
  way.shaping = shaping_for(settings->config, job.destination, way.hosts.front());
  if (!admitted(job.destination, way)) {
    put_off(std::move(job));
    co_return;
  }
  co_await try_hosts(std::move(job), way);
}

/// From now on the destination's connections are those of the way's hosts.
bool Dispatcher::admitted(const std::string& destination, const Way& way) {
  auto joining = schedule_.join(destination, way.shaping.group, way.shaping.limits, base::now());
  give_back(std::move(joining.back));
  return joining.admitted;
}

void Dispatcher::remember_fallback(const std::string& destination, base::Duration time, const std::string& reason) {
  Fallback fallback{destination, base::now() + time, reason};
  services_.log.info("fallback")
      .with("destination", destination)
      .with("until", base::iso_time(fallback.until))
      .with("reason", fallback.reason);
  remember(fallback.to_remember());
  fallbacks_.take_up(std::move(fallback));
}

Task<std::optional<queue::DeliveryJob>> Dispatcher::try_hosts(queue::DeliveryJob job, Way& way) {
  std::optional<queue::DeliveryJob> left = std::move(job);
  auto open_already = idle_.take(way.hosts, *services_.settings.get(), left->destination, way.wish);
  if (open_already) left = co_await converse(open_already, std::move(*left), queue::MoreHosts::yes, way);
  for (std::size_t i = 0; left && !way.refused && is_ours(*left) && i < way.hosts.size(); ++i) {
    const auto more = i + 1 < way.hosts.size() || way.falls_back ? queue::MoreHosts::yes : queue::MoreHosts::no;
    left = co_await try_host(std::move(*left), way.hosts[i], more, way);
  }
  co_return left;
}

/// The watchdog may have freed it while a host was looked up or asked: others try it then.
bool Dispatcher::is_ours(const queue::DeliveryJob& job) const {
  return std::ranges::all_of(job.recipients,
                             [this](const queue::DueRecipient& due) { return schedule_.is_active(due.message, due.index); });
}

/// What is left goes to the next host.
Task<std::optional<queue::DeliveryJob>> Dispatcher::try_host(queue::DeliveryJob job, dns::Candidate candidate,
                                                             queue::MoreHosts more, Way& way) {
  way.relaxed = false;
  for (;;) {
    std::unique_ptr<Attempt> attempt;
    auto failure = co_await open(attempt, candidate, job, way);
    if (failure) {
      const queue::Outcome outcome = failure->outcome(more);
      const bool about_us = failure->reply && is_about_us(services_.settings.get()->config, candidate, *failure->reply);
      const bool host_only = outcome.scope == queue::Scope::host && more == queue::MoreHosts::yes;
      if (about_us ? way.falls_back : host_only) {
        way.refused = about_us;
        way.unsure = way.unsure || !failure->rules_out_requiretls();
        way.reason = failure->words();
        co_return std::move(job);
      }
      Peer peer = peer_of(*attempt);
      co_await fail_all(std::move(job), std::move(*failure), std::move(peer), way);
      co_return std::nullopt;
    }
    auto left = co_await converse(attempt, std::move(job), more, way);
    // A server that ends a session after some messages is not down: it is asked again at once, each time with progress.
    if (!left) co_return std::nullopt;
    if (attempt && (way.refused || attempt->transactions() == 0)) {
      way.unsure = true;
      co_return left;
    }
    job = std::move(*left);
  }
}

Task<std::optional<Failure>> Dispatcher::open(std::unique_ptr<Attempt>& attempt, dns::Candidate candidate,
                                              const queue::DeliveryJob& job, Way& way) {
  for (;;) {
    auto settings = services_.settings.get();
    attempt = attempt_for(services_, settings, candidate, job.destination, way.need());
    const UnderWay under_way(*this, job, *attempt);
    auto failure = co_await attempt->open();
    const bool may_do_without = failure && failure->requiretls && queue::is_about_tls(failure->stage) &&
                                way.wish == mail::TlsWish::preferred && is_ours(job);
    if (!may_do_without) co_return failure;
    way.relaxed = true;
  }
}

/// A connection that may go on afterwards is kept for other mail, one that is not good enough for what is left is ended:
/// `attempt` is null then.
Task<std::optional<queue::DeliveryJob>> Dispatcher::converse(std::unique_ptr<Attempt>& attempt, queue::DeliveryJob job,
                                                             queue::MoreHosts more, Way& way) {
  const std::string destination = job.destination;
  std::optional<queue::DeliveryJob> current = std::move(job);
  while (current) {
    Result<MessagePtr> message = std::exchange(way.at_hand, nullptr);
    if (*message == nullptr || (*message)->id != current->message) message = co_await load(current->message);
    if (message) way.wish = (*message)->envelope.tls;
    if (!message) {
      unloadable(std::move(*current), message.error());
    } else if (!attempt->serves(destination, way.need())) {
      co_await attempt->quit();
      attempt.reset();
      co_return current;
    } else if (const auto later = postponed(way, **message)) {
      put_off_until(std::move(*current), *later);
    } else {
      const queue::MoreHosts may_ask_again = attempt->transactions() > 0 ? queue::MoreHosts::yes : more;
      auto transaction = transaction_of(**message, *current);
      std::optional<UnderWay> under_way(std::in_place, *this, *current, *attempt);
      const auto failure = co_await attempt->send(std::move(transaction), *message);
      under_way.reset();
      auto left = conclude(*attempt, *message, std::move(*current), failure, may_ask_again, way);
      if (failure || left) co_return left;
    }
    current.reset();
    if (!may_go_on(*attempt, way)) break;
    current = schedule_.next_for(destination, base::now());
    if (!current) {
      idle_.keep(std::move(attempt));
      co_return std::nullopt;
    }
  }
  co_await attempt->quit();
  co_return std::nullopt;
}

/// A connection that is older than a pause was opened before its host could be paused.
bool Dispatcher::may_go_on(const Attempt& attempt, const Way& way) const {
  return !paused() && attempt.may_send_more() && !refused_mail(attempt) &&
         attempt.transactions() < way.shaping.messages_per_connection && way.pauses == pauses_begun_;
}

Task<Result<Dispatcher::MessagePtr>> Dispatcher::load(queue::QueueId id) {
  const auto fresh = fresh_.find(id);
  if (fresh != fresh_.end()) co_return fresh->second.message;
  auto work = [reader = reader_.get(), id] { return reader->load(id); };
  auto message = co_await on(reading_, services_.loop, work);
  if (!message) co_return std::unexpected(message.error());
  co_return std::make_shared<const queue::Message>(std::move(*message));
}

}  // namespace relay::delivery

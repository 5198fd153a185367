// Calls to the hosts of relay_domains: EHLO, STARTTLS, MAIL FROM:<>, RCPT, and never DATA.
#include "relay/intake/recipients.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "conf/matching.h"

namespace relay::intake {
namespace {

using mail::EnhancedStatus;
using mail::Reply;
using namespace asio::experimental::awaitable_operators;

/// Whoever waits for a call is not left waiting when its end takes long.
constexpr std::chrono::seconds grace(1);
constexpr std::size_t most_words = 200;

std::string route_of(const conf::Config& config, const std::string& domain) {
  const conf::Route* route = conf::route_for(config, domain);
  return route == nullptr ? std::string() : fmt::format("{}", fmt::join(route->hosts, " "));
}

Finding finding_of(Standing standing, std::string words) {
  Finding finding;
  finding.standing = standing;
  finding.words = std::move(words);
  if (finding.words.size() > most_words) finding.words.resize(most_words);
  for (char& c : finding.words) {
    if (c < ' ' || c > '~') c = '?';  // the client, to whom they go on, may not take more than ASCII
  }
  return finding;
}

/// A refusal before RCPT tells of us or of the host, and not of the recipient.
Finding finding_of(const mail::RecipientReply& told) {
  const queue::Outcome outcome = queue::classify(told.stage, told.reply, queue::MoreHosts::no);
  const bool of_recipient = told.stage == mail::Stage::rcpt;
  Standing standing = Standing::unsure;
  if (of_recipient && told.reply.is_positive()) standing = Standing::known;
  if (of_recipient && outcome.verdict == queue::Verdict::failed) standing = Standing::unknown;
  Finding finding = finding_of(standing, told.reply.to_string());
  finding.of_all = !of_recipient;
  return finding;
}

std::string_view name_of(Standing standing) {
  switch (standing) {
    case Standing::known: return "known";
    case Standing::unknown: return "unknown";
    case Standing::unsure: return "unsure";
  }
  return "";
}

}  // namespace

std::optional<Reply> refusal_of(const Finding& finding, const mail::Mailbox& mailbox) {
  switch (finding.standing) {
    case Standing::known: return std::nullopt;
    case Standing::unknown:
      return Reply(550, EnhancedStatus{5, 1, 1},
                   fmt::format("<{}> is refused by the host of its domain: {}", mailbox.to_string(), finding.words));
    case Standing::unsure: break;
  }
  return Reply(450, EnhancedStatus{4, 1, 1},
               fmt::format("<{}> cannot be verified with the host of its domain now, come again later", mailbox.to_string()));
}

std::optional<Finding> Recipients::recall(const mail::Mailbox& mailbox) {
  return findings_.find(route_of(services_.settings.get()->config, mailbox.domain()), mailbox, Clock::now());
}

Task<Finding> Recipients::ask(mail::Mailbox mailbox) {
  const CallPtr call = call_about(mailbox);
  if (call && !call->finding) co_await call->concluded.async_wait(as_result);
  if (call && call->finding) co_return *call->finding;
  const std::string route = route_of(services_.settings.get()->config, mailbox.domain());
  Finding none = finding_of(Standing::unsure, call ? "timed out" : "too many recipients are asked about");
  co_return findings_.add(route, mailbox, std::move(none), Clock::now());
}

/// None when there are too many.
Recipients::CallPtr Recipients::call_about(const mail::Mailbox& mailbox) {
  const auto settings = services_.settings.get();
  std::string route = route_of(settings->config, mailbox.domain());
  const auto same =
      std::ranges::find_if(calls_, [&](const CallPtr& call) { return call->mailbox == mailbox && call->route == route; });
  if (same != calls_.end()) return *same;
  const auto of_domain =
      std::ranges::count_if(calls_, [&](const CallPtr& call) { return call->mailbox.domain() == mailbox.domain(); });
  if (calls_.size() >= most_calls || of_domain >= static_cast<std::ptrdiff_t>(most_calls_of_domain)) return nullptr;
  auto call = std::make_shared<Call>(settings, mailbox, std::move(route), services_.loop);
  call->concluded.expires_after(limits_.call + grace);
  calls_.push_back(call);
  services_.tasks.spawn(carry(call));
  return call;
}

Task<void> Recipients::carry(CallPtr call) {
  struct Leave {
    Recipients* recipients;
    CallPtr call;
    ~Leave() {
      recipients->calls_.remove(call);
      call->concluded.cancel();
    }
  };
  const Leave leave(this, call);
  Deadline deadline(services_.loop);
  deadline.after(limits_.call);
  co_await (ask_hosts(call) || give_up(call, deadline));
}

Task<void> Recipients::give_up(CallPtr call, Deadline& deadline) {
  co_await deadline.expired();
  Finding late = finding_of(Standing::unsure, "timed out");
  late.of_all = !call->reached;
  conclude(*call, std::move(late));
}

Task<void> Recipients::ask_hosts(CallPtr call) {
  const auto hosts = co_await hosts_.find(call->settings, call->mailbox.domain());
  if (!hosts) {
    Finding nowhere = finding_of(Standing::unsure, hosts.error().words);
    nowhere.of_all = true;
    conclude(*call, std::move(nowhere));
    co_return;
  }
  for (std::size_t i = 0; i < hosts->size(); ++i) {
    const auto more = i + 1 < hosts->size() ? queue::MoreHosts::yes : queue::MoreHosts::no;
    const bool settled = co_await ask_host(call, (*hosts)[i], more);
    if (settled) co_return;
  }
}

/// Whether there is a finding; else the next host is asked.
Task<bool> Recipients::ask_host(CallPtr call, dns::Candidate host, queue::MoreHosts more) {
  call->host = std::move(host);
  std::unique_ptr<delivery::Attempt> attempt;
  auto failure = co_await open(attempt, call);
  mail::RecipientReply told;
  if (!failure) {
    call->reached = true;
    failure = co_await attempt->ask_about(call->mailbox);
    told = attempt->outcome().front();
  }
  if (told.reply.code != 0) {
    conclude(*call, finding_of(told));
  } else if (failure) {
    if (more == queue::MoreHosts::yes && failure->outcome(more).scope == queue::Scope::host) co_return false;
    Finding trouble = finding_of(Standing::unsure, failure->words());
    trouble.of_all = failure->stage != mail::Stage::rcpt;
    conclude(*call, std::move(trouble));
  }
  if (!failure) co_await attempt->quit();
  co_return true;
}

/// As for a delivery.
Task<std::optional<delivery::Failure>> Recipients::open(std::unique_ptr<delivery::Attempt>& attempt, CallPtr call) {
  attempt = delivery::attempt_for(services_, call->settings, call->host, call->mailbox.domain());
  auto failure = co_await attempt->open();
  co_return failure;
}

void Recipients::conclude(Call& call, Finding finding) {
  if (call.finding) return;  // given up, which looks like a failure to who was asking
  services_.log.info("verified")
      .with("to", fmt::format("<{}>", call.mailbox.to_string()))
      .with("mx", call.host.host)
      .with("reply", finding.words)
      .with("result", name_of(finding.standing));
  call.finding = findings_.add(call.route, call.mailbox, std::move(finding), Clock::now());
  call.concluded.cancel();
}

}  // namespace relay::intake

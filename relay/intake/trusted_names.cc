// Look-ups, and what is made of their answers.
#include "relay/intake/trusted_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "relay/questions.h"

namespace relay::intake {
namespace {

using base::Result;
using namespace asio::experimental::awaitable_operators;
using Addresses = std::vector<base::IpAddress>;

/// How long an answer without addresses, and none at all, are good for.
constexpr base::Duration ttl_of_nothing = std::chrono::minutes(1);

base::Duration ttl_of(const Result<dns::Answer>& answer) {
  return answer && answer->status == dns::Status::found ? answer->ttl : ttl_of_nothing;
}

/// What an admin has to know of a look-up; empty when all is well.
std::string trouble_in(const Result<dns::Answer>& a, const Result<dns::Answer>& aaaa) {
  if (!a) return a.error().words + " (A)";
  if (!aaaa) return aaaa.error().words + " (AAAA)";
  if (a->status == dns::Status::found || aaaa->status == dns::Status::found) return {};
  return a->status == dns::Status::no_name ? "there is no such name" : "the name has no address";
}

std::string list(const Addresses& addresses) {
  std::string text;
  for (const base::IpAddress& address : addresses) {
    if (!text.empty()) text += ',';
    text += address.to_string();
  }
  return text.empty() ? "none" : text;
}

}  // namespace

void NamedHost::Half::take(const Result<dns::Answer>& answer, base::Time now, base::Duration keep) {
  if (!answer) {
    if (now - answered_ >= keep) addresses.clear();
    return;
  }
  answered_ = now;
  addresses = addresses_in(answer);
  std::ranges::sort(addresses);  // so that of too many the same are kept, in whatever order they come
  if (addresses.size() > most_addresses) addresses.resize(most_addresses);
}

void NamedHost::take(const Result<dns::Answer>& a, const Result<dns::Answer>& aaaa, base::Time now, base::Duration keep) {
  looked_up_ = now;
  ttl_ = std::min(ttl_of(a), ttl_of(aaaa));
  if (std::string words = trouble_in(a, aaaa); !words.empty()) failure_ = Failure{std::move(words), now};
  ipv4_.take(a, now, keep);
  ipv6_.take(aaaa, now, keep);
  addresses_ = ipv4_.addresses;
  addresses_.insert(addresses_.end(), ipv6_.addresses.begin(), ipv6_.addresses.end());
  std::ranges::sort(addresses_);
  const auto repeated = std::ranges::unique(addresses_);
  addresses_.erase(repeated.begin(), repeated.end());
}

TrustedNames::TrustedNames(Services& services, const Limits& limits)
    : services_(services), limits_(limits), pause_(services.loop), answered_(services.loop, Clock::time_point::max()) {}

void TrustedNames::start() { services_.tasks.spawn(run()); }

void TrustedNames::reload() {
  drop_others();
  looking_ = true;
  outdated_ = true;
  pause_.cancel();
}

Task<void> TrustedNames::look_again() {
  if (!looking_) {
    if (Clock::now() - looked_up_ < limits_.between_look_ups) co_return;
    looking_ = true;
    pause_.cancel();
  }
  Timer bound(services_.loop, services_.settings.get()->config.dns.timeout);
  co_await (answered_.async_wait(as_result) || bound.async_wait(as_result));
}

Task<void> TrustedNames::run() {
  for (;;) {
    looking_ = true;
    outdated_ = false;
    co_await look_up();
    if (outdated_) continue;
    looking_ = false;
    looked_up_ = Clock::now();
    answered_.cancel();
    rest();
    co_await pause_.async_wait(as_result);
  }
}

void TrustedNames::rest() {
  if (hosts_.empty()) {
    pause_.expires_at(Clock::time_point::max());
    return;
  }
  base::Duration time = services_.settings.get()->config.accept.ddns_refresh;
  for (const auto& [name, host] : hosts_) time = std::min(time, host.ttl());
  pause_.expires_after(std::max(time, limits_.between_look_ups));
}

/// Names that the settings have no more are not trusted from now on.
void TrustedNames::drop_others() {
  const std::vector<std::string>& names = services_.settings.get()->config.accept.host_names;
  std::erase_if(hosts_, [&](const auto& entry) { return std::ranges::find(names, entry.first) == names.end(); });
  gather();
}

Task<void> TrustedNames::look_up() {
  const auto settings = services_.settings.get();
  std::vector<Question> questions;
  for (const std::string& name : settings->config.accept.host_names) {
    hosts_.try_emplace(name);
    questions.push_back(Question{name, dns::RecordType::a});
    questions.push_back(Question{name, dns::RecordType::aaaa});
  }
  const std::vector<Question> asked = questions;
  const Answers answers = co_await ask_all(services_.loop, services_.resolver, std::move(questions), Asking::afresh);
  for (std::size_t i = 0; i < asked.size(); i += 2) {
    const auto found = hosts_.find(asked[i].name);
    if (found == hosts_.end()) continue;  // dropped meanwhile
    const NamedHost before = found->second;
    found->second.take(answers[i], answers[i + 1], base::now(), settings->config.accept.ddns_keep);
    tell(found->first, before, found->second);
  }
  gather();
}

void TrustedNames::gather() {
  addresses_.clear();
  for (const auto& [name, host] : hosts_) {
    for (const base::IpAddress& address : host.addresses()) addresses_.emplace(address, name);
  }
}

/// Changes; and of trouble its beginning and its end.
void TrustedNames::tell(const std::string& name, const NamedHost& before, const NamedHost& host) {
  const bool changed = before.addresses() != host.addresses();
  if (!changed && before.is_failing() == host.is_failing()) return;
  Event line = host.is_failing() ? services_.log.warning("host-name") : services_.log.info("host-name");
  line.with("name", name);
  if (changed) line.with("before", list(before.addresses()));
  line.with("addresses", list(host.addresses()));
  if (host.is_failing()) line.with("reason", host.failure()->words);
}

}  // namespace relay::intake

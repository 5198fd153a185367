// PTR and AAAA of the address that mail leaves from.
#include "relay/delivery/ipv6_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "relay/publish.h"
#include "relay/questions.h"

namespace relay::delivery {
namespace {

constexpr std::chrono::hours between_looks(24);
constexpr std::chrono::minutes after_failure(10);
constexpr std::size_t most_names = 8;

std::vector<std::string> names_in(const dns::Answer& answer) {
  std::vector<std::string> names;
  for (const dns::Record& record : answer.records) {
    const auto* name = std::get_if<std::string>(&record);
    if (name != nullptr && names.size() < most_names) names.push_back(*name);
  }
  return names;
}

}  // namespace

Task<bool> Ipv6Check::allows(std::shared_ptr<const Settings> settings) {
  const conf::Delivery& delivery = settings->config.delivery;
  if (delivery.bind_ipv6.empty()) {
    co_return delivery.ip_versions == conf::IpVersions::ipv6_first || delivery.ip_versions == conf::IpVersions::ipv6_only;
  }
  const bool is_new = asked_for_ != delivery.bind_ipv6;
  if (is_new || Clock::now() >= next_look_) {
    if (is_new) confirmed_ = false;
    asked_for_ = delivery.bind_ipv6;
    next_look_ = Clock::now() + between_looks;
    std::string address = asked_for_;
    co_await look(std::move(address));
  }
  co_return confirmed_;
}

/// Where DNS does not say, what was known stays.
Task<void> Ipv6Check::look(std::string address) {
  const auto own = base::IpAddress::parse(address);
  if (!own) co_return;  // the configuration has checked it
  std::vector<Question> backward(1, Question{reverse_name(*own), dns::RecordType::ptr});
  const Answers pointers = co_await ask_all(services_.loop, services_.resolver, std::move(backward));
  std::vector<std::string> names;
  if (pointers.front()) names = names_in(*pointers.front());
  std::vector<Question> forward;
  for (const std::string& name : names) forward.push_back(Question{name, dns::RecordType::aaaa});
  const Answers answers = co_await ask_all(services_.loop, services_.resolver, std::move(forward));
  const auto leads_back = [&own](const base::Result<dns::Answer>& answer) {
    const std::vector<base::IpAddress> addresses = addresses_in(answer);
    return std::ranges::find(addresses, *own) != addresses.end();
  };
  const bool confirmed = std::ranges::any_of(answers, leads_back);
  const bool unsure = !pointers.front() || std::ranges::any_of(answers, [](const auto& answer) { return !answer; });
  if (!confirmed && unsure) {
    next_look_ = Clock::now() + after_failure;
    co_return;
  }
  confirmed_ = confirmed;
  if (confirmed) co_return;
  services_.log.warning("ipv6-unconfirmed")
      .with("ip", address)
      .with("reason", names.empty() ? std::string("it has no PTR record: receivers that have IPv4 are sent to over IPv4")
                                    : fmt::format("no AAAA record of {} leads back to it: receivers that have IPv4 are sent to "
                                                  "over IPv4",
                                                  fmt::join(names, ", ")));
}

}  // namespace relay::delivery

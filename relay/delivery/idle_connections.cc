// Keeping, taking, and saying QUIT.
#include "relay/delivery/idle_connections.h"

#include <algorithm>
#include <ranges>

namespace relay::delivery {
namespace {

constexpr std::chrono::seconds patience(3);

}  // namespace

void IdleConnections::keep(std::unique_ptr<Attempt> attempt) {
  auto waiting = std::make_shared<Waiting>(services_.loop, std::move(attempt));
  waiting_.push_back(waiting);
  waiting->timer.expires_after(patience);
  services_.tasks.spawn(wait(std::move(waiting)));
}

Task<void> IdleConnections::wait(std::shared_ptr<Waiting> waiting) {
  co_await waiting->timer.async_wait(as_result);
  if (!waiting->attempt) co_return;
  waiting_.remove(waiting);
  co_await waiting->attempt->quit();
}

std::unique_ptr<Attempt> IdleConnections::take(const std::vector<dns::Candidate>& hosts, const Settings& settings,
                                               std::string_view destination, mail::TlsWish wish) {
  for (auto place = waiting_.rbegin(); place != waiting_.rend(); ++place) {
    Waiting& waiting = **place;
    const bool fits = !waiting.ends && std::ranges::find(hosts, waiting.attempt->candidate()) != hosts.end() &&
                      waiting.attempt->serves(settings, destination, wish);
    if (!fits) continue;
    auto attempt = std::move(waiting.attempt);
    waiting.timer.cancel();
    waiting_.erase(std::next(place).base());
    return attempt;
  }
  return nullptr;
}

void IdleConnections::end_one() {
  const auto oldest = std::ranges::find(waiting_, false, [](const auto& waiting) { return waiting->ends; });
  if (oldest != waiting_.end()) end(**oldest);
}

void IdleConnections::end_all() {
  for (const auto& waiting : waiting_) end(*waiting);
}

void IdleConnections::end(Waiting& waiting) {
  waiting.ends = true;
  waiting.timer.cancel();
}

}  // namespace relay::delivery

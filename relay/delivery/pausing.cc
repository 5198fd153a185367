// Pauses: destinations that get nothing by the admin's will.
#include <fmt/format.h>

#include <algorithm>

#include "base/idn.h"
#include "base/text.h"
#include "relay/delivery/dispatcher.h"

namespace relay::delivery {
namespace {

using base::Kind;
using base::Result;

constexpr std::size_t most_pauses = 1000;
constexpr std::size_t longest_name = 255;  // RFC 1035 2.3.4

Result<std::string> normal_pattern(const std::string& pattern) {
  auto normal = base::pattern_to_a_labels(pattern);
  const auto is_printable = [](char c) { return c > ' ' && c < 0x7F; };
  if (!normal || normal->empty() || normal->size() > longest_name || !std::ranges::all_of(*normal, is_printable)) {
    return base::fail(Kind::invalid, fmt::format("\"{}\" is no domain or host; write it like example.com or *.mx.example.com",
                                                 base::printable(pattern.substr(0, longest_name))));
  }
  return normal;
}

bool has_pause(const std::vector<queue::Pause>& pauses, std::string_view pattern) {
  return std::ranges::find(pauses, pattern, &queue::Pause::pattern) != pauses.end();
}

PauseView view_of(const queue::Pause& pause, std::optional<Block> block, const std::vector<queue::DestinationRow>& destinations,
                  const std::function<bool(std::string_view)>& stopped) {
  PauseView view{pause, std::move(block), 0, 0};
  for (const queue::DestinationRow& row : destinations) {
    if (!stopped(row.name)) continue;
    ++view.destinations;
    view.recipients += row.recipients;
  }
  return view;
}

}  // namespace

Task<void> Dispatcher::take_up_pauses() {
  auto read = [reader = reader_.get()] { return reader->pauses(); };
  auto pauses = co_await on(reading_, services_.loop, read);
  if (!pauses) {
    services_.log.error("recovery-failed").with("reason", pauses.error().words);
    co_return;
  }
  pauses_ = std::move(*pauses);
  for (const queue::Pause& pause : pauses_) {
    give_back(schedule_.pause(pause.pattern, base::now()));
  }
}

Task<Result<void>> Dispatcher::pause(std::string pattern) {
  auto normal = normal_pattern(pattern);
  if (!normal) co_return std::unexpected(normal.error());
  if (has_pause(pauses_, *normal)) co_return Result<void>();
  if (pauses_.size() >= most_pauses) co_return base::fail(Kind::refused, fmt::format("there are {} pauses already", most_pauses));
  queue::Pause pause{*normal, base::now(), std::nullopt};
  auto start = [this, &pause](queue::Store::Done done) { services_.store.pause(pause, std::move(done)); };
  auto stored = co_await await_on_loop<Result<void>>(start);
  if (!stored) co_return stored;
  if (has_pause(pauses_, *normal)) co_return Result<void>();
  pauses_.push_back(pause);
  give_back(schedule_.pause(*normal, base::now()));
  end_open_connections();
  services_.log.info("paused").with("destination", *normal);
  co_return Result<void>();
}

/// They were opened before their hosts could be paused; those at work end with the message that they carry.
void Dispatcher::end_open_connections() {
  ++pauses_begun_;
  idle_.end_all();
}

Task<Result<std::uint64_t>> Dispatcher::resume(std::string pattern) {
  const std::string normal = normal_pattern(pattern).value_or(base::lower(pattern));
  auto start = [this, &normal](queue::Store::DoneCount done) { services_.store.resume(normal, std::move(done)); };
  auto count = co_await await_on_loop<Result<std::uint64_t>>(start);
  if (!count) co_return count;
  const bool was_paused = *count > 0;
  if (end_block(normal) || end_fallback(normal)) *count = 1;
  if (!was_paused) co_return count;
  std::erase_if(pauses_, [&normal](const queue::Pause& pause) { return pause.pattern == normal; });
  schedule_.resume(normal, base::now());
  services_.log.info("resumed").with("destination", normal);
  kick();
  co_return count;
}

void Dispatcher::pause_was_told(const std::string& pattern, base::Time when) {
  const auto pause = std::ranges::find(pauses_, pattern, &queue::Pause::pattern);
  if (pause != pauses_.end()) pause->warned = when;
}

std::function<bool(std::string_view)> Dispatcher::stopped_by(const std::string& pattern) const {
  std::set<std::string, std::less<>> by_host;
  for (const auto& [destination, host_pattern] : schedule_.paused_by_hosts()) {
    if (host_pattern == pattern) by_host.insert(destination);
  }
  return [pattern, by_host = std::move(by_host)](std::string_view destination) {
    return base::matches_pattern(pattern, destination) || by_host.contains(destination);
  };
}

Task<Result<std::vector<PauseView>>> Dispatcher::pauses() {
  auto read = [reader = reader_.get()] { return reader->destinations(); };
  const auto destinations = co_await on(reading_, services_.loop, read);
  if (!destinations) co_return std::unexpected(destinations.error());
  std::vector<PauseView> views;
  for (const queue::Pause& pause : pauses_) {
    const auto stopped = stopped_by(pause.pattern);
    views.push_back(view_of(pause, std::nullopt, *destinations, stopped));
  }
  for (const auto& [name, block] : refusals_.blocks()) {
    const queue::Pause pause{name, block.since, block.warned};
    const auto stopped = stopped_by(block);
    views.push_back(view_of(pause, block, *destinations, stopped));
  }
  co_return views;
}

const std::string* Dispatcher::pause_of(const std::vector<dns::Candidate>& candidates) const {
  for (const dns::Candidate& candidate : candidates) {
    if (const std::string* pattern = schedule_.pause_matching(candidate.host)) return pattern;
  }
  return nullptr;
}

}  // namespace relay::delivery

// What deliveries have learnt outlives a restart: blocks, fallbacks, the counts of a warm-up; and how an admin ends it.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "relay/delivery/dispatcher.h"

namespace relay::delivery {

Task<void> Dispatcher::take_up_remembered() {
  auto read = [reader = reader_.get()]() -> base::Result<std::vector<queue::Remembered>> {
    std::vector<queue::Remembered> all;
    for (const std::string_view kind : {"block", "fallback", "warmup"}) {
      auto things = reader->remembered(kind);
      if (!things) return things;
      std::ranges::move(*things, std::back_inserter(all));
    }
    return all;
  };
  const auto things = co_await on(reading_, services_.loop, read);
  if (!things) {
    services_.log.error("recovery-failed").with("reason", things.error().words);
    co_return;
  }
  for (const queue::Remembered& thing : *things) {
    if (thing.kind == "warmup") warmup_.take_up(thing);
    if (auto fallback = thing.kind == "fallback" ? Fallback::from(thing) : std::nullopt) fallbacks_.take_up(std::move(*fallback));
    auto block = thing.kind == "block" ? Block::from(thing) : std::nullopt;
    if (!block) continue;
    rest_blocked(*block);
    refusals_.take_up(std::move(*block));
  }
}

void Dispatcher::rest_blocked(const Block& block) {
  const base::Time now = base::now();
  if (block.of == Block::Of::group) return give_back(schedule_.rest_group(block.name, block.next_probe, now));
  const std::vector<base::Duration> until(1, std::max(base::Duration(1000), block.next_probe - now));
  rest_words_[block.name] = fmt::format("the destination rests: {}", block.reply);
  give_back(schedule_.rest(block.name, now, until));
}

void Dispatcher::remember(queue::Remembered thing) {
  const std::string what = fmt::format("{} {}", thing.kind, thing.name);
  services_.store.remember(std::move(thing), [this, what](const base::Result<void>& kept) {
    if (!kept) services_.log.error("not-remembered").with("what", what).with("reason", kept.error().words);
  });
}

void Dispatcher::forget(queue::Remembered thing) {
  thing.text.clear();
  remember(std::move(thing));
}

std::vector<Block> Dispatcher::block_list() const {
  std::vector<Block> blocks;
  blocks.reserve(refusals_.blocks().size());
  for (const auto& [name, block] : refusals_.blocks()) blocks.push_back(block);
  return blocks;
}

void Dispatcher::block_was_told(const std::string& name, base::Time when) {
  if (const auto block = refusals_.was_told(name, when)) remember(block->to_remember());
}

std::function<bool(std::string_view)> Dispatcher::stopped_by(const Block& block) const {
  std::set<std::string, std::less<>> stopped = {block.name};
  if (block.of == Block::Of::group) {
    const std::vector<std::string> members = schedule_.destinations_of(block.name);
    stopped.insert(members.begin(), members.end());
  }
  return [stopped = std::move(stopped)](std::string_view destination) { return stopped.contains(destination); };
}

bool Dispatcher::end_block(const std::string& name) {
  const auto block = refusals_.end(name);
  if (!block) return false;
  forget(block->to_remember());
  if (block->of == Block::Of::group) {
    schedule_.wake_group(name);
  } else {
    schedule_.wake(name);
  }
  services_.log.info("unblocked").with("destination", name);
  kick();
  return true;
}

/// The domain's own hosts are asked again.
bool Dispatcher::end_fallback(const std::string& domain) {
  const auto fallback = fallbacks_.end(domain);
  if (!fallback) return false;
  forget(fallback->to_remember());
  services_.log.info("fallback-ended").with("destination", domain);
  return true;
}

}  // namespace relay::delivery

// From the meaning of a reply to what is done, and the memory of what was said before.
#include "relay/delivery/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace relay::delivery {
namespace {

namespace json = boost::json;
using conf::ReplyAction;
using conf::ReplyScope;

constexpr std::uint32_t refusals_in_a_row = 3;
constexpr base::Duration usual_wait = std::chrono::minutes(10);
constexpr base::Duration tell_every = std::chrono::hours(24);
constexpr std::size_t most_rows = 50'000;

std::string sender_key(const std::string& group, const std::string& domain) { return fmt::format("{} {}", group, domain); }

/// Whom the refusal concerns, by name.
std::string whom(ReplyScope scope, const Refusal& refusal) {
  switch (scope) {
    case ReplyScope::receiver: return refusal.group;
    case ReplyScope::sender: return sender_key(refusal.group, refusal.sender_domain);
    case ReplyScope::domain:
    case ReplyScope::recipient: break;
  }
  return refusal.destination;
}

template <class T>
void bound(std::map<std::string, T>& memory) {
  if (memory.size() >= most_rows) memory.clear();
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

base::Time time_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return base::Time(base::Duration(value != nullptr && value->is_int64() ? value->as_int64() : 0));
}

}  // namespace

queue::Remembered Block::to_remember() const {
  json::object object;
  object["of"] = of == Of::group ? "group" : "destination";
  object["since"] = since.time_since_epoch().count();
  object["next_probe"] = next_probe.time_since_epoch().count();
  object["mx"] = mx;
  object["reply"] = reply;
  object["link"] = link;
  if (warned) object["warned"] = warned->time_since_epoch().count();
  return queue::Remembered{"block", name, json::serialize(object)};
}

std::optional<Block> Block::from(const queue::Remembered& thing) {
  boost::system::error_code error;
  const json::value value = json::parse(thing.text, error);
  if (error || !value.is_object()) return std::nullopt;
  const json::object& object = value.as_object();
  Block block;
  block.name = thing.name;
  block.of = text_of(object, "of") == "group" ? Of::group : Of::destination;
  block.since = time_of(object, "since");
  block.next_probe = time_of(object, "next_probe");
  block.mx = text_of(object, "mx");
  block.reply = text_of(object, "reply");
  block.link = text_of(object, "link");
  if (object.contains("warned")) block.warned = time_of(object, "warned");
  return block;
}

Ruling Refusals::rule(const Meaning& meaning, const Refusal& refusal, base::Time now) {
  Ruling ruling;
  ruling.action = action_now(meaning, whom(meaning.scope, refusal), now);
  switch (ruling.action) {
    case ReplyAction::retry: ruling.wait = meaning.wait; break;
    case ReplyAction::throttle: ruling = slow_down(meaning, refusal, now); break;
    case ReplyAction::fix:
      ruling.wait = meaning.wait;
      ruling.keep = fix_within;
      ruling.tell = is_news(fmt::format("fix {} {} {}", refusal.group, meaning.rule->record, refusal.sender_domain), now);
      break;
    case ReplyAction::stop: ruling.verdict = queue::Verdict::failed; break;
    case ReplyAction::pause: ruling = stop_sending(meaning, refusal, now); break;
  }
  return ruling;
}

ReplyAction Refusals::action_now(const Meaning& meaning, const std::string& whom, base::Time now) {
  bound(rows_);
  Row& row = rows_[whom];
  if (now >= row.until) {
    ++row.refusals;
    row.until = now + meaning.wait.value_or(std::chrono::minutes(1));
  }
  return row.refusals >= refusals_in_a_row && meaning.rule->then ? *meaning.rule->then : meaning.rule->action;
}

Ruling Refusals::slow_down(const Meaning& meaning, const Refusal& refusal, base::Time now) {
  Ruling ruling;
  ruling.action = ReplyAction::throttle;
  ruling.wait = meaning.wait;
  const base::Time until = now + meaning.wait.value_or(usual_wait);
  switch (meaning.scope) {
    case ReplyScope::receiver:
      if (meaning.wait) ruling.group_rests = until;
      if (!meaning.wait) ruling.group_slow = now + slow_time;
      break;
    case ReplyScope::domain: ruling.destination_rests = until; break;
    case ReplyScope::sender:
      bound(senders_);
      senders_[sender_key(refusal.group, refusal.sender_domain)] = until;
      ruling.wait = until - now;
      break;
    case ReplyScope::recipient: break;
  }
  return ruling;
}

Ruling Refusals::stop_sending(const Meaning& meaning, const Refusal& refusal, base::Time now) {
  Ruling ruling;
  ruling.action = ReplyAction::pause;
  ruling.wait = meaning.wait.value_or(probe_every);
  Block block;
  block.of = meaning.scope == ReplyScope::receiver ? Block::Of::group : Block::Of::destination;
  block.name = block.of == Block::Of::group ? refusal.group : refusal.destination;
  block.since = now;
  block.next_probe = now + *ruling.wait;
  block.mx = refusal.mx;
  block.reply = refusal.reply;
  block.link = meaning.rule->link.empty() ? meaning.link : meaning.rule->link;  // the page that lifts the block first
  (block.of == Block::Of::group ? ruling.group_rests : ruling.destination_rests) = block.next_probe;
  const auto [place, fresh] = blocks_.try_emplace(block.name, block);
  // A receiver that takes some mail and blocks other is told of once a day all the same.
  ruling.tell = fresh && is_news(fmt::format("block {}", block.name), now);
  if (!fresh) {
    block.since = place->second.since;
    block.warned = place->second.warned;
    place->second = std::move(block);
  }
  return ruling;
}

bool Refusals::is_news(const std::string& what, base::Time now) {
  bound(told_);
  const auto told = told_.find(what);
  if (told != told_.end() && now - told->second < tell_every) return false;
  told_.insert_or_assign(what, now);
  return true;
}

std::vector<Block> Refusals::accepted(const std::string& group, const std::string& destination) {
  std::vector<Block> ended;
  for (const std::string* name : {&group, &destination}) {
    rows_.erase(*name);
    if (auto block = end(*name)) ended.push_back(std::move(*block));
  }
  return ended;
}

std::optional<base::Time> Refusals::sender_waits(const std::string& group, const std::string& sender_domain,
                                                 base::Time now) const {
  const auto found = senders_.find(sender_key(group, sender_domain));
  if (found == senders_.end() || found->second <= now) return std::nullopt;
  return found->second;
}

const Block* Refusals::block_of(const std::string& group, const std::string& destination) const {
  for (const std::string* name : {&group, &destination}) {
    const auto block = blocks_.find(*name);
    if (block != blocks_.end()) return &block->second;
  }
  return nullptr;
}

void Refusals::take_up(Block block) {
  const std::string name = block.name;
  blocks_.insert_or_assign(name, std::move(block));
}

std::optional<Block> Refusals::was_told(const std::string& name, base::Time when) {
  const auto found = blocks_.find(name);
  if (found == blocks_.end()) return std::nullopt;
  found->second.warned = when;
  return found->second;
}

std::optional<Block> Refusals::end(const std::string& name) {
  const auto found = blocks_.find(name);
  if (found == blocks_.end()) return std::nullopt;
  Block block = std::move(found->second);
  blocks_.erase(found);
  rows_.erase(name);
  return block;
}

}  // namespace relay::delivery

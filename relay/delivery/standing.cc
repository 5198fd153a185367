// The sentences, and gathering what they tell of.
#include "relay/delivery/standing.h"

#include <fmt/format.h>

#include "relay/delivery/dispatcher.h"

namespace relay::delivery {
namespace {

std::string clock_text(base::Time time) { return fmt::format("{} UTC", base::iso_time(time).substr(0, 16)); }

Sentence of_pause(const Standing& standing) {
  return {fmt::format("Deliveries to {0} are paused by an administrator; mailferry queue resume '{0}' lets them go.",
                      standing.paused_by),
          fmt::format("管理员已暂停发往 {0} 的投递；用 mailferry queue resume '{0}' 恢复。", standing.paused_by)};
}

Sentence of_block(const Block& block) {
  return {fmt::format("{} has refused our mail since {}: {}. One message is tried every 30 minutes, next at {}; mailferry queue "
                      "resume '{}' tries at once.",
                      block.name, clock_text(block.since), block.reply, clock_text(block.next_probe), block.name),
          fmt::format("{} 自 {} 起拒收我们的邮件：{}。每 30 分钟试投一封，下次在 {}；用 mailferry queue resume '{}' 立即再试。",
                      block.name, clock_text(block.since), block.reply, clock_text(block.next_probe), block.name)};
}

Sentence of_rest(const Standing& standing, base::Time until) {
  const std::string why = standing.rest_reason.empty() ? "its hosts could not be reached" : standing.rest_reason;
  return {fmt::format("{} is tried again at {}: {}.", standing.destination, clock_text(until), why),
          fmt::format("{} 将于 {} 再试：{}。", standing.destination, clock_text(until), why)};
}

Sentence of_group_rest(const Standing& standing, base::Time until) {
  return {fmt::format("The receiver ({}) asked us to slow down: nothing goes there before {}, then one connection first.",
                      standing.group, clock_text(until)),
          fmt::format("接收方（{}）要求减速：{} 之前不再投递，之后先以一个连接恢复。", standing.group, clock_text(until))};
}

Sentence of_slow_group(const Standing& standing, base::Time until) {
  return {
      fmt::format("The receiver ({}) asked us to slow down: one message a minute until {}.", standing.group, clock_text(until)),
      fmt::format("接收方（{}）要求减速：{} 之前每分钟一封。", standing.group, clock_text(until))};
}

Sentence of_warmup(const Standing& standing) {
  return {
      fmt::format("The address is warming up: today's share for {} is {} messages, {} went out; the rest waits, four hours at "
                  "most.",
                  standing.group, *standing.warmup_limit, standing.warmup_sent),
      fmt::format("地址处于预热期：今天发往 {} 的限额为 {} 封，已发 {} 封；其余等待，最多四小时。", standing.group,
                  *standing.warmup_limit, standing.warmup_sent)};
}

Sentence of_fallback(const Fallback& fallback) {
  return {fmt::format("Its own hosts do not take our mail ({}), so that it goes by the fallback of its route until {}.",
                      fallback.reason, clock_text(fallback.until)),
          fmt::format("其自身的主机不接收我们的邮件（{}），因此在 {} 之前经由路由的备用主机投递。", fallback.reason,
                      clock_text(fallback.until))};
}

}  // namespace

std::optional<CurrentLimit> limit_of(const Standing& standing, base::Time now) {
  CurrentLimit limit;
  limit.connections = standing.connections;
  limit.most_connections = standing.most_connections;
  if (standing.block) {
    limit.word = "blocked";
    limit.until = standing.block->next_probe;
    limit.reason = of_block(*standing.block);
  } else if (standing.group_rests_until && *standing.group_rests_until > now) {
    limit.word = "rests";
    limit.until = standing.group_rests_until;
    limit.reason = of_group_rest(standing, *standing.group_rests_until);
  } else if (standing.group_slow_until) {
    limit.word = "slow";
    limit.until = standing.group_slow_until;
    limit.reason = of_slow_group(standing, *standing.group_slow_until);
  } else if (standing.warmup_limit && standing.warmup_sent >= *standing.warmup_limit) {
    limit.word = "warm-up";
    limit.reason = of_warmup(standing);
  } else {
    return std::nullopt;
  }
  return limit;
}

std::vector<Sentence> reasons_to_wait(const Standing& standing, base::Time now) {
  std::vector<Sentence> all;
  if (!standing.paused_by.empty()) all.push_back(of_pause(standing));
  if (standing.block) all.push_back(of_block(*standing.block));
  if (!standing.block && standing.rests_until && *standing.rests_until > now) {
    all.push_back(of_rest(standing, *standing.rests_until));
  }
  if (!standing.block && standing.group_rests_until) all.push_back(of_group_rest(standing, *standing.group_rests_until));
  if (standing.group_slow_until) all.push_back(of_slow_group(standing, *standing.group_slow_until));
  if (standing.warmup_limit && standing.warmup_sent >= *standing.warmup_limit) all.push_back(of_warmup(standing));
  if (standing.fallback) all.push_back(of_fallback(*standing.fallback));
  return all;
}

/// What concerns all of a group's destinations.
Standing Dispatcher::group_standing(const std::string& group, base::Time now) const {
  Standing standing;
  standing.group = group;
  if (const queue::Allowance* allowance = schedule_.allowance_of(group)) {
    if (allowance->rests(now)) standing.group_rests_until = allowance->rest_until();
    standing.group_slow_until = allowance->slow_until(now);
    standing.connections = allowance->connections(now);
    standing.most_connections = allowance->limits().connections;
    standing.rate = allowance->limits().rate;
  }
  const auto block = refusals_.blocks().find(group);
  if (block != refusals_.blocks().end()) standing.block = block->second;
  standing.warmup_limit = warmup_.plan(now);
  standing.warmup_sent = warmup_.sent(group, now);
  return standing;
}

Standing Dispatcher::standing(const std::string& destination) const {
  const base::Time now = base::now();
  const std::string* group = schedule_.group_of(destination);
  Standing standing = group_standing(group == nullptr ? std::string() : *group, now);
  standing.destination = destination;
  if (const std::string* pattern = schedule_.paused_by(destination)) standing.paused_by = *pattern;
  standing.rests_until = schedule_.rests_until(destination);
  const auto words = rest_words_.find(destination);
  if (words != rest_words_.end()) standing.rest_reason = words->second;
  if (const Block* block = refusals_.block_of(standing.group, destination)) standing.block = *block;
  if (const Fallback* fallback = fallbacks_.find(destination, now)) standing.fallback = *fallback;
  return standing;
}

std::vector<Standing> Dispatcher::limited_groups() const {
  const base::Time now = base::now();
  std::vector<Standing> all;
  for (const std::string& group : schedule_.groups()) {
    Standing standing = group_standing(group, now);
    if (limit_of(standing, now)) all.push_back(std::move(standing));
  }
  return all;
}

CurrentLimits Dispatcher::limits() const {
  const base::Time now = base::now();
  CurrentLimits limits;
  const auto add = [&limits, now](const std::string& name, const Standing& standing) {
    if (auto limit = limit_of(standing, now)) limits.all.insert_or_assign(name, std::move(*limit));
  };
  for (const Standing& standing : limited_groups()) {
    add(standing.group, standing);
    for (const std::string& member : schedule_.destinations_of(standing.group)) limits.of_destination[member] = standing.group;
  }
  for (const auto& [name, block] : refusals_.blocks()) {
    if (block.of != Block::Of::destination) continue;
    add(name, standing(name));
    limits.of_destination[name] = name;
  }
  return limits;
}

}  // namespace relay::delivery

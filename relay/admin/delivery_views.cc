// Values of the delivery's rooms as JSON.
#include "relay/admin/delivery_views.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "relay/delivery/shaping.h"
#include "relay/explanation.h"
#include "relay/reported_reply.h"

namespace relay::admin {
namespace {

json::value time_or_null(const std::optional<base::Time>& time) {
  return time ? json::value(base::iso_time(*time)) : json::value();
}

json::object sentence_view(const Sentence& sentence) {
  return {{"english", base::printable(sentence.english)}, {"chinese", base::printable(sentence.chinese)}};
}

json::object limit_view(std::string_view receiver, const delivery::CurrentLimit& limit) {
  return {{"receiver", receiver},
          {"state", limit.word},
          {"until", time_or_null(limit.until)},
          {"connections", limit.connections},
          {"most_connections", limit.most_connections},
          {"reason", sentence_view(limit.reason)}};
}

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Whose limit counts for a destination; empty: nobody's.
std::string receiver_of(const std::string& destination, const delivery::CurrentLimits& limits) {
  const auto found = limits.of_destination.find(destination);
  return found == limits.of_destination.end() ? std::string() : found->second;
}

/// Hosts that a route names stand alone, others belong together.
std::string receiver_of_host(const std::string& name, const delivery::CurrentLimits& limits, const conf::Config& config) {
  if (limits.all.contains(name)) return name;
  dns::Candidate host;
  host.host = name;
  host.port = config.delivery.port;
  return delivery::shaping_for(config, {}, host).group;
}

/// What the words that the queue has kept mean; nothing for our own words.
json::array explanation_of(const std::string& words, const std::string& mx, const std::string& domain,
                           const conf::Config& config) {
  json::array sentences;
  const ReportedReply reported = read_reported_reply(words);
  if (words.empty() || reported.code == CodeKnown::no) return sentences;
  const auto meaning = meaning_of(config, mx, reported.reply);
  const Explanation made = explain(reported.reply, meaning, Receiver{conf::profile_of(mx), mx, domain});
  for (const Sentence* sentence : {&made.general, &made.meaning, &made.deed, &made.advice}) {
    if (!sentence->english.empty()) sentences.push_back(sentence_view(*sentence));
  }
  return sentences;
}

}  // namespace

void add_block(json::object& pause, const std::optional<delivery::Block>& block) {
  if (!block) return;
  pause["reply"] = base::printable(block->reply);
  pause["link"] = base::printable(block->link);
  pause["next_probe"] = base::iso_time(block->next_probe);
}

void add_reasons(json::object& message, const delivery::Dispatcher& dispatcher, const conf::Config& config, base::Time now) {
  for (json::value& value : message["recipients"].as_array()) {
    json::object& recipient = value.as_object();
    const std::string mailbox = text_in(recipient, "recipient");
    const std::string domain = base::lower(std::string_view(mailbox).substr(mailbox.rfind('@') + 1));
    json::array reasons;
    const bool waits = text_in(recipient, "state") == "queued" || text_in(recipient, "state") == "deferred";
    if (waits) {
      for (const Sentence& sentence : delivery::reasons_to_wait(dispatcher.standing(domain), now)) {
        reasons.push_back(sentence_view(sentence));
      }
    }
    recipient["reasons"] = std::move(reasons);
    recipient["explanation"] = explanation_of(text_in(recipient, "last_reply"), text_in(recipient, "mx"), domain, config);
  }
}

void add_limits(json::array& rows, queue::SummaryBy by, const delivery::CurrentLimits& limits, const conf::Config& config) {
  if (limits.all.empty() || by == queue::SummaryBy::sender) return;
  for (json::value& value : rows) {
    json::object& row = value.as_object();
    const std::string name = text_in(row, "name");
    const std::string whose = by == queue::SummaryBy::mx ? receiver_of_host(name, limits, config) : receiver_of(name, limits);
    const auto limit = limits.all.find(whose);
    if (limit != limits.all.end()) row["limit"] = limit_view(whose, limit->second);
  }
}

json::array host_views(const std::vector<delivery::HostMemory::Entry>& entries, delivery::HostMemory::Time now,
                       base::Time wall_now) {
  json::array views;
  for (const delivery::HostMemory::Entry& entry : entries) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(entry.until - now);
    views.push_back(json::object{{"host", base::printable(entry.host.host)},
                                 {"address", entry.host.address.to_string()},
                                 {"port", entry.host.port},
                                 {"trouble", delivery::name_of(entry.trouble)},
                                 {"times", entry.times},
                                 {"until", base::iso_time(wall_now + left)},
                                 {"left_seconds", left.count() / 1000}});
  }
  return views;
}

json::object delivery_view(const delivery::Dispatcher& dispatcher, base::Time now) {
  json::object view;
  json::array limited;
  for (const delivery::Standing& group : dispatcher.limited_groups()) {
    limited.push_back(json::object{{"receiver", group.group},
                                   {"rests_until", time_or_null(group.group_rests_until)},
                                   {"slow_until", time_or_null(group.group_slow_until)},
                                   {"connections", group.connections},
                                   {"most_connections", group.most_connections}});
  }
  view["limited"] = std::move(limited);
  json::array fallbacks;
  constexpr std::size_t most_shown = 1000;
  for (const auto& [domain, fallback] : dispatcher.fallbacks().all()) {
    if (fallback.until <= now || fallbacks.size() >= most_shown) continue;
    fallbacks.push_back(json::object{
        {"domain", domain}, {"until", base::iso_time(fallback.until)}, {"reason", base::printable(fallback.reason)}});
  }
  view["fallbacks"] = std::move(fallbacks);
  const delivery::Warmup& warmup = dispatcher.warmup();
  const auto plan = warmup.plan(now);
  view["warmup"] = nullptr;
  if (!plan) return view;
  json::array receivers;
  for (const auto& [group, today] : warmup.all()) {
    const std::uint64_t sent = warmup.sent(group, now);
    if (sent > 0) receivers.push_back(json::object{{"receiver", group}, {"sent", sent}, {"left", *plan - std::min(*plan, sent)}});
  }
  view["warmup"] = json::object{{"day", warmup.day(now)}, {"messages_for_each", *plan}, {"receivers", std::move(receivers)}};
  return view;
}

}  // namespace relay::admin

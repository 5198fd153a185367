// Building the JSON of the queue.
#include "relay/admin/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace relay::admin {
namespace {

/// Ids that are spelled out in a filter's text.
constexpr std::size_t most_ids_told = 3;

std::int64_t seconds(base::Duration duration) { return duration.count() / 1000; }

json::value time_or_null(const std::optional<base::Time>& time) {
  return time ? json::value(base::iso_time(*time)) : json::value(nullptr);
}

json::value seconds_until(const std::optional<base::Time>& time, base::Time now) {
  return time ? json::value(seconds(*time - now)) : json::value(nullptr);
}

std::string_view origin_text(queue::Origin origin) {
  switch (origin) {
    case queue::Origin::trusted: return "trusted";
    case queue::Origin::stranger: return "stranger";
    case queue::Origin::notice:
    case queue::Origin::last_notice: return "notice";
  }
  return "unknown";
}

std::string_view return_text(mail::Return form) {
  switch (form) {
    case mail::Return::unspecified: return "";
    case mail::Return::full: return "full";
    case mail::Return::headers: return "headers";
  }
  return "";
}

std::string_view tls_wish_text(mail::TlsWish wish) {
  switch (wish) {
    case mail::TlsWish::none: return "";
    case mail::TlsWish::required: return "required";
    case mail::TlsWish::optional: return "optional";
    case mail::TlsWish::preferred: return "preferred";
  }
  return "";
}

json::array notify_view(const mail::Notify& notify) {
  struct Wish {
    std::uint8_t bit;
    std::string_view name;
  };
  constexpr auto wishes = std::to_array<Wish>({{mail::Notify::never, "never"},
                                               {mail::Notify::success, "success"},
                                               {mail::Notify::failure, "failure"},
                                               {mail::Notify::delay, "delay"}});
  json::array view;
  for (const Wish& wish : wishes) {
    if ((notify.bits() & wish.bit) != 0) view.emplace_back(wish.name);
  }
  return view;
}

std::string option(std::string_view name, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" '\"\\") == std::string_view::npos;
  return plain ? fmt::format("--{} {}", name, value) : fmt::format("--{} \"{}\"", name, value);
}

}  // namespace

json::object row_view(const queue::ListRow& row, const ActiveKeys& active, base::Time now) {
  const bool is_active = std::ranges::binary_search(active, queue::RecipientKey{row.id, row.index});
  const std::optional<base::Time> next =
      row.state == queue::State::deferred && !is_active ? std::optional(row.next_attempt) : std::nullopt;
  json::object view;
  view["id"] = row.id.to_string();
  view["index"] = row.index;
  view["received"] = base::iso_time(row.received);
  view["age_seconds"] = seconds(now - row.received);
  view["size"] = row.size;
  view["sender"] = base::printable(row.sender);
  view["recipient"] = base::printable(row.recipient);
  view["state"] = is_active ? std::string_view("active") : queue::to_string(row.state);
  view["attempts"] = row.attempts;
  view["next_attempt"] = time_or_null(next);
  view["next_seconds"] = seconds_until(next, now);
  view["mx"] = base::printable(row.mx);
  view["last_reply"] = base::printable(row.last_reply);
  return view;
}

json::object message_view(const queue::Message& message, const std::vector<queue::ListRow>& recipients, const ActiveKeys& active,
                          base::Time now) {
  json::object view;
  view["id"] = message.id.to_string();
  view["message_id"] = base::printable(message.message_id);
  view["received"] = base::iso_time(message.received);
  view["expires"] = base::iso_time(message.expires);
  view["size"] = message.size();
  view["prefix_size"] = message.prefix.size();
  view["sender"] = message.envelope.reverse_path.to_string();
  view["origin"] = origin_text(message.origin);
  view["envid"] = base::printable(message.envelope.envid);
  view["ret"] = return_text(message.envelope.ret);
  view["tls_wish"] = tls_wish_text(message.envelope.tls);
  view["client"] = json::object{
      {"helo", base::printable(message.client.helo)}, {"address", message.client.address}, {"tls", message.client.tls}};
  json::array rows;
  for (const queue::ListRow& row : recipients) {
    json::object recipient = row_view(row, active, now);
    const bool known = row.index < message.envelope.recipients.size();
    recipient["notify"] = known ? notify_view(message.envelope.recipients[row.index].notify) : json::array();
    recipient["orcpt"] = known ? base::printable(message.envelope.recipients[row.index].orcpt) : std::string();
    rows.push_back(std::move(recipient));
  }
  view["recipients"] = std::move(rows);
  return view;
}

json::object summary_view(const queue::SummaryRow& row, base::Time now) {
  json::object view;
  view.reserve(12);  // there may be very many rows
  view["name"] = base::printable(row.name);
  view["recipients"] = row.recipients;
  view["queued"] = row.queued;
  view["deferred"] = row.deferred;
  view["held"] = row.held;
  view["oldest"] = base::iso_time(row.oldest);
  view["age_seconds"] = seconds(now - row.oldest);
  view["next_attempt"] = time_or_null(row.next_attempt);
  view["next_seconds"] = seconds_until(row.next_attempt, now);
  view["mx"] = base::printable(row.mx);
  view["last_reply"] = base::printable(row.last_reply);
  view["limit"] = nullptr;  // the running relay knows
  return view;
}

json::object pause_view(const queue::Pause& pause, const Waiting& waiting, base::Time now) {
  json::object view;
  view["pattern"] = base::printable(pause.pattern);
  view["since"] = base::iso_time(pause.since);
  view["age_seconds"] = seconds(now - pause.since);
  view["warned"] = time_or_null(pause.warned);
  for (const char* of_block : {"reply", "link", "next_probe"}) view[of_block] = nullptr;
  view["destinations"] = waiting.destinations;
  view["recipients"] = waiting.recipients;
  return view;
}

json::object action_view(const queue::Action& action) {
  json::object view;
  view["id"] = action.id.to_string();
  view["action"] = queue::to_string(action.deed);
  view["filter"] = filter_text(action.filter);
  view["begun"] = base::iso_time(action.begun);
  view["finished"] = time_or_null(action.finished);
  view["touched"] = action.touched;
  view["skipped"] = action.skipped;
  return view;
}

json::object quarantined_view(const queue::QuarantinedMessage& message) {
  json::object view;
  view["id"] = message.id.to_string();
  view["when"] = base::iso_time(message.when);
  view["reason"] = base::printable(message.reason);
  view["sender"] = base::printable(message.sender);
  return view;
}

std::string filter_text(const queue::Filter& filter) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < std::min(filter.ids.size(), most_ids_told); ++i) parts.push_back(filter.ids[i].to_string());
  if (filter.ids.size() > most_ids_told) parts.push_back(fmt::format("and {} more ids", filter.ids.size() - most_ids_told));
  const std::pair<std::string_view, const std::string&> texts[] = {
      {"message-id", filter.message_id}, {"from", filter.from}, {"to", filter.to},
      {"domain", filter.domain},         {"mx", filter.mx},     {"reply", filter.reply}};
  for (const auto& [name, value] : texts) {
    if (!value.empty()) parts.push_back(option(name, base::printable(value)));
  }
  if (filter.state) parts.push_back(option("state", queue::to_string(*filter.state)));
  if (filter.before) parts.push_back(fmt::format("received before {}", base::iso_time(*filter.before)));
  if (filter.since) parts.push_back(fmt::format("received since {}", base::iso_time(*filter.since)));
  return fmt::format("{}", fmt::join(parts, " "));
}

}  // namespace relay::admin

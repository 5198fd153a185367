// Reading and printing filters.
#include "queue/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/idn.h"
#include "base/text.h"
#include "mail/address.h"

namespace queue {
namespace {

using base::fail;
using base::Kind;

/// Conditions that are text, by the names that people and to_text() use.
struct TextCondition {
  std::string_view name;
  std::string Filter::* value;
};
constexpr std::array text_conditions = {
    TextCondition{"message-id", &Filter::message_id},
    TextCondition{"from", &Filter::from},
    TextCondition{"to", &Filter::to},
    TextCondition{"domain", &Filter::domain},
    TextCondition{"mx", &Filter::mx},
    TextCondition{"reply", &Filter::reply},
};

const TextCondition* text_condition(std::string_view name) {
  const auto* const found = std::ranges::find(text_conditions, name, &TextCondition::name);
  return found == text_conditions.end() ? nullptr : found;
}

std::unexpected<base::Error> wrong(std::string_view name, std::string_view words) {
  return fail(Kind::invalid, fmt::format("{}: {}", name, words));
}

Result<void> add_id(Filter& filter, std::string_view text) {
  const auto id = QueueId::parse(text);
  if (!id) return wrong("id", id.error().words);
  const auto place = std::ranges::lower_bound(filter.ids, *id);
  if (place != filter.ids.end() && *place == *id) return {};
  if (filter.ids.size() >= Filter::most_ids) return wrong("id", fmt::format("at most {} at once", Filter::most_ids));
  filter.ids.insert(place, *id);
  return {};
}

/// With A-labels, as the queue has them.
std::string normal_pattern(std::string_view domain) {
  if (base::is_ascii(domain)) return std::string(domain);
  return base::pattern_to_a_labels(domain).value_or(std::string(domain));
}

// Without a wildcard only an address can be found, so anything else is a mistake that would silently find nothing.
Result<std::string> address_pattern(std::string_view name, std::string_view value) {
  if (value == "<>" && name == "from") return std::string(value);
  if (value.size() > 2 && value.front() == '<' && value.back() == '>') value = value.substr(1, value.size() - 2);
  if (has_wildcard(value)) {
    const std::size_t at = value.rfind('@');
    if (at == std::string_view::npos) return std::string(value);
    return fmt::format("{}@{}", value.substr(0, at), normal_pattern(value.substr(at + 1)));
  }
  const auto mailbox = mail::Mailbox::parse(value);
  if (mailbox) return std::string(value);
  if (value.find('@') != std::string_view::npos)
    return wrong(name, fmt::format("{}; * and ? make a pattern", mailbox.error().words));
  return wrong(name, fmt::format("\"{0}\" is not an address; write \"{0}@*\" or \"*@{0}\"", base::printable(value)));
}

/// In the one spelling that the queue has.
Result<std::string> domain_pattern(std::string_view value) {
  if (value.size() > 1 && value.back() == '.') value.remove_suffix(1);
  if (has_wildcard(value)) return normal_pattern(value);
  const auto mailbox = mail::Mailbox::parse(fmt::format("x@{}", value));
  if (mailbox) return mailbox->domain();
  return wrong("domain",
               fmt::format("\"{}\" is not a domain; write \"abc.com\", or a pattern like \"*.abc.com\"", base::printable(value)));
}

Result<std::string> pattern_of(std::string_view name, std::string_view value) {
  if (name == "from" || name == "to") return address_pattern(name, value);
  if (name == "domain") return domain_pattern(value);
  return std::string(value);
}

Result<void> set_text(Filter& filter, const TextCondition& condition, std::string_view value) {
  std::string& place = filter.*condition.value;
  if (!place.empty()) return wrong(condition.name, "given twice; one value can hold * and ?");
  if (value.empty()) {
    const bool is_sender = condition.name == "from";
    return wrong(condition.name, is_sender ? "the value is empty; the null reverse-path is \"<>\"" : "the value is empty");
  }
  if (value.size() > Filter::longest_value) return wrong(condition.name, fmt::format("at most {} octets", Filter::longest_value));
  auto pattern = pattern_of(condition.name, value);
  if (!pattern) return std::unexpected(pattern.error());
  place = std::move(*pattern);
  return {};
}

Result<void> set_age(Filter& filter, std::string_view name, std::string_view value, Time now) {
  std::optional<Time>& place = name == "older" ? filter.before : filter.since;
  if (place) return wrong(name, "given twice");
  const auto age = base::parse_duration(value);
  if (!age) return wrong(name, age.error().words);
  place = now - *age;
  if (filter.before && filter.since && *filter.before <= *filter.since) {
    return wrong(name, "no message is both that old and that new; the age of newer must be the greater one");
  }
  return {};
}

Result<void> set_state(Filter& filter, std::string_view value) {
  if (filter.state) return wrong("state", "given twice");
  const auto state = parse_state(value);
  if (!state) return wrong("state", state.error().words);
  filter.state = *state;
  return {};
}

/// So that a value stays in its line.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\\') {
      text += "\\\\";
    } else {
      text += c;
    }
  }
  return text;
}

Result<std::string> unescaped(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    ++i;
    if (i == text.size() || (text[i] != 'n' && text[i] != '\\')) return fail(Kind::invalid, "a backslash stands alone");
    value += text[i] == 'n' ? '\n' : '\\';
  }
  return value;
}

/// Milliseconds since 1970, with a sign before that.
Result<Time> parse_time(std::string_view text) {
  constexpr std::uint64_t furthest = 1'000'000'000'000'000;  // some 30,000 years
  const bool negative = text.starts_with('-');
  const auto milliseconds = base::parse_number(negative ? text.substr(1) : text);
  if (!milliseconds || *milliseconds > furthest) {
    return fail(Kind::invalid, fmt::format("\"{}\" is not a time in milliseconds", base::printable(text)));
  }
  const auto count = static_cast<std::int64_t>(*milliseconds);
  return Time(base::Duration(negative ? -count : count));
}

Result<void> keep(std::string& place, std::string_view text) {
  auto value = unescaped(text);
  if (!value) return std::unexpected(value.error());
  if (value->empty() || value->size() > Filter::longest_value) return fail(Kind::invalid, "the value is empty or too long");
  place = std::move(*value);
  return {};
}

template <class Value>
Result<void> keep(std::optional<Value>& place, Result<Value> value) {
  if (!value) return std::unexpected(value.error());
  place = *value;
  return {};
}

Result<void> parse_condition(Filter& filter, std::string_view name, std::string_view value) {
  if (name == "id") return add_id(filter, value);
  if (const TextCondition* const condition = text_condition(name)) return keep(filter.*condition->value, value);
  if (name == "state") return keep(filter.state, parse_state(value));
  if (name == "before") return keep(filter.before, parse_time(value));
  if (name == "since") return keep(filter.since, parse_time(value));
  if (name == "until") return keep(filter.until, QueueId::parse(value));
  return fail(Kind::invalid, "not a condition");
}

}  // namespace

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

Result<void> Filter::set(std::string_view name, std::string_view value, Time now) {
  if (name == "id") return add_id(*this, value);
  if (const TextCondition* const condition = text_condition(name)) return set_text(*this, *condition, value);
  if (name == "state") return set_state(*this, value);
  if (name == "older" || name == "newer") return set_age(*this, name, value, now);
  return fail(Kind::invalid,
              fmt::format("{}: unknown filter; known are id, message-id, from, to, domain, mx, state, older, newer, reply",
                          base::printable(name)));
}

bool Filter::is_empty() const {
  Filter conditions = *this;
  conditions.until.reset();
  return conditions == Filter();
}

std::string Filter::to_text() const {
  std::string text;
  for (const QueueId id : ids) text += fmt::format("id {}\n", id.to_string());
  for (const TextCondition& condition : text_conditions) {
    const std::string& value = this->*condition.value;
    if (!value.empty()) text += fmt::format("{} {}\n", condition.name, escaped(value));
  }
  if (state) text += fmt::format("state {}\n", to_string(*state));
  if (before) text += fmt::format("before {}\n", before->time_since_epoch().count());
  if (since) text += fmt::format("since {}\n", since->time_since_epoch().count());
  if (until) text += fmt::format("until {}\n", until->to_string());
  return text;
}

Result<Filter> Filter::parse(std::string_view text) {
  Filter filter;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    const std::string_view value = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    if (auto read = parse_condition(filter, line.substr(0, space), value); !read) {
      return fail(Kind::invalid, fmt::format("the filter has a line \"{}\": {}", base::printable(line), read.error().words));
    }
  }
  return filter;
}

}  // namespace queue

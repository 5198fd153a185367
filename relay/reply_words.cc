// Numbers with a unit behind them, and addresses, found in free text.
#include "relay/reply_words.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace relay {
namespace {

using base::Duration;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t longest_link = 300;
constexpr std::size_t most_digits = 6;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

struct Unit {
  std::string_view name;
  Duration length;
};
/// Longer names first: "min" is the beginning of "minutes".
constexpr std::array<Unit, 13> units{{
    {"seconds", seconds(1)},
    {"second", seconds(1)},
    {"secs", seconds(1)},
    {"sec", seconds(1)},
    {"s", seconds(1)},
    {"minutes", minutes(1)},
    {"minute", minutes(1)},
    {"mins", minutes(1)},
    {"min", minutes(1)},
    {"hours", hours(1)},
    {"hour", hours(1)},
    {"hrs", hours(1)},
    {"h", hours(1)},
}};
constexpr std::array<Unit, 4> chinese_units{{
    {"秒", seconds(1)},
    {"分钟", minutes(1)},
    {"个小时", hours(1)},
    {"小时", hours(1)},
}};

/// "for 5 minutes" alone may be the time in which too much came.
constexpr std::array<std::string_view, 12> invitations = {"again", "retry", "wait",  "back",  "later",    "resend",
                                                          "defer", "delay", "block", "limit", "greylist", "graylist"};
constexpr std::array<std::string_view, 7> leading_words = {"in", "after", "for", "wait", "least", "another", "about"};

bool invites(std::string_view words) {
  return std::ranges::any_of(invitations, [words](std::string_view word) { return words.find(word) != std::string_view::npos; });
}

/// The last word of `text`, without what stands between it and the end.
std::string_view last_word(std::string_view text) {
  while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
  std::size_t start = text.size();
  while (start > 0 && is_letter(text[start - 1])) --start;
  return text.substr(start);
}

bool leads(std::string_view before) {
  return std::ranges::find(leading_words, last_word(before)) != leading_words.end() &&
         (before.ends_with(' ') || before.ends_with(':') || before.ends_with('='));
}

std::optional<Duration> english_unit(std::string_view behind) {
  if (behind.starts_with(' ')) behind.remove_prefix(1);
  for (const Unit& unit : units) {
    if (behind.starts_with(unit.name) && (behind.size() == unit.name.size() || !is_letter(behind[unit.name.size()])))
      return unit.length;
  }
  return std::nullopt;
}

/// "5分钟后": the unit and the word that makes it a time to wait.
std::optional<Duration> chinese_unit(std::string_view behind) {
  if (behind.starts_with(' ')) behind.remove_prefix(1);
  for (const Unit& unit : chinese_units) {
    if (!behind.starts_with(unit.name)) continue;
    behind.remove_prefix(unit.name.size());
    for (const std::string_view after : {"后", "之后", "以后"}) {
      if (behind.starts_with(after)) return unit.length;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

/// ":05:00" behind the hours.
std::optional<Duration> clock_behind(std::int64_t first, std::string_view behind) {
  constexpr std::size_t length = 6;
  if (behind.size() < length || behind[0] != ':' || behind[3] != ':') return std::nullopt;
  const auto minute = base::parse_number(behind.substr(1, 2));
  const auto second = base::parse_number(behind.substr(4, 2));
  if (!minute || !second) return std::nullopt;
  return hours(first) + minutes(static_cast<int>(*minute)) + seconds(static_cast<int>(*second));
}

std::optional<Duration> wait_at(std::string_view before, std::int64_t number, std::string_view behind, bool invited) {
  if (const auto unit = chinese_unit(behind)) return *unit * number;
  if (!invited || !leads(before)) return std::nullopt;
  if (const auto unit = english_unit(behind)) return *unit * number;
  return clock_behind(number, behind);
}

}  // namespace

std::vector<mail::EnhancedStatus> statuses_in(std::string_view words) {
  constexpr std::size_t enough = 8;
  constexpr std::string_view digits_and_dots = "0123456789.";
  std::vector<mail::EnhancedStatus> found;
  for (std::size_t start = 0; start < words.size() && found.size() < enough;) {
    const std::size_t end = std::min(words.find_first_not_of(digits_and_dots, start), words.size());
    std::string_view number = words.substr(start, end - start);
    if (number.ends_with('.')) number.remove_suffix(1);  // the end of a sentence
    const bool alone = start == 0 || !is_letter(base::to_lower(words[start - 1]));
    const auto status = alone ? mail::EnhancedStatus::parse(number) : std::nullopt;
    if (status && status->category != 2) found.push_back(*status);
    start = end + 1;
  }
  return found;
}

std::optional<Duration> wait_in(std::string_view words) {
  const std::string text = base::lower(words);
  const std::string_view all = text;
  const bool invited = invites(all);
  std::optional<Duration> found;
  for (std::size_t start = 0; start < all.size();) {
    if (!is_digit(all[start])) {
      ++start;
      continue;
    }
    std::size_t end = start;
    while (end < all.size() && is_digit(all[end])) ++end;
    if (end - start <= most_digits) {
      const auto number = static_cast<std::int64_t>(base::parse_number(all.substr(start, end - start)).value_or(0));
      const auto wait = wait_at(all.substr(0, start), number, all.substr(end), invited);
      if (wait) found = std::clamp<Duration>(*wait, seconds(1), hours(24));
    }
    start = end;
  }
  return found;
}

std::string link_in(std::string_view words) {
  std::size_t start = std::string_view::npos;
  const std::string text = base::lower(words);
  for (const std::string_view scheme : {"http://", "https://"}) start = std::min(start, text.find(scheme));
  if (start == std::string::npos) return "";
  std::string_view link = words.substr(start);
  const auto ends = [](char c) {
    return c <= ' ' || c >= 0x7F || std::string_view("<>\"'`(){}[]|\\^").find(c) != std::string_view::npos;
  };
  link = link.substr(0, static_cast<std::size_t>(std::ranges::find_if(link, ends) - link.begin()));
  while (!link.empty() && std::string_view(".,;:!").find(link.back()) != std::string_view::npos) link.remove_suffix(1);
  const bool whole = link.size() > std::string_view("https://").size() && link.size() <= longest_link;
  return whole ? std::string(link) : std::string();
}

}  // namespace relay

// Finding the code in what surrounds it, and taking away what repeats it on every line.
#include "relay/reported_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"
#include "conf/receivers.h"
#include "relay/reply_words.h"

namespace relay {
namespace {

constexpr int later = 450;
constexpr int never = 550;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What other programs put around a reply.
std::string_view without_frame(std::string_view text) {
  constexpr std::string_view said = "said: ";
  if (const std::size_t at = text.find(said); at != std::string_view::npos) text.remove_prefix(at + said.size());
  return base::trim(text.substr(0, text.find(" (in reply to ")));
}

/// Three digits of a refusal between blanks or signs, but not a part of an address, a port or a larger number.
std::optional<std::size_t> find_code(std::string_view text) {
  constexpr std::string_view before = " (;\"'";
  for (std::size_t at = 0; at + 3 <= text.size(); ++at) {
    if ((text[at] != '4' && text[at] != '5') || !is_digit(text[at + 1]) || !is_digit(text[at + 2])) continue;
    if (at > 0 && before.find(text[at - 1]) == std::string_view::npos) continue;
    if (at + 3 == text.size() || text[at + 3] == ' ' || text[at + 3] == '-') return at;
  }
  return std::nullopt;
}

/// "a 550-5.7.1 b" is "a b", and without a status "a 550-b" is "a b".
std::string without_repetitions(std::string_view text, std::string_view repeated) {
  std::string made;
  for (std::string_view word : base::words(text)) {
    if (word.starts_with(repeated)) word.remove_prefix(repeated.size());
    if (word.empty()) continue;
    if (!made.empty()) made += ' ';
    made += word;
  }
  return made;
}

mail::Reply reply_at(std::string_view text, std::size_t at) {
  const int code = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  std::string_view rest = base::trim(text.substr(std::min(at + 4, text.size())));
  const auto status = mail::EnhancedStatus::parse(rest);
  if (!status || status->category != code / 100) return {code, without_repetitions(rest, fmt::format("{}-", code))};
  rest = base::trim(rest.substr(std::min(rest.find_first_of(" \t"), rest.size())));
  const std::string status_text = status->to_string();
  std::string words = without_repetitions(rest, fmt::format("{}-{}", code, status_text));
  const std::string last_line = fmt::format(" {} {} ", code, status_text);
  const std::size_t last = words.find(last_line);
  if (last != std::string::npos) words.erase(last, last_line.size() - 1);  // but for its last blank
  return {code, *status, words};
}

}  // namespace

ReportedReply read_reported_reply(std::string_view text) {
  const std::string_view words = without_frame(text);
  if (const auto at = find_code(words)) return {reply_at(words, *at), CodeKnown::yes};
  if (const auto statuses = statuses_in(words); !statuses.empty()) {
    return {mail::Reply(statuses.front().category == 4 ? later : never, words), CodeKnown::category};
  }
  return {mail::Reply(later, words), CodeKnown::no};
}

std::string known_host_in(std::string_view text) {
  const auto in_name = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  };
  while (!text.empty()) {
    const auto end = std::ranges::find_if_not(text, in_name);
    std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.find('.') != std::string_view::npos && conf::profile_of(name) != nullptr) return base::lower(name);
  }
  return "";
}

}  // namespace relay

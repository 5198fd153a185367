// The first rule that matches: host, code, enhanced status and words, each where the rule names it.
#include "relay/replies.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "conf/receivers.h"
#include "relay/reply_words.h"

namespace relay {
namespace {

using conf::ReplyRule;

bool is_word_character(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The reply on one line with single blanks: what a provider breaks into lines is found whatever its width.
std::string on_one_line(const mail::Reply& reply) {
  const std::string text = reply.to_string();
  std::string line;
  for (const std::string_view word : base::words(text)) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

/// A refusal, taken apart once for all rules.
struct Refusal {
  Refusal(std::string_view host, const mail::Reply& reply)
      : mx(host),
        profile(conf::profile_of(host)),
        code(reply.code),
        line(on_one_line(reply)),
        in_lower_case(base::lower(line)),
        statuses(reply.status ? std::vector{*reply.status} : statuses_in(line)) {}

  std::string_view mx;
  const conf::Profile* profile;
  int code;
  std::string line;
  std::string in_lower_case;
  std::vector<mail::EnhancedStatus> statuses;
};

bool is_in(const mail::EnhancedStatus& status, std::string_view range_text) {
  const auto range = conf::parse_status_range(range_text);
  return range && status.category == range->level && status.subject == range->subject && status.detail >= range->first &&
         status.detail <= range->last;
}

/// `words` begin at the beginning of a word of `line`: "zen." is not in "frozen.". Both in lower case.
bool stands_in(std::string_view line, std::string_view words) {
  if (words.empty()) return false;
  const bool bound = is_word_character(words.front());
  for (std::size_t at = line.find(words); at != std::string_view::npos; at = line.find(words, at + 1)) {
    if (!bound || at == 0 || !is_word_character(line[at - 1])) return true;
  }
  return false;
}

bool matches_host(const ReplyRule& rule, const Refusal& refusal) {
  if (!rule.provider.empty() && (refusal.profile == nullptr || refusal.profile->name != rule.provider)) return false;
  return rule.mx.empty() || (!refusal.mx.empty() && base::matches_pattern(rule.mx, refusal.mx));
}

bool matches(const ReplyRule& rule, const Refusal& refusal) {
  if (!matches_host(rule, refusal)) return false;
  if (!rule.code.empty() && std::ranges::find(rule.code, static_cast<std::uint64_t>(refusal.code)) == rule.code.end())
    return false;
  const auto has_status = [&](const std::string& range) {
    return std::ranges::any_of(refusal.statuses, [&](const mail::EnhancedStatus& status) { return is_in(status, range); });
  };
  if (!rule.status.empty() && std::ranges::none_of(rule.status, has_status)) return false;
  const auto has_words = [&](const std::string& words) { return stands_in(refusal.in_lower_case, base::lower(words)); };
  return rule.text.empty() || std::ranges::any_of(rule.text, has_words);
}

const ReplyRule* first_match(const std::vector<ReplyRule>& rules, const Refusal& refusal) {
  const auto found = std::ranges::find_if(rules, [&](const ReplyRule& rule) { return matches(rule, refusal); });
  return found == rules.end() ? nullptr : &*found;
}

conf::ReplyScope scope_of(const ReplyRule& rule) {
  const bool anybody = rule.provider.empty() && rule.mx.empty();
  return rule.scope.value_or(anybody ? conf::ReplyScope::domain : conf::ReplyScope::receiver);
}

}  // namespace

std::optional<Meaning> meaning_of(const conf::Config& config, std::string_view mx, const mail::Reply& reply) {
  if (!reply.is_transient() && !reply.is_permanent()) return std::nullopt;
  const Refusal refusal(mx, reply);
  const ReplyRule* rule = first_match(config.reply, refusal);
  if (rule == nullptr) rule = first_match(conf::receivers().replies, refusal);
  if (rule == nullptr) return std::nullopt;
  const auto wait = wait_in(refusal.line);
  const std::string link = link_in(refusal.line);
  return Meaning{rule, scope_of(*rule), wait ? wait : rule->wait, link.empty() ? rule->link : link};
}

}  // namespace relay

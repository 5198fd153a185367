// Reading the table of receivers, which is part of the program, by the same field list as the configuration.
#include "conf/receivers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "conf/checks.h"
#include "conf/fields.h"
#include "conf/reader.h"
#include "conf/receivers_table.h"
#include "conf/toml_reader.h"
#include "mail/reply.h"

namespace conf {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::uint64_t most_connections = 1000;

Entries entries_of(Profile& profile) {
  return {
      field("name", profile.name, "What rules call it.").required(text_node("gmail")),
      field("title", profile.title, "What people call it.").required(text_node("Gmail")),
      list("mx", profile.mx, "Patterns on its MX hosts.", check_shape_pattern),
      field("connections", profile.connections, "Most connections.", between(1, most_connections)),
      field("messages_per_connection", profile.messages_per_connection, "Most messages over one connection.",
            between(1, 100'000)),
      field("rate", profile.rate, "Most messages in a time."),
      field("tls", profile.tls, "As delivery.tls."),
  };
}

Entries entries_of(Receivers& receivers) {
  return {
      blocks<Profile>("profile", receivers.profiles, "A receiver.", entries_of),
      blocks<ReplyRule>("reply", receivers.replies, "What its replies mean.", conf::entries_of),
  };
}

bool knows(const Receivers& receivers, const std::string& provider) {
  return provider.empty() || std::ranges::find(receivers.profiles, provider, &Profile::name) != receivers.profiles.end();
}

/// A rule of the table may name several receivers, "qq, exmail": one rule for each.
std::vector<ReplyRule> one_for_each(const std::vector<ReplyRule>& rules) {
  std::vector<ReplyRule> all;
  for (const ReplyRule& rule : rules) {
    for (const std::string_view provider : base::split(rule.provider, ',')) {
      all.push_back(rule);
      all.back().provider = base::trim(provider);
    }
  }
  return all;
}

std::optional<mail::EnhancedStatus> whole_status(std::string_view text) {
  const auto status = mail::EnhancedStatus::parse(text);
  if (!status || status->to_string() != text) return std::nullopt;
  return status;
}

}  // namespace

Entries entries_of(ReplyRule& rule) {
  return {
      field("provider", rule.provider, "A receiver with a profile, like \"gmail\"; \"\": any."),
      field("mx", rule.mx, "Pattern on the MX host; \"\": any.", check_shape_pattern),
      list("code", rule.code, "Reply codes, one of which it has, like [450, 550]; empty: any refusal.", between(400, 599)),
      list("status", rule.status,
           "Enhanced status codes, one of which it has: \"5.7.1\", or a range \"4.7.500-4.7.699\"; empty: any or none.",
           check_status),
      list("text", rule.text, "Words, one of which stands in it, in any case; empty: any.", check_reply_text)
          .shown_as(Node{Node::Array{text_node("slow down")}}),
      field("action", rule.action,
            "What then: try again later, slow down, keep the mail four hours and tell postmaster what to mend, give it back, or "
            "stop sending there and tell postmaster."),
      field("then", rule.then, "The action from the third refusal in a row on; \"\": the same."),
      field("wait", rule.wait, "Time to the next attempt; \"\": as usual.", if_set(between(seconds(1), hours(24 * 7)))),
      field("scope", rule.scope,
            "Whom it concerns: \"receiver\" (all that its hosts serve), \"domain\" (the recipient's), \"sender\" (the sender's "
            "domain) or \"recipient\"; \"\": the receiver, or the recipient's domain without provider and mx."),
      field("record", rule.record,
            "What to mend, for the letter: \"ptr\", \"spf\", \"dkim\", \"dmarc\", \"tls\", \"ipv6\", \"soa\" or \"from\"; \"\": "
            "not known.",
            check_record_name),
      field("meaning", rule.meaning, "What it means, in a sentence."),
      field("chinese", rule.chinese, "The same in Chinese."),
      field("link", rule.link, "Where to ask for delisting, or what explains it."),
  };
}

Result<StatusRange> parse_status_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = whole_status(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : whole_status(text.substr(dash + 1));
  if (!first || !last || first->category != last->category || first->subject != last->subject || first->detail > last->detail) {
    return base::fail(base::Kind::invalid, "no enhanced status code");
  }
  return StatusRange{first->category, first->subject, first->detail, last->detail};
}

Result<Receivers> parse_receivers(std::string_view text, const std::string& name) {
  const auto root = read_toml(text);
  if (!root) return base::fail(base::Kind::invalid, root.error().words);
  Receivers made;
  Mistakes mistakes;
  Entries entries = entries_of(made);
  read_entries(*root, entries, "", mistakes);
  made.replies = one_for_each(made.replies);
  for (const ReplyRule& rule : made.replies) {
    if (!knows(made, rule.provider))
      mistakes.add({}, "reply.provider", fmt::format("no profile is called \"{}\"", rule.provider));
  }
  if (!mistakes.empty()) return base::fail(base::Kind::invalid, mistakes.to_string(name));
  return made;
}

const Receivers& receivers() {
  static const Receivers table = parse_receivers(receivers_table, "receivers.toml").value();  // a test reads it
  return table;
}

const Profile* profile_of(std::string_view mx) {
  const auto& profiles = receivers().profiles;
  const auto matches = [mx](const Profile& profile) {
    return std::ranges::any_of(profile.mx, [mx](const std::string& pattern) { return base::matches_pattern(pattern, mx); });
  };
  const auto found = std::ranges::find_if(profiles, matches);
  return found == profiles.end() ? nullptr : &*found;
}

}  // namespace conf

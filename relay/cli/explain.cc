// explain REPLY: what a receiver's reply means, in sentences. Needs no relay, and no configuration file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/text.h"
#include "conf/receivers.h"
#include "conf/values.h"
#include "relay/cli/commands.h"
#include "relay/cli/display.h"
#include "relay/cli/terminal.h"
#include "relay/cli/wording.h"
#include "relay/explanation.h"
#include "relay/reply_words.h"
#include "relay/reported_reply.h"

namespace relay::cli {
namespace {

namespace json = boost::json;

/// What is known of the reply.
struct Finding {
  ReportedReply reported;
  std::optional<Meaning> meaning;
  Receiver receiver;
  bool guessed = false;  ///< the receiver, by what it says
};

/// The rules of the configuration count where there is one. Nothing after a complaint.
std::optional<conf::Config> rules_of(const Common& common) {
  std::error_code error;
  if (common.config_path == Common().config_path && !std::filesystem::exists(common.config_path, error)) return conf::defaults();
  auto config = conf::read_config(common.config_path);
  if (config) return *std::move(config);
  complain(config.error().words);
  return std::nullopt;
}

/// A host that the profile would have.
std::string host_like(const conf::Profile& profile) {
  std::string host = profile.mx.front();
  if (const std::size_t star = host.find('*'); star != std::string::npos) host.replace(star, 1, "mx");
  return host;
}

/// Words without a code are tried as either kind of refusal.
void look_up(const conf::Config& config, Finding& finding) {
  finding.meaning = meaning_of(config, finding.receiver.mx, finding.reported.reply);
  if (finding.meaning || finding.reported.code != CodeKnown::no) return;
  mail::Reply other = finding.reported.reply;
  other.code = 550;
  finding.meaning = meaning_of(config, finding.receiver.mx, other);
  if (finding.meaning) finding.reported.reply = other;
}

/// Its words are nobody else's, or its code is one that providers have made up for themselves.
bool tells_its_receiver(const Finding& finding) {
  if (!finding.meaning || (finding.meaning->rule->provider.empty() && finding.meaning->rule->mx.empty())) return false;
  if (!finding.meaning->rule->text.empty()) return true;
  constexpr std::uint16_t first_of_providers = 20;
  const auto own = [](const mail::EnhancedStatus& status) { return status.subject == 7 && status.detail >= first_of_providers; };
  const mail::Reply& reply = finding.reported.reply;
  return reply.status ? own(*reply.status) : std::ranges::any_of(statuses_in(reply.lines.front()), own);
}

Finding find_out(const conf::Config& config, const ReportedReply& reported, Receiver receiver) {
  Finding known{reported, {}, std::move(receiver), false};
  look_up(config, known);
  if (!known.receiver.mx.empty()) return known;
  for (const conf::Profile& profile : conf::receivers().profiles) {
    Finding guess{reported, {}, Receiver{&profile, host_like(profile), {}}, true};
    look_up(config, guess);
    if (tells_its_receiver(guess)) return guess;
  }
  return known;
}

/// Without a code nothing is known of its class, and nothing of what follows from that.
Explanation explanation_of(const Finding& finding) {
  Explanation made = relay::explain(finding.reported.reply, finding.meaning, finding.receiver);
  if (finding.reported.code != CodeKnown::no) return made;
  made.general = {};
  if (!finding.meaning) made.deed = {};
  return made;
}

/// --mx, --provider, or a host that the text names. Nothing after a complaint.
std::optional<Receiver> receiver_of(const ExplainArguments& arguments, std::string_view text) {
  const auto& profiles = conf::receivers().profiles;
  if (!arguments.provider.empty()) {
    const auto named = std::ranges::find(profiles, base::lower(arguments.provider), &conf::Profile::name);
    if (named != profiles.end()) return Receiver{&*named, arguments.mx.empty() ? host_like(*named) : arguments.mx, {}};
    std::vector<std::string_view> names(profiles.size());
    std::ranges::transform(profiles, names.begin(), &conf::Profile::name);
    complain(fmt::format("--provider is one of {}; for another receiver use --mx", fmt::join(names, ", ")));
    return std::nullopt;
  }
  const std::string mx = arguments.mx.empty() ? known_host_in(text) : base::lower(arguments.mx);
  return Receiver{conf::profile_of(mx), mx, {}};
}

/// As it was given, where the code is not its own.
std::string shown_reply(const ReportedReply& reported) {
  return reported.code == CodeKnown::yes ? reported.reply.to_string() : base::printable(reported.reply.lines.front());
}

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}
  void add(std::string_view label, std::string_view words) {
    if (words.empty()) return;
    constexpr std::size_t column = 10;
    const std::size_t used = display_width(label);
    const std::string blanks(column > used ? column - used : 1, ' ');
    text_ += wrapped(fmt::format("{}{}{}", label, blanks, safe_text(words)), width_, column);
  }
  void add_list(std::string_view label, const std::vector<std::string>& items) {
    for (const std::string& item : items) add(&item == &items.front() ? label : "", item);
  }
  void add_line() { text_ += '\n'; }
  const std::string& text() const { return text_; }

 private:
  std::size_t width_;
  std::string text_;
};

std::string receiver_text(const Finding& finding) {
  const conf::Profile* profile = finding.receiver.profile;
  if (profile == nullptr) return finding.receiver.mx;
  return profile->title + (finding.guessed ? ", by what it says" : "");
}

void print_sentences(const Finding& finding, const Explanation& explanation) {
  Screen screen;
  Page page(screen.width());
  page.add("Reply", shown_reply(finding.reported));
  page.add("Receiver", receiver_text(finding));
  page.add_line();
  page.add("General", explanation.general.english);
  page.add("Meaning", explanation.meaning.english);
  page.add("Action", explanation.deed.english);
  page.add("To do", explanation.advice.english);
  if (reads_chinese()) {
    page.add_line();
    page.add("通则", explanation.general.chinese);
    page.add("含义", explanation.meaning.chinese);
    page.add("处理", explanation.deed.chinese);
    page.add("建议", explanation.advice.chinese);
  }
  if (!explanation.links.empty() || !explanation.commands.empty()) page.add_line();
  page.add_list("Links", explanation.links);
  page.add_list("Commands", explanation.commands);
  screen.print(page.text());
}

/// A word of an enumeration, or null.
template <class T>
json::value word_of(const std::optional<T>& value) {
  if (!value) return nullptr;
  return json::value(conf::words_of(*value).known[static_cast<std::size_t>(*value)]);
}

json::object chinese_of(const Explanation& explanation) {
  json::object view;
  view["general"] = explanation.general.chinese;
  view["meaning"] = explanation.meaning.chinese;
  view["deed"] = explanation.deed.chinese;
  view["advice"] = explanation.advice.chinese;
  return view;
}

void print_json(const Finding& finding, const Explanation& explanation) {
  const mail::Reply& reply = finding.reported.reply;
  const conf::ReplyRule* rule = finding.meaning ? finding.meaning->rule : nullptr;
  const auto if_known = [&](auto member) { return rule == nullptr ? std::nullopt : std::optional(rule->*member); };
  json::object view;
  view["reply"] = shown_reply(finding.reported);
  view["code"] = finding.reported.code == CodeKnown::yes ? json::value(reply.code) : json::value(nullptr);
  view["status"] = reply.status ? json::value(reply.status->to_string()) : json::value(nullptr);
  view["receiver"] = finding.receiver.profile != nullptr ? json::value(finding.receiver.profile->name) : json::value(nullptr);
  view["guessed"] = finding.guessed;
  view["known"] = explanation.known;
  view["action"] = word_of(if_known(&conf::ReplyRule::action));
  view["then"] = rule == nullptr ? json::value(nullptr) : word_of(rule->then);
  view["scope"] = word_of(finding.meaning ? std::optional(finding.meaning->scope) : std::nullopt);
  const auto wait = finding.meaning ? finding.meaning->wait : std::nullopt;
  view["wait_seconds"] =
      wait ? json::value(std::chrono::duration_cast<std::chrono::seconds>(*wait).count()) : json::value(nullptr);
  view["record"] = rule == nullptr ? "" : rule->record;
  view["links"] = json::array(explanation.links.begin(), explanation.links.end());
  view["general"] = explanation.general.english;
  view["meaning"] = explanation.meaning.english;
  view["deed"] = explanation.deed.english;
  view["advice"] = explanation.advice.english;
  view["chinese"] = chinese_of(explanation);
  view["commands"] = json::array(explanation.commands.begin(), explanation.commands.end());
  fmt::print("{}\n", json::serialize(view));
}

}  // namespace

int explain(const Common& common, const ExplainArguments& arguments) {
  const std::string text = fmt::format("{}", fmt::join(arguments.words, " "));
  // Ids are times and begin with a digit; "greylisting" is a word of eleven letters.
  const auto id = queue::QueueId::parse(text);
  if (id && text.front() <= '9') return explain_message(common, *id);
  const auto receiver = receiver_of(arguments, text);
  if (!receiver) return wrong_usage;
  const auto config = rules_of(common);
  if (!config) return failed;
  const Finding finding = find_out(*config, read_reported_reply(text), *receiver);
  const Explanation explanation = explanation_of(finding);
  if (common.json) {
    print_json(finding, explanation);
  } else {
    print_sentences(finding, explanation);
  }
  return explanation.known ? done : failed;
}

}  // namespace relay::cli

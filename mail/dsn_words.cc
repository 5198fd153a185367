// One composer, two languages: what happened, the receiver's own words, what it means, what to do.
#include "mail/dsn_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <utility>

#include "mail/advice.h"
#include "mail/encoding.h"

namespace mail {
namespace {

constexpr std::size_t most_recipients = 50;      // told one by one
constexpr std::size_t most_of_a_reply = 1000;    // characters
constexpr std::size_t most_of_a_subject = 200;   // characters
constexpr std::size_t most_of_a_host = 255;      // RFC 5321 4.5.3.1.2
constexpr std::size_t most_of_an_address = 254;  // characters
constexpr std::chrono::hours beijing(8);         // all of China; no summer time

/// What is said, in one language. In braces stands what Fill puts there.
struct Phrases {
  std::string_view failed_one, failed_several;
  std::string_view delayed_one, delayed_several;
  std::string_view succeeded_one, succeeded_several;
  std::string_view for_postmaster;  ///< in place of failed_...
  std::string_view no_more_tries, wait, wait_until, asked_for;
  std::string_view subject, accepted, id;
  std::string_view host_said, relay_says, relay_says_of, tried_last;
  std::string_view means, gave_up, to_do, admin_can_help, delivered, relayed;
  std::string_view others;
  std::string_view help, postmaster_help;
};

constexpr Phrases in_english{
    .failed_one = "Your message to {to} could not be delivered.",
    .failed_several = "Your message could not be delivered to the {n} recipients below.",
    .delayed_one = "Your message to {to} has not been delivered yet.",
    .delayed_several = "Your message has not been delivered yet to the {n} recipients below.",
    .succeeded_one = "Your message to {to} has reached the recipient's mail service.",
    .succeeded_several = "Your message has reached the mail service of the {n} recipients below.",
    .for_postmaster =
        "A message without a sender's address, most likely a notice itself, could not be delivered. There is nobody "
        "else to tell, so you are told as postmaster.",
    .no_more_tries = "No further attempt will be made.",
    .wait = "You need not do anything: it is tried again, and you will be told if that does not succeed.",
    .wait_until = "You need not do anything: it is tried again until {until}, and you will be told if that does not succeed.",
    .asked_for = "You asked for this notice when you sent it.",
    .subject = "Subject:  {subject}",
    .accepted = "Accepted: {time}",
    .id = "Queue id: {id}",
    .host_said = "{host} said: {words}",
    .relay_says = "Technical detail: {words}",
    .relay_says_of = "Technical detail: {words} ({host})",
    .tried_last = "Last attempt: {time}",
    .means = "What it means: {meaning}",
    .gave_up = "The relay tried again and again until the time for it was over.",
    .to_do = "What to do: {advice}",
    .admin_can_help = "What to do: your mail administrator may be able to help; forward this notice to him.",
    .delivered = "What it means: the message was put into the recipient's mailbox.",
    .relayed =
        "What it means: the recipient's mail service took the message. It sends no reports of its own, so nothing more will be "
        "heard of it unless it fails.",
    .others = "... and {n} more recipients; the attached report names them all.",
    .help =
        "If you need help, forward this notice with its attachments to your mail administrator, who finds the message in the "
        "logs of {relay} as {id}.",
    .postmaster_help = "The logs of {relay} tell more about it as {id}.",
};

constexpr Phrases in_chinese{
    .failed_one = "您发给 {to} 的邮件未能送达。",
    .failed_several = "您的邮件未能送达以下 {n} 位收件人。",
    .delayed_one = "您发给 {to} 的邮件尚未送达。",
    .delayed_several = "您的邮件尚未送达以下 {n} 位收件人。",
    .succeeded_one = "您发给 {to} 的邮件已到达对方邮件系统。",
    .succeeded_several = "您的邮件已到达以下 {n} 位收件人的邮件系统。",
    .for_postmaster =
        "一封没有发件人地址的邮件（很可能本身就是一封通知）未能送达。由于没有其他人可以告知，特此通知您（邮件管理员）。",
    .no_more_tries = "系统不会再尝试投递。",
    .wait = "您无需进行任何操作：系统会继续尝试投递，如果最终失败会再通知您。",
    .wait_until = "您无需进行任何操作：系统会继续尝试投递，直到{until}；如果最终失败会再通知您。",
    .asked_for = "您在发送时要求了这封通知。",
    .subject = "主题：{subject}",
    .accepted = "接收时间：{time}",
    .id = "队列编号：{id}",
    .host_said = "{host} 的答复：{words}",
    .relay_says = "技术信息：{words}",
    .relay_says_of = "技术信息：{words}（{host}）",
    .tried_last = "最近一次尝试：{time}",
    .means = "说明：{meaning}",
    .gave_up = "系统多次重试，直到超过投递期限。",
    .to_do = "建议：{advice}",
    .admin_can_help = "建议：贵公司的邮件管理员也许能够解决，可以将这封通知转给他。",
    .delivered = "说明：邮件已投递到对方的邮箱。",
    .relayed = "说明：对方邮件系统已接收这封邮件。该系统不发送送达通知，因此除非投递失败，您不会再收到进一步的消息。",
    .others = "……以及另外 {n} 位收件人，详见附件中的报告。",
    .help = "如需帮助，请将这封通知连同附件转发给贵公司的邮件管理员。这封邮件在 {relay} 日志中的编号是 {id}。",
    .postmaster_help = "详情请查看 {relay} 的日志，编号为 {id}。",
};

enum class Language : std::uint8_t { english, chinese };

/// A name in a phrase and what takes its place.
struct Fill {
  std::string_view name;
  std::string_view text;
};
/// An address for people; a local part in UTF-8 may hold marks that turn the direction of writing.
std::string shown(const Mailbox& mailbox) { return one_line(mailbox.to_utf8(), most_of_an_address); }

std::string fill(std::string_view phrase, std::initializer_list<Fill> fills) {
  std::string result;
  while (!phrase.empty()) {
    const std::size_t open = std::min(phrase.find('{'), phrase.size());
    result += phrase.substr(0, open);
    phrase.remove_prefix(open);
    const std::size_t close = phrase.find('}');
    if (close == std::string_view::npos) break;
    const std::string_view name = phrase.substr(1, close - 1);
    for (const Fill& known : fills) {
      if (known.name == name) result += known.text;
    }
    phrase.remove_prefix(close + 1);
  }
  return result;
}

/// "24 Nov 2026 12:39 UTC", or the time that clocks in China show then.
std::string time_text(base::Time time, Language language) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (language == Language::chinese) time += beijing;
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::minutes>(time - day));
  const auto month = static_cast<unsigned>(date.month());
  if (language == Language::chinese) {
    return fmt::format("{}年{}月{}日 {:02}:{:02}（北京时间）", static_cast<int>(date.year()), month,
                       static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count());
  }
  return fmt::format("{} {} {} {:02}:{:02} UTC", static_cast<unsigned>(date.day()), months[month - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count());
}

/// Recipients to whom the same happened for the same reason.
struct Group {
  ReportAction action;
  Cause cause;
  bool gave_up;
  std::vector<const ReportedRecipient*> recipients;
};

std::vector<Group> group(const Report& report) {
  std::vector<Group> groups;
  for (const ReportedRecipient& recipient : report.recipients) {
    const Told told(recipient.reply);
    const Cause cause = cause_of(told, recipient.status);
    const auto place = std::ranges::find_if(groups, [&](const Group& other) {
      return other.action == recipient.action && other.cause == cause && other.gave_up == told.gave_up;
    });
    if (place == groups.end()) {
      groups.push_back(Group{recipient.action, cause, told.gave_up, {&recipient}});
    } else {
      place->recipients.push_back(&recipient);
    }
  }
  return groups;
}

/// One language's half.
class Composer {
 public:
  Composer(const Report& report, Language language)
      : report_(report), language_(language), say_(language == Language::english ? in_english : in_chinese) {}

  std::string compose() && {
    introduce();
    tell_facts();
    for (const Group& told : group(report_)) tell(told);
    if (left_out_ > 0) paragraph(fill(say_.others, {{"n", fmt::to_string(left_out_)}}));
    const std::string_view help = for_postmaster() ? say_.postmaster_help : say_.help;
    paragraph(fill(help, {{"relay", report_.hostname}, {"id", report_.queue_id}}));
    return std::move(text_);
  }

 private:
  void introduce() {
    const std::string to = shown(report_.recipients.front().mailbox);
    const std::string count = fmt::to_string(report_.recipients.size());
    const auto either = [&](std::string_view one, std::string_view several) {
      return fill(report_.recipients.size() == 1 ? one : several, {{"to", to}, {"n", count}});
    };
    switch (report_.kind) {
      case ReportKind::failure:
        paragraph(for_postmaster() ? std::string(say_.for_postmaster) : either(say_.failed_one, say_.failed_several));
        line(say_.no_more_tries);
        break;
      case ReportKind::delay:
        paragraph(either(say_.delayed_one, say_.delayed_several));
        line(wait());
        break;
      case ReportKind::success:
        paragraph(either(say_.succeeded_one, say_.succeeded_several));
        line(say_.asked_for);
        break;
    }
  }

  std::string wait() const {
    std::optional<base::Time> until;
    for (const ReportedRecipient& recipient : report_.recipients) until = std::max(until, recipient.retry_until);
    return until ? fill(say_.wait_until, {{"until", time_text(*until, language_)}}) : std::string(say_.wait);
  }

  void tell_facts() {
    text_ += '\n';
    const std::string subject = readable(report_.subject, most_of_a_subject);
    if (!subject.empty()) indented(fill(say_.subject, {{"subject", subject}}));
    indented(fill(say_.accepted, {{"time", time_text(report_.arrived, language_)}}));
    indented(fill(say_.id, {{"id", report_.queue_id}}));
  }

  void tell(const Group& told) {
    const std::size_t count = std::min(told.recipients.size(), most_recipients - told_);
    left_out_ += told.recipients.size() - count;
    told_ += count;
    if (count == 0) return;
    text_ += '\n';
    for (std::size_t i = 0; i < count; ++i) tell(*told.recipients[i]);
    text_ += '\n';
    explain(told);
  }

  void tell(const ReportedRecipient& recipient) {
    line(shown(recipient.mailbox));
    const Told told(recipient.reply);
    const std::string words = one_line(told.words, most_of_a_reply);
    const std::string host = one_line(recipient.remote_mta, most_of_a_host);
    const bool receiver = told.speaker == Told::Speaker::receiver && !host.empty();
    const std::string_view phrase = receiver ? say_.host_said : host.empty() ? say_.relay_says : say_.relay_says_of;
    if (!words.empty()) indented(fill(phrase, {{"host", host}, {"words", words}}));
    if (recipient.action == ReportAction::delayed && recipient.last_attempt != base::Time()) {
      indented(fill(say_.tried_last, {{"time", time_text(recipient.last_attempt, language_)}}));
    }
  }

  void explain(const Group& told) {
    if (told.action == ReportAction::delivered) return line(say_.delivered);
    if (told.action == ReportAction::relayed) return line(say_.relayed);
    const Advice& advice = advice_for(told.cause);
    const bool is_english = language_ == Language::english;
    const std::string nobody = is_english ? "the sender" : "发件人域名";
    const std::string from = report_.original_sender.is_null() ? nobody : report_.original_sender.mailbox().domain();
    const auto advise = [&](std::string_view words) { return fill(words, {{"from", from}, {"relay", report_.hostname}}); };
    std::string meaning = advise(is_english ? advice.meaning : advice.meaning_zh);
    if (told.gave_up && told.cause != Cause::time_over)
      meaning = fmt::format("{}{}{}", say_.gave_up, is_english ? " " : "", meaning);
    line(fill(say_.means, {{"meaning", meaning}}));
    if (for_postmaster()) return;
    if (told.action == ReportAction::failed) {
      line(fill(say_.to_do, {{"advice", advise(is_english ? advice.to_do : advice.to_do_zh)}}));
    } else if (advice.helper == Helper::administrator) {
      line(say_.admin_can_help);
    }
  }

  bool for_postmaster() const { return report_.original_sender.is_null(); }

  void line(std::string_view words) { text_ += fmt::format("{}\n", words); }
  void indented(std::string_view words) { text_ += fmt::format("    {}\n", words); }
  void paragraph(std::string_view words) { text_ += fmt::format("{}{}\n", text_.empty() ? "" : "\n", words); }

  const Report& report_;
  Language language_;
  const Phrases& say_;
  std::string text_;
  std::size_t told_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace

std::string report_words(const Report& report) {
  return in_both_languages(Composer(report, Language::english).compose(), Composer(report, Language::chinese).compose());
}

std::string in_both_languages(std::string_view english_words, std::string_view chinese_words) {
  return fmt::format("（中文说明在下方）\n\n{}\n{:_<60}\n\n{}", english_words, "", chinese_words);
}

std::string report_subject(const Report& report) {
  const std::size_t count = report.recipients.size();
  const std::string whom = count == 1 ? shown(report.recipients.front().mailbox) : fmt::format("{} recipients", count);
  const bool relayed = std::ranges::any_of(
      report.recipients, [](const ReportedRecipient& recipient) { return recipient.action == ReportAction::relayed; });
  switch (report.kind) {
    case ReportKind::failure: return fmt::format("Mail not delivered to {} / 邮件未送达", whom);
    case ReportKind::delay: return fmt::format("Mail delayed to {} / 邮件投递延迟", whom);
    case ReportKind::success:
      return fmt::format("{} {} / {}", relayed ? "Mail passed on to" : "Mail delivered to", whom,
                         relayed ? "邮件已转交" : "邮件已送达");
  }
  return {};
}

}  // namespace mail

// Sentences put together of the reply's class, the rule that knows it, and what is to be mended.
#include "relay/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mail/advice.h"

namespace relay {
namespace {

using conf::ReplyAction;
using conf::ReplyScope;

Sentence general_of(const mail::Reply& reply) {
  if (reply.code == 421)
    return {"421 is a refusal for now, and the receiver closes the connection with it.",
            "421 表示暂时拒绝，并且对方随即关闭连接。"};
  if (reply.is_transient())
    return {"A code that begins with 4 is a refusal for now: the same mail may be taken later.",
            "以 4 开头的代码表示暂时拒绝：同一封邮件稍后可能会被接收。"};
  if (reply.is_permanent())
    return {"A code that begins with 5 is a refusal for good: the same mail will not be taken another time.",
            "以 5 开头的代码表示永久拒绝：同一封邮件再次投递也不会被接收。"};
  return {"This is no refusal.", "这不是拒收。"};
}

/// A provider may mean the other class.
Sentence correction_of(const mail::Reply& reply, ReplyAction action) {
  const bool for_now = action == ReplyAction::retry || action == ReplyAction::throttle;
  if (reply.is_permanent() && for_now) return {" This receiver means it for now.", "但该接收方的意思是暂时拒绝。"};
  if (reply.is_transient() && action == ReplyAction::stop)
    return {" This receiver means it for good.", "但该接收方的意思是永久拒绝。"};
  return {};
}

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string made(text);
  for (std::size_t at = made.find(what); at != std::string::npos; at = made.find(what, at + by.size())) {
    made.replace(at, what.size(), by);
  }
  return made;
}

/// What the notices to senders would say. Nothing when they take the reply for no more than its class.
Sentence common_meaning_of(const mail::Reply& reply) {
  const std::string text = reply.to_string();
  const auto status = reply.status.value_or(mail::EnhancedStatus{static_cast<std::uint16_t>(reply.code / 100), 0, 0});
  const mail::Cause cause = mail::cause_of(mail::Told(text), status);
  if (cause == mail::Cause::refused || cause == mail::Cause::busy || cause == mail::Cause::policy) return {};
  const mail::Advice& advice = mail::advice_for(cause);
  return {replaced(replaced(advice.meaning, "the relay {relay}", "this relay"), "{from}", "the sender's domain"),
          replaced(replaced(advice.meaning_zh, " {relay} ", ""), "{from}", "发件人的域名")};
}

/// Where an action holds.
Sentence place_of(ReplyScope scope, const Receiver& receiver) {
  switch (scope) {
    case ReplyScope::receiver:
      if (receiver.profile != nullptr)
        return {fmt::format("all that {} receives", receiver.profile->title),
                fmt::format(" {} 接收的所有邮件", receiver.profile->title)};
      return {"all that the receiver's hosts take", "该接收方服务器接收的所有邮件"};
    case ReplyScope::domain: return {"the recipient's domain", "该收件人域名的邮件"};
    case ReplyScope::sender: return {"mail of this sender's domain to that receiver", "该发件人域名发往此接收方的邮件"};
    case ReplyScope::recipient: return {"this recipient", "该收件人"};
  }
  return {};
}

/// "after 10 minutes", or when the usual time has come.
Sentence when(const std::optional<base::Duration>& wait) {
  if (!wait) return {"after the usual delay", "按通常的重试间隔"};
  const Sentence time = spelled(*wait);
  return {fmt::format("after {}", time.english), fmt::format("在 {}后", time.chinese)};
}

/// What the relay does; `Meaning::wait` counts for the first action alone.
Sentence deed_of(ReplyAction action, const Meaning& meaning, const std::optional<base::Duration>& wait,
                 const Receiver& receiver) {
  const Sentence place = place_of(meaning.scope, receiver);
  const Sentence time = when(wait);
  switch (action) {
    case ReplyAction::retry: return {fmt::format("tries again {}", time.english), fmt::format("{}重新投递", time.chinese)};
    case ReplyAction::throttle:
      return {fmt::format("tries again {}, and slows down {}: one connection and about one message a minute for 90 minutes, then "
                          "more again while replies are good",
                          time.english, place.english),
              fmt::format("{}重新投递，并对{}限速：90 分钟内只用一个连接、每分钟约一封，之后在对方正常接收时逐步恢复",
                          time.chinese, place.chinese)};
    case ReplyAction::fix:
      return {"keeps the mail for 4 hours and tells postmaster what to mend, then gives it back to the sender",
              "将邮件保留 4 小时并通知 postmaster 需要修复什么，之后退回给发件人"};
    case ReplyAction::stop: return {"gives the mail back to its sender", "将邮件退回给发件人"};
    case ReplyAction::pause: {
      const Sentence probe = spelled(wait.value_or(std::chrono::minutes(30)));
      return {fmt::format(
                  "stops sending to {}, keeps this mail and all that waits, tells postmaster, and tries one message every {}; "
                  "when it is taken, all goes on",
                  place.english, probe.english),
              fmt::format("暂停投递{}，保留这封邮件和其他等待的邮件，通知 postmaster，每 {}试投一封；一旦被接收即恢复投递",
                          place.chinese, probe.chinese)};
    }
  }
  return {};
}

Sentence deed_of(const Meaning& meaning, const Receiver& receiver) {
  const Sentence first = deed_of(meaning.rule->action, meaning, meaning.wait, receiver);
  Sentence whole{fmt::format("mailferry {}.", first.english), fmt::format("mailferry 会{}。", first.chinese)};
  if (!meaning.rule->then || *meaning.rule->then == meaning.rule->action) return whole;
  const Sentence next = deed_of(*meaning.rule->then, meaning, std::nullopt, receiver);
  whole.english += fmt::format(" From the third such refusal in a row it {}.", next.english);
  whole.chinese += fmt::format("连续第三次收到这样的拒绝后，会{}。", next.chinese);
  return whole;
}

/// Where no rule knows more.
Sentence usual_deed_of(const mail::Reply& reply) {
  if (reply.is_transient())
    return {"mailferry tries again, later each time, until the mail is too old (retry.delays, retry.give_up).",
            "mailferry 会按逐渐加长的间隔重试，直到邮件过期（retry.delays、retry.give_up）。"};
  if (reply.is_permanent()) return {"mailferry gives the mail back to its sender.", "mailferry 会将邮件退回给发件人。"};
  return {};
}

struct Remedy {
  std::string_view record;
  std::string_view english;
  std::string_view chinese;
};
constexpr std::array<Remedy, 8> remedies{{
    {"ptr",
     "Let the PTR record of the sending address give the name in hostname, and let that name have this address (A or AAAA).",
     "让发信地址的 PTR 记录指向 hostname 中的主机名，并让该主机名（A 或 AAAA）解析到同一地址。"},
    {"spf", "Add the sending address to the SPF record of the sender's domain, and see that mail of that domain is signed.",
     "将发信地址加入发件人域名的 SPF 记录，并确认该域名的邮件带有签名。"},
    {"dkim", "Sign mail of the sender's domain ([[dkim.sign]]), and publish the key's record.",
     "为发件人域名的邮件签名（[[dkim.sign]]），并发布公钥记录。"},
    {"dmarc", "Publish a DMARC record for the domain in From:, and let SPF or DKIM pass for that same domain.",
     "为 From: 中的域名发布 DMARC 记录，并让 SPF 或 DKIM 以同一域名通过验证。"},
    {"tls", "Let deliveries use TLS: delivery.tls, or the tls of the [[shape]] or [[route]] that holds here.",
     "投递时使用 TLS：检查 delivery.tls，或此处适用的 [[shape]]、[[route]] 的 tls。"},
    {"ipv6", "Give the IPv6 address a PTR record that leads back to it, or send over IPv4: delivery.ip_versions = \"ipv4-only\".",
     "为 IPv6 地址设置可双向解析的 PTR 记录，或改用 IPv4：delivery.ip_versions = \"ipv4-only\"。"},
    {"soa", "See that the domains of the envelope sender and of From: exist in DNS and that their name servers answer.",
     "确认信封发件人和 From: 的域名在 DNS 中存在，且其域名服务器正常应答。"},
    {"from", "Let the envelope sender, the signature (d=) and the address in From: be of the same domain.",
     "让信封发件人、签名（d=）和 From: 中的地址属于同一域名。"},
}};

Sentence advice_of(ReplyAction action, const conf::ReplyRule& rule) {
  const auto remedy = std::ranges::find(remedies, std::string_view(rule.record), &Remedy::record);
  if (remedy != remedies.end()) return {std::string(remedy->english), std::string(remedy->chinese)};
  switch (action) {
    case ReplyAction::retry: return {"Nothing needs to be done.", "无需处理。"};
    case ReplyAction::throttle:
      return {"Send less to that receiver for some hours; if it comes back, look for what recipients complain of.",
              "几小时内减少发往该接收方的邮件；如果反复出现，请查找收件人投诉的原因。"};
    case ReplyAction::fix: return {"Mend what the reply names, then let the mail go.", "按对方答复修复后重新投递。"};
    case ReplyAction::stop:
      return {"The sender gets a notice with these words and can write again.", "发件人会收到附有原文的通知，可据此修改后重发。"};
    case ReplyAction::pause:
      return {"Find out what was sent that should not have been, then ask the receiver or the list to lift the block.",
              "先查明发送了哪些不该发的邮件，再向对方或名单方申请解除限制。"};
  }
  return {};
}

/// The destination as `queue pause` knows it, and the filter for it.
std::pair<std::string, std::string> destination_of(ReplyScope scope, const Receiver& receiver) {
  if (scope == ReplyScope::receiver) {
    std::string pattern = receiver.profile != nullptr ? receiver.profile->mx.front() : receiver.mx;
    if (pattern.empty()) pattern = "MX";
    return {fmt::format("'{}'", pattern), fmt::format("--mx '{}'", pattern)};
  }
  const std::string domain = receiver.domain.empty() ? "DOMAIN" : receiver.domain;
  if (scope == ReplyScope::sender) return {domain, "--from '*@DOMAIN'"};
  return {domain, fmt::format("--domain {}", domain)};
}

/// A block is lifted where the rule says; else the receiver's own words are nearer.
std::vector<std::string> links_of(const Meaning& meaning, ReplyAction last) {
  std::vector<std::string> links = {meaning.link};
  if (meaning.rule->link != meaning.link) {
    links.insert(last == ReplyAction::pause ? links.begin() : links.end(), meaning.rule->link);
  }
  std::erase(links, "");
  return links;
}

std::vector<std::string> commands_for(ReplyAction action, ReplyScope scope, const Receiver& receiver) {
  const auto [destination, filter] = destination_of(scope, receiver);
  switch (action) {
    case ReplyAction::retry:
    case ReplyAction::stop: return {};
    case ReplyAction::throttle: return {"mailferry queue summary --by mx"};
    case ReplyAction::fix: return {"mailferry records", fmt::format("mailferry queue retry {}", filter)};
    case ReplyAction::pause:
      return {"mailferry queue pauses", fmt::format("mailferry queue resume {}", destination),
              fmt::format("mailferry queue bounce {}", filter)};
  }
  return {};
}

}  // namespace

Sentence spelled(base::Duration duration) {
  const auto in = [duration](base::Duration unit, std::string_view name, std::string_view chinese) {
    const auto count = duration / unit;
    return Sentence{fmt::format("{} {}{}", count, name, count == 1 ? "" : "s"), fmt::format("{} {}", count, chinese)};
  };
  constexpr base::Duration hour = std::chrono::hours(1);
  constexpr base::Duration minute = std::chrono::minutes(1);
  if (duration >= hour && duration % hour == base::Duration(0)) return in(hour, "hour", "小时");
  if (duration >= minute && duration % minute == base::Duration(0)) return in(minute, "minute", "分钟");
  return in(std::chrono::seconds(1), "second", "秒");
}

Explanation explain(const mail::Reply& reply, const std::optional<Meaning>& meaning, const Receiver& receiver) {
  Explanation made;
  made.general = general_of(reply);
  if (!meaning) {
    const bool refusal = reply.is_transient() || reply.is_permanent();
    if (refusal) made.meaning = common_meaning_of(reply);
    made.deed = usual_deed_of(reply);
    made.known = !made.meaning.english.empty();
    if (refusal && !made.known)
      made.advice = {"If you know what it means, a [[reply]] block in the configuration can say so.",
                     "如果您知道它的含义，可以在配置中用 [[reply]] 写明。"};
    return made;
  }
  const conf::ReplyRule& rule = *meaning->rule;
  const Sentence correction = correction_of(reply, rule.action);
  made.general.english += correction.english;
  made.general.chinese += correction.chinese;
  made.meaning = {rule.meaning, rule.chinese.empty() ? rule.meaning : rule.chinese};
  if (rule.meaning.empty()) made.meaning = common_meaning_of(reply);
  made.deed = deed_of(*meaning, receiver);
  const ReplyAction last = rule.then.value_or(rule.action);
  made.advice = advice_of(last, rule);
  made.links = links_of(*meaning, last);
  made.commands = commands_for(last, meaning->scope, receiver);
  made.known = true;
  return made;
}

}  // namespace relay

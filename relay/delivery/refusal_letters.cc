// The two letters, in English and Chinese.
#include "relay/delivery/refusal_letters.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "conf/receivers.h"

namespace relay::delivery {
namespace {

struct Mending {
  std::string_view record;
  std::string_view english;
  std::string_view chinese;
};

/// {0}: our host name; {1}: the sender's domain; {2}: the address that we send from.
constexpr std::array mendings = {
    Mending{"ptr",
            "The PTR record of {2} has to be {0}, and the A (or AAAA) record of {0} has to be {2} again: whoever runs the "
            "network of the address (the VPS provider) sets the first.",
            "{2} 的 PTR 记录应为 {0}，而 {0} 的 A（或 AAAA）记录应为 {2}。PTR 由该地址所属网络（VPS 提供商）设置。"},
    Mending{"spf", "The SPF record (TXT) of {1} has to allow {2}: mailferry records {1} prints it.",
            "{1} 的 SPF 记录（TXT）应允许 {2}：用 mailferry records {1} 查看应发布的内容。"},
    Mending{"dkim",
            "Mail of {1} has to carry a valid DKIM signature of its own domain: see [[dkim.sign]], and mailferry records {1} "
            "for the record of its key.",
            "{1} 的邮件应带有其自身域名的有效 DKIM 签名：请检查 [[dkim.sign]]，密钥记录见 mailferry records {1}。"},
    Mending{"dmarc",
            "{1} has to publish a DMARC record (TXT of _dmarc.{1}), and SPF or DKIM has to be of the domain in From: "
            "mailferry records {1} prints it.",
            "{1} 应发布 DMARC 记录（_dmarc.{1} 的 TXT），且 SPF 或 DKIM 的域名应与 From: 一致：见 mailferry records {1}。"},
    Mending{
        "tls",
        "The receiver wants TLS: set tls = \"required\" in a [[shape]] for it, and look why the connection was not encrypted.",
        "收件方要求 TLS：请在 [[shape]] 中为其设置 tls = \"required\"，并检查连接为何未加密。"},
    Mending{"ipv6",
            "Its IPv6 address has no PTR record, or mail over it is not authenticated: set ip_versions = \"ipv4-only\" in "
            "[delivery], or give the address a PTR record.",
            "所用 IPv6 地址没有 PTR 记录，或邮件未通过验证：请在 [delivery] 中设置 ip_versions = \"ipv4-only\"，或为该地址设置 "
            "PTR。"},
    Mending{"soa", "The domain {1} has to exist in DNS, with an SOA record and an MX or A record.",
            "域名 {1} 应在 DNS 中存在，具有 SOA 记录以及 MX 或 A 记录。"},
    Mending{"from", "The envelope's sender and the address in From: have to be of the same domain ({1}).",
            "信封发件人与 From: 中的地址应属于同一域名（{1}）。"},
};

std::string sending_address(const conf::Config& config) {
  return config.delivery.bind_ipv4.empty() ? std::string("the sending address") : config.delivery.bind_ipv4;
}

std::string title_of(const Refusal& refusal) {
  const conf::Profile* profile = conf::profile_of(refusal.mx);
  return profile == nullptr ? refusal.mx : profile->title;
}

std::string said(const Refusal& refusal) { return fmt::format("{} ({})", refusal.reply, refusal.mx); }

/// A paragraph, or nothing.
std::string paragraph(std::string_view text) { return text.empty() ? std::string() : fmt::format("{}\n\n", text); }

/// What `queue pause` takes for all that the block concerns.
std::string pattern_of(const Refusal& refusal, bool of_group) {
  if (!of_group) return refusal.destination;
  const conf::Profile* profile = conf::profile_of(refusal.mx);
  return profile == nullptr ? refusal.mx : profile->mx.front();
}

Alert block_letter(const Meaning& meaning, const Refusal& refusal) {
  const bool of_group = meaning.scope == conf::ReplyScope::receiver;
  const std::string& name = of_group ? refusal.group : refusal.destination;
  const std::string pattern = pattern_of(refusal, of_group);
  const std::string_view option = of_group ? "--mx" : "--domain";
  const std::string who = of_group ? title_of(refusal) : refusal.destination;
  Alert alert;
  alert.kind = "blocked";
  alert.subject = fmt::format("{} does not take mail from this relay", who);
  const std::string& page = meaning.rule->link.empty() ? meaning.link : meaning.rule->link;
  const std::string link = page.empty() ? "" : fmt::format("Ask for delisting: {}", page);
  const std::string link_chinese = page.empty() ? "" : fmt::format("申请解除封锁：{}", page);
  alert.english = fmt::format(
      "{0} refused mail: {1}\n\n{2}{3}Mail for it waits and is not given back before its time is over. Every 30 minutes one "
      "message is tried; as soon as one is taken, the others follow.\n\nTo try at once: mailferry queue resume '{4}'\nTo send "
      "nothing there: mailferry queue pause '{5}'\nTo give the mail back: mailferry queue bounce {6} '{5}'",
      who, said(refusal), paragraph(meaning.rule->meaning), paragraph(link), name, pattern, option);
  alert.chinese = fmt::format(
      "{0} 拒收邮件：{1}\n\n{2}{3}发往该处的邮件会保留等待，到期前不会退回。每 30 "
      "分钟试投一封，一旦被接收，其余随即投递。\n\n立即再试：mailferry queue resume '{4}'\n暂停投递：mailferry queue pause "
      "'{5}'\n退回邮件：mailferry queue bounce {6} '{5}'",
      who, said(refusal), paragraph(meaning.rule->chinese), paragraph(link_chinese), name, pattern, option);
  return alert;
}

Alert fix_letter(const Settings& settings, const Meaning& meaning, const Refusal& refusal) {
  const std::string domain = refusal.sender_domain.empty() ? settings.postmaster.domain() : refusal.sender_domain;
  const std::string& hostname = settings.config.hostname;
  const std::string address = sending_address(settings.config);
  std::string english;
  std::string chinese;
  for (const Mending& mending : mendings) {
    if (mending.record != meaning.rule->record) continue;
    english = fmt::format(fmt::runtime(mending.english), hostname, domain, address);
    chinese = fmt::format(fmt::runtime(mending.chinese), hostname, domain, address);
  }
  Alert alert;
  alert.kind = "fix";
  alert.subject = fmt::format("{} refuses mail of {}: something has to be mended", title_of(refusal), domain);
  alert.english = fmt::format(
      "{} refused mail of {}: {}\n\n{}{}The mail is kept four hours from its first refusal and then goes back to its sender. "
      "After "
      "mending: mailferry queue retry --from '*@{}'",
      title_of(refusal), domain, said(refusal), paragraph(meaning.rule->meaning), paragraph(english), domain);
  alert.chinese = fmt::format(
      "{} 拒收 {} 的邮件：{}\n\n{}{}邮件自首次被拒起保留四小时，之后退回发件人。修正后：mailferry queue retry "
      "--from '*@{}'",
      title_of(refusal), domain, said(refusal), paragraph(meaning.rule->chinese), paragraph(chinese), domain);
  return alert;
}

}  // namespace

Alert refusal_letter(const Settings& settings, const Meaning& meaning, conf::ReplyAction action, const Refusal& refusal) {
  return action == conf::ReplyAction::fix ? fix_letter(settings, meaning, refusal) : block_letter(meaning, refusal);
}

}  // namespace relay::delivery

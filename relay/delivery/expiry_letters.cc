// The two letters, in English and Chinese.
#include "relay/delivery/expiry_letters.h"

#include <fmt/format.h>

namespace relay::delivery {
namespace {

std::string hours_and_minutes(base::Time time) { return base::iso_time(time).substr(0, 16); }

}  // namespace

Alert pause_expires(const queue::Pause& pause, const queue::Expiring& expiring) {
  const std::string since = hours_and_minutes(pause.since);
  const std::string when = hours_and_minutes(expiring.first->expires);
  Alert alert;
  alert.kind = "pause";
  alert.subject = fmt::format("Mail to {} expires while it is paused", pause.pattern);
  alert.english = fmt::format(
      "Deliveries to {0} are paused since {1} UTC. Mail that waits for it begins to expire at {2} UTC and then goes back to its "
      "senders: {3} recipients within a day from now.\n\nTo deliver it: mailferry queue resume '{0}'\nTo see it: mailferry queue "
      "pauses",
      pause.pattern, since, when, expiring.recipients);
  alert.chinese = fmt::format(
      "发往 {0} 的投递自 {1} UTC 起已暂停。等待中的邮件将从 {2} UTC 开始过期，过期后会退回发件人：一天之内共 {3} "
      "个收件人。\n\n恢复投递：mailferry queue resume '{0}'\n查看情况：mailferry queue pauses",
      pause.pattern, since, when, expiring.recipients);
  return alert;
}

Alert block_expires(const Block& block, const queue::Expiring& expiring) {
  const std::string since = hours_and_minutes(block.since);
  const std::string when = hours_and_minutes(expiring.first->expires);
  const std::string link = block.link.empty() ? "" : fmt::format("\nTo be delisted: {}", block.link);
  const std::string link_chinese = block.link.empty() ? "" : fmt::format("\n申请解除封锁：{}", block.link);
  Alert alert;
  alert.kind = "block";
  alert.subject = fmt::format("Mail to {} expires while it is refused", block.name);
  alert.english = fmt::format(
      "{0} has refused our mail since {1} UTC: {2} ({3})\n\nMail that waits for it begins to expire at {4} UTC and then goes "
      "back "
      "to its senders: {5} recipients within a day from now.\n{6}\nTo try at once: mailferry queue resume '{0}'\nTo see it: "
      "mailferry queue pauses",
      block.name, since, block.reply, block.mx, when, expiring.recipients, link);
  alert.chinese = fmt::format(
      "{0} 自 {1} UTC 起拒收我们的邮件：{2}（{3}）\n\n等待中的邮件将从 {4} UTC 开始过期，过期后会退回发件人：一天之内共 {5} "
      "个收件人。\n{6}\n立即再试：mailferry queue resume '{0}'\n查看情况：mailferry queue pauses",
      block.name, since, block.reply, block.mx, when, expiring.recipients, link_chinese);
  return alert;
}

}  // namespace relay::delivery

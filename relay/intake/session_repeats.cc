// What a message meets before the queue takes it: that it is there already, or that its sender has sent too much.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mail/header.h"
#include "relay/intake/session.h"

namespace relay::intake {

using mail::EnhancedStatus;
using mail::Reply;

namespace {

/// The sender for a command line that somebody may paste: what a shell or a pattern would read otherwise becomes "?".
std::string pasted(std::string_view sender) {
  if (sender.empty()) return "'<>'";
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.@_+-=";
  std::string text(sender);
  std::ranges::replace_if(text, [plain](char c) { return plain.find(c) == std::string_view::npos; }, '?');
  return fmt::format("'{}'", text);
}

Alert rate_alert(std::string_view sender, std::string_view client, const base::Rate& rate) {
  const std::string limit = base::to_string(rate);
  return Alert{
      "sender-rate", fmt::format("Mail of <{}> is held: more than {}", sender, limit),
      fmt::format("<{0}>, sent by {1}, has had more recipients than accept.sender_rate allows ({2}). What exceeds it is "
                  "held and not delivered.\n\nIf the mailbox was stolen, close it at your mail server, then throw the mail "
                  "away: mailferry queue drop --from {3} --state held\nIf the mail is wanted: mailferry queue release --from "
                  "{3}\nTo see it: mailferry queue list --from {3} --state held",
                  sender, client, limit, pasted(sender)),
      fmt::format("<{0}>（由 {1} 送来）的收件人数超过了 accept.sender_rate（{2}）。超出的邮件已被扣留，没有投递。\n\n"
                  "如果邮箱被盗，请先在自己的邮件服务器上停用它，再丢弃这些邮件：mailferry queue drop --from {3} --state "
                  "held\n如果确实要发送：mailferry queue release --from {3}\n查看：mailferry queue list --from {3} --state held",
                  sender, client, limit, pasted(sender))};
}

}  // namespace

/// Recipients whose mail is here already leave the envelope; when all are, or when somebody else is just bringing it, this is the
/// answer.
std::optional<Reply> Session::answer_repeat(mail::Envelope& envelope, Duplicates::Claim& claim) {
  const auto content = draft_->content_digest();
  const std::string message_id = mail::message_id(draft_->header());
  if (!content || message_id.empty()) return std::nullopt;
  const base::Time since = base::now() - settings_->config.accept.duplicates;
  const MessageFingerprint message(identity_, envelope.reverse_path, message_id, *content);
  std::optional<queue::QueueId> first;
  std::vector<queue::Fingerprint> fresh;
  std::erase_if(envelope.recipients, [&](const mail::Recipient& recipient) {
    const queue::Fingerprint fingerprint = message.to(recipient.mailbox);
    const auto known = context_.duplicates.find(fingerprint, since);
    if (!known) fresh.push_back(fingerprint);
    if (known && !first) first = known;
    return known.has_value();
  });
  if (first) {
    services_.log.info("repeated")
        .with("id", first->to_string())
        .with("msgid", message_id)
        .with("from", fmt::format("<{}>", envelope.reverse_path.to_string()))
        .with("client", fmt::format("{}[{}]", session_.client().helo, session_.client().address))
        .with("new", fresh.size());
  }
  if (fresh.empty()) return Reply(250, EnhancedStatus{2, 0, 0}, fmt::format("queued as {} already", first->to_string()));
  auto claimed = context_.duplicates.claim(std::move(fresh));
  if (!claimed) return Reply(451, EnhancedStatus{4, 3, 0}, "this message is just being taken from another session, come again");
  claim = std::move(*claimed);
  return std::nullopt;
}

/// What exceeds accept.sender_rate is held, and the postmaster told once a period.
std::string Session::why_hold(const mail::Envelope& envelope) {
  const auto& rate = settings_->config.accept.sender_rate;
  if (!identity_.is_trusted() || !rate) return {};
  const std::string sender = envelope.reverse_path.to_string();
  const std::string key = fmt::format("{} <{}>", identity_.name, sender);
  const RateVerdict verdict = context_.sender_rates.count(key, envelope.recipients.size(), *rate, base::now());
  if (verdict == RateVerdict::within) return {};
  if (verdict == RateVerdict::first_excess) {
    services_.log.warning("sender-rate").with("from", fmt::format("<{}>", sender)).with("client", identity_.name);
    context_.alert(rate_alert(sender, identity_.name, *rate));
  }
  return fmt::format("held: <{}> exceeds accept.sender_rate, {}", sender, base::to_string(*rate));
}

}  // namespace relay::intake

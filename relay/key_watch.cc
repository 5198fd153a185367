// Questions to DNS, and what follows from the answers.
#include "relay/key_watch.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"
#include "dkim/message_verifier.h"

namespace relay {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::chrono::minutes between_looks(2);
constexpr std::chrono::hours day(24);

std::string record_name(const SigningKey& key) { return dkim::key_record_name(key.rule.selector, key.rule.domain); }

Alert changed_alert(const SigningKey& key, Published published) {
  const std::string name = record_name(key);
  const bool missing = published == Published::missing;
  return Alert{
      "dkim-record", fmt::format("The DKIM record {} is wrong", name),
      fmt::format(
          "The TXT record {0} {1}. Receivers cannot verify what mailferry signs with this key: mail of {2} may be refused or "
          "called spam.\n\nPublish this again:\n{3}\n\nTo see all records: mailferry records",
          name, missing ? "is gone" : "does not hold the key that signs any more", key.rule.domain, key.rule.key.public_record()),
      fmt::format(
          "TXT 记录 {0} {1}。收件方无法验证 mailferry 用这个密钥所做的签名：{2} 的邮件可能被拒收或判为垃圾邮件。\n\n请重新发布："
          "\n{3}\n\n查看全部记录：mailferry records",
          name, missing ? "已不存在" : "与正在签名的密钥不再一致", key.rule.domain, key.rule.key.public_record())};
}

Alert active_alert(const SigningKey& key, base::Time needed_until) {
  const std::string old_name = dkim::key_record_name(key.replaces, key.rule.domain);
  const std::string until = base::iso_time(needed_until).substr(0, 16);
  return Alert{
      "dkim-key", fmt::format("DKIM key {} of {} signs now", key.rule.selector, key.rule.domain),
      fmt::format("The record {} was seen in DNS, and its key signs from now on. Leave {} published until {} UTC: mail that it "
                  "signed may still wait. You will be told.",
                  record_name(key), old_name, until),
      fmt::format("已在 DNS 中看到 {}，从现在起由它签名。请保留 {} 直到 {} UTC：由它签名的邮件可能还在队列中。届时会再通知您。",
                  record_name(key), old_name, until)};
}

Alert retired_alert(const SigningKey& key) {
  const std::string name = record_name(key);
  return Alert{
      "dkim-key", fmt::format("DKIM key {} of {} is retired", key.rule.selector, key.rule.domain),
      fmt::format("No mail that it signed waits any more. Withdraw the record {}, and take its [[dkim.sign]] block and the line "
                  "replaces = \"{}\" out of the configuration.",
                  name, key.rule.selector),
      fmt::format(
          "已没有由它签名的邮件在等待。现在可以撤下记录 {}，并从配置中删去它的 [[dkim.sign]] 以及 replaces = \"{}\" 一行。", name,
          key.rule.selector)};
}

}  // namespace

std::string KeyWatch::path() const { return fmt::format("{}/dkim-keys.json", services_.settings.get()->config.spool); }

Result<void> KeyWatch::open() {
  auto loaded = Activations::load(path());
  if (!loaded) return std::unexpected(loaded.error());
  activations_ = *std::move(loaded);
  apply();
  return {};
}

void KeyWatch::apply() {
  const SettingsPtr settings = services_.settings.get();
  services_.settings.set(with_signing_rules(*settings, active_rules(settings->signing_keys, activations_)));
}

KeyLife KeyWatch::life_of(const Settings& settings, const SigningKey& key) const {
  return relay::life_of(key, settings.signing_keys, activations_, conf::longest_wait(settings.config), base::now());
}

Task<void> KeyWatch::run() {
  Timer pause(services_.loop);
  for (;;) {
    const SettingsPtr settings = services_.settings.get();
    for (const SigningKey& key : settings->signing_keys) {
      if (key.rule.domain != "%") co_await check(settings, key);
    }
    pause.expires_after(between_looks);
    co_await pause.async_wait(as_result);
  }
}

/// `key` is one of the settings'.
Task<void> KeyWatch::check(SettingsPtr settings, const SigningKey& key) {
  const KeyLife life = life_of(*settings, key);
  if (life.stage == KeyStage::retired) {
    tell_of_retirement(*settings, key);
    co_return;
  }
  Seen& seen = seen_[Name(key.rule.domain, key.rule.selector)];
  const bool is_due =
      life.stage == KeyStage::pending || seen.published == Published::unknown || base::now() - seen.checked >= day;
  if (!is_due) co_return;
  auto start = [this, name = record_name(key)](dns::Callback done) {
    services_.resolver.query(name, dns::RecordType::txt, std::move(done));
  };
  const auto answer = co_await await_from_anywhere<Result<dns::Answer>>(services_.loop, start);
  seen.checked = base::now();
  judge(key, seen, compare(key.rule.key, answer));
  if (life.stage == KeyStage::pending && seen.published == Published::matches) activate(*settings, key);
}

/// A fault of DNS changes nothing. A record that was never right is not news for anybody but the one who looks at status.
void KeyWatch::judge(const SigningKey& key, Seen& seen, Published published) {
  if (published == Published::unknown || published == seen.published) return;
  seen.published = published;
  if (published == Published::matches) {
    seen.was_right = true;
    services_.log.info("dkim-record").with("name", record_name(key)).with("state", to_string(published));
    return;
  }
  services_.log.warning("dkim-record").with("name", record_name(key)).with("state", to_string(published));
  if (std::exchange(seen.was_right, false)) alert_(changed_alert(key, published));
}

void KeyWatch::activate(const Settings& settings, const SigningKey& key) {
  Activations with_it = activations_;
  with_it.add(Activation{key.rule.domain, key.rule.selector, key.rule.key.public_record(), base::now()});
  if (auto saved = with_it.save(path()); !saved) {
    services_.log.error("dkim-key").with("s", key.rule.selector).with("d", key.rule.domain).with("reason", saved.error().words);
    return;
  }
  activations_ = std::move(with_it);
  apply();
  services_.log.info("dkim-key")
      .with("s", key.rule.selector)
      .with("d", key.rule.domain)
      .with("stage", "active")
      .with("replaces", key.replaces);
  alert_(active_alert(key, base::now() + conf::longest_wait(settings.config)));
}

void KeyWatch::tell_of_retirement(const Settings& settings, const SigningKey& key) {
  Activation* activation = activations_.find(*life_of(settings, key).successor);
  if (activation->retirement_told) return;
  activation->retirement_told = true;
  if (auto saved = activations_.save(path()); !saved) {
    activation->retirement_told = false;
    return;
  }
  services_.log.info("dkim-key").with("s", key.rule.selector).with("d", key.rule.domain).with("stage", "retired");
  alert_(retired_alert(key));
}

json::array KeyWatch::view() const {
  const SettingsPtr settings = services_.settings.get();
  json::array keys;
  for (const SigningKey& key : settings->signing_keys) {
    const KeyLife life = life_of(*settings, key);
    const auto seen = seen_.find(Name(key.rule.domain, key.rule.selector));
    json::object view;
    view["domain"] = key.rule.domain;
    view["selector"] = key.rule.selector;
    view["stage"] = to_string(life.stage);
    view["replaces"] = key.replaces;
    view["record"] = to_string(seen == seen_.end() ? Published::unknown : seen->second.published);
    view["checked"] = seen == seen_.end() ? json::value() : json::value(base::iso_time(seen->second.checked));
    view["needed_until"] = life.needed_until ? json::value(base::iso_time(*life.needed_until)) : json::value();
    keys.push_back(std::move(view));
  }
  return keys;
}

}  // namespace relay

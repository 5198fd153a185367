// From a checked configuration to keys and contexts; secrets are refused when others may read them.
#include "relay/settings.h"

#include <fmt/format.h>

#include "relay/secrets.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;

Result<dkim::PrivateKey> load_key(const std::string& path, std::uint64_t min_bits) {
  auto pem = read_secret(path, 64U << 10U);
  if (!pem) return std::unexpected(pem.error());
  auto key = dkim::PrivateKey::from_pem(*pem);
  if (!key) return base::fail(Kind::invalid, fmt::format("{}: {}", path, key.error().words));
  const bool too_short = key->algorithm() == dkim::Algorithm::rsa_sha256 && static_cast<std::uint64_t>(key->bits()) < min_bits;
  if (too_short)
    return base::fail(Kind::invalid, fmt::format("{} has {} bits, dkim.min_key_bits asks for {}", path, key->bits(), min_bits));
  return key;
}

Result<void> load_users(Settings& settings) {
  const std::string& path = settings.config.accept.users;
  if (path.empty()) return {};
  const auto wrong = [](const base::Error& error) { return base::fail(Kind::invalid, "accept.users: " + error.words); };
  auto text = read_secret(path, 4U << 20U);
  if (!text) return wrong(text.error());
  auto users = intake::Users::parse(*text, path);
  if (!users) return wrong(users.error());
  settings.users = std::make_shared<const intake::Users>(*std::move(users));
  return {};
}

/// The one line of a password file.
Result<std::string> read_password(const std::string& path) {
  auto text = read_secret(path, 4U << 10U);
  if (!text) return std::unexpected(text.error());
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  const bool right = !text->empty() && text->find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos;
  if (!right) return base::fail(Kind::invalid, fmt::format("{}: write the password into it, in one line and nothing else", path));
  return text;
}

Result<void> load_passwords(Settings& settings) {
  for (const conf::Route& route : settings.config.route) {
    if (route.password_file.empty()) continue;
    auto password = read_password(route.password_file);
    if (!password) return base::fail(Kind::invalid, "route.password_file: " + password.error().words);
    settings.passwords.insert_or_assign(route.password_file, *std::move(password));
  }
  return {};
}

Result<void> load_signing(Settings& settings) {
  const conf::Dkim& dkim = settings.config.dkim;
  auto pair = dkim::parse_canonicalization(dkim.canonicalization);
  if (!pair) return std::unexpected(pair.error());
  settings.signing_options = dkim::SigningOptions{*pair, dkim.sign_headers, dkim.oversign, dkim.lifetime};
  if (!conf::signs(dkim.mode)) return {};
  for (const conf::DkimSign& sign : dkim.sign) {
    auto key = load_key(sign.key, dkim.min_key_bits);
    if (!key) {
      return base::fail(Kind::invalid, fmt::format("dkim.sign {} ({}): {}", sign.selector, sign.domain, key.error().words));
    }
    const dkim::SigningRule rule{sign.from, sign.domain, sign.selector, *key, sign.identity};
    settings.signing_keys.push_back(SigningKey{rule, sign.replaces});
    if (sign.replaces.empty()) settings.signing_rules.push_back(rule);
  }
  settings.needs_simple_body = pair->body == dkim::Canonicalization::simple;
  settings.needs_relaxed_body = pair->body == dkim::Canonicalization::relaxed;
  return {};
}

}  // namespace

Result<std::shared_ptr<const Settings>> make_settings(const conf::Config& config, SecretUse use,
                                                      std::shared_ptr<TicketKeys> tickets) {
  auto settings = std::make_shared<Settings>();
  settings->config = config;
  auto postmaster = mail::Mailbox::parse(config.postmaster);
  if (!postmaster) return std::unexpected(postmaster.error());
  settings->postmaster = *postmaster;
  if (auto loaded = load_signing(*settings); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = load_users(*settings); !loaded) return std::unexpected(loaded.error());
  if (auto loaded = load_passwords(*settings); !loaded) return std::unexpected(loaded.error());
  if (use == SecretUse::prepare || !config.tls.certificate.empty()) {
    settings->tickets = tickets ? std::move(tickets) : std::make_shared<TicketKeys>();
    settings->certificate_stamp = certificate_stamp(config);
    auto server_tls = make_server_tls(config, settings->tickets);
    if (!server_tls) return std::unexpected(server_tls.error());
    settings->server_tls = *server_tls;
  }
  auto client_tls = make_client_tls();
  if (!client_tls) return std::unexpected(client_tls.error());
  settings->client_tls = *client_tls;
  return settings;
}

Result<std::shared_ptr<const Settings>> with_new_certificate(const Settings& settings) {
  auto renewed = std::make_shared<Settings>(settings);
  renewed->certificate_stamp = certificate_stamp(settings.config);
  auto server_tls = make_server_tls(settings.config, settings.tickets);
  if (!server_tls) return std::unexpected(server_tls.error());
  renewed->server_tls = *server_tls;
  return renewed;
}

std::shared_ptr<const Settings> with_signing_rules(const Settings& settings, std::vector<dkim::SigningRule> rules) {
  auto changed = std::make_shared<Settings>(settings);
  changed->signing_rules = std::move(rules);
  return changed;
}

queue::ScheduleOptions schedule_options(const conf::Config& config) {
  queue::ScheduleOptions options;
  options.connections = config.delivery.connections;
  return options;
}

}  // namespace relay

// The decisions of access, in the order in which they are asked.
#include "relay/intake/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "conf/local.h"

namespace relay::intake {
namespace {

using mail::EnhancedStatus;
using mail::Reply;

bool is_in(const std::vector<std::string>& patterns, const std::string& domain) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return base::matches_pattern(pattern, domain); });
}

bool is_bound(const conf::Config& config, Trust trust) {
  return trust == Trust::trusted && !config.accept.sender_domains.empty();
}

Reply not_a_sender_domain(std::string_view what, const std::string& domain) {
  return {550, EnhancedStatus{5, 7, 1}, fmt::format("{}: the domain {} is not in accept.sender_domains", what, domain)};
}

/// Lower case on both sides; domains below it are others.
bool is_relay_domain(const conf::Config& config, const std::string& domain) {
  const auto& domains = config.accept.relay_domains;
  return std::ranges::find(domains, domain) != domains.end();
}

/// The host of the domain trusts us, perhaps, and may send on where such a local part says.
bool says_the_way(const std::string& local_part) { return local_part.find_first_of("@%!") != std::string::npos; }

Reply relaying_denied() { return {550, EnhancedStatus{5, 7, 1}, "relaying denied: your address is not in accept.mynetworks"}; }

/// To whoever may be a host whose address has just changed: a 550 would bounce its mail.
Reply come_again() {
  return {450, EnhancedStatus{4, 7, 1},
          "relaying denied for now: no host name in accept.mynetworks has your address; if it is new, try again later"};
}

}  // namespace

Identity identity_of(const conf::Config& config, const HostAddresses& hosts, const base::IpAddress& client) {
  if (client == base::IpAddress()) return {};
  for (const base::Cidr& network : config.accept.mynetworks) {
    if (network.contains(client)) return Identity{Trust::trusted, "network " + network.to_string()};
  }
  if (const auto host = hosts.find(client); host != hosts.end()) return Identity{Trust::trusted, "host " + host->second};
  return {};
}

std::optional<Reply> refuse_sender(const conf::Config& config, Trust trust, const mail::ReversePath& reverse_path) {
  if (!is_bound(config, trust) || reverse_path.is_null()) return std::nullopt;
  const std::string& domain = reverse_path.mailbox().domain();
  if (is_in(config.accept.sender_domains, domain)) return std::nullopt;
  return not_a_sender_domain("MAIL FROM", domain);
}

std::optional<Reply> refuse_author(const conf::Config& config, Trust trust, const mail::HeaderBlock& header) {
  if (!is_bound(config, trust)) return std::nullopt;
  const auto fields = header.find("From");
  for (const mail::Field* field : fields) {
    const auto authors = mail::all_addresses(field->value);
    if (!authors) {
      return Reply(550, EnhancedStatus{5, 7, 1},
                   fmt::format("From: {}, so that it is not in accept.sender_domains", authors.error().words));
    }
    const auto other = std::ranges::find_if(
        *authors, [&](const mail::Mailbox& author) { return !is_in(config.accept.sender_domains, author.domain()); });
    if (other != authors->end()) return not_a_sender_domain("From", other->domain());
  }
  if (!fields.empty()) return std::nullopt;
  return Reply(550, EnhancedStatus{5, 7, 1}, "there is no From: that could be in accept.sender_domains");
}

std::expected<Reach, Reply> may_reach(const Settings& settings, Trust trust, const mail::Mailbox& recipient) {
  if (conf::is_local_domain(settings.config, recipient.domain())) {
    // RFC 5321 4.5.1: postmaster is reachable for everyone; so are the other names of this host.
    const auto target = conf::resolve_local(settings.config, recipient.local_part());
    auto mailbox = mail::Mailbox::parse(target.value_or(""));
    if (target && mailbox) return Reach{std::move(*mailbox), Way::alias};
    if (trust == Trust::trusted) return std::unexpected(Reply(550, EnhancedStatus{5, 1, 1}, "no such mailbox on this relay"));
    return std::unexpected(relaying_denied());
  }
  if (trust == Trust::trusted) return Reach{recipient, Way::outside};
  if (is_relay_domain(settings.config, recipient.domain())) {
    if (!says_the_way(recipient.local_part())) return Reach{recipient, Way::relay_domain};
    return std::unexpected(Reply(550, EnhancedStatus{5, 7, 1},
                                 "relaying denied: the local part names a further way (@, % or !), write the address only"));
  }
  return std::unexpected(settings.config.accept.host_names.empty() ? relaying_denied() : come_again());
}

}  // namespace relay::intake

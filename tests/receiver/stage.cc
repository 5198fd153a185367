// One behaviour's hosts, and the judgement on its mail.
#include "tests/receiver/stage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/receiver/login.h"

namespace receiver {
namespace {

constexpr const char* sender = "a@client.example";

/// Between `before` and `end`; empty when it is not there.
std::string between(std::string_view text, std::string_view before, std::string_view end) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = text.substr(start + before.size());
  return std::string(rest.substr(0, rest.find(end)));
}

std::string domain_of(std::string_view mailbox) {
  const std::size_t at = mailbox.find('@');
  return std::string(mailbox.substr(at == std::string_view::npos ? 0 : at + 1));
}

std::string told(const Fate& fate, std::size_t arrived) {
  return fmt::format("{} arrived, {} wait (\"{}\"), {} bounced (\"{}\")", arrived, fate.waiting, fate.deferred,
                     fate.bounced.size(), fmt::join(fate.bounced, "\", \""));
}

std::unique_ptr<Receiver> host_for(const Behaviour& behaviour, const std::string& name, const std::string& address,
                                   const Authority& authority) {
  Place place;
  place.address = address;
  place.door = behaviour.door;
  place.implicit_tls = behaviour.implicit_tls;
  if (behaviour.implicit_tls) place.port = 465;
  return std::make_unique<Receiver>(doing(behaviour.deeds), behaviour.offers, authority.server(behaviour.tls, name), place);
}

}  // namespace

Fates fates(const world::Relay& relay) {
  Fates fates;
  for (const boost::json::value& row : relay.rows("?limit=1000")) {
    ++fates[domain_of(std::string(row.at("recipient").as_string()))].waiting;
  }
  const std::string log = relay.log();
  for (const std::string_view line : base::split(log, '\n')) {
    const bool bounced = line.find(" bounced id=") != std::string_view::npos;
    if (!bounced && line.find(" deferred id=") == std::string_view::npos) continue;
    Fate& fate = fates[between(between(line, " to=", " mx="), "@", ">")];
    const std::string reply = between(line, "reply=\"", "\" next=");
    if (bounced) fate.bounced.push_back(reply);
    if (!bounced) fate.deferred = reply;
  }
  return fates;
}

std::string body_of(std::size_t size) {
  std::string body = ".\r\n..\r\n.hidden\r\nend.\r\n";
  while (body.size() < size) body += std::string(body.size() % 71, 'x') + "\r\n.\r\n";
  return body + "the last line\r\n";
}

Stage::Stage(Behaviour behaviour, std::size_t number, const Authority& authority)
    : behaviour_(std::move(behaviour)),
      domain_(fmt::format("b{}.example", number)),
      address_(behaviour_.implicit_tls ? fmt::format("127.0.1.{}", number) : "127.0.0.1"),
      host_(host_for(behaviour_, "mx1." + domain_, address_, authority)) {
  if (!behaviour_.has_spare) return;
  spare_ = std::make_unique<Receiver>(doing({}), behaviour_.offers, authority.server(behaviour_.tls, "mx2." + domain_));
}

void Stage::add_to(conf::Config& config) const {
  conf::Route route;
  route.domain = domain_;
  route.tls = behaviour_.policy;
  route.hosts.push_back(fmt::format("mx1.{}:{}", domain_, host_->port()));
  if (spare_) route.hosts.push_back(fmt::format("mx2.{}:{}", domain_, spare_->port()));
  if (behaviour_.logs_in) route.username = user_name;
  config.route.push_back(std::move(route));
}

void Stage::add_to(dns::StaticResolver& resolver) const {
  resolver.add("mx1." + domain_, dns::RecordType::a, base::IpAddress::parse(address_).value());
  resolver.add("mx2." + domain_, dns::RecordType::a, base::IpAddress::parse("127.0.0.1").value());
}

void Stage::send(world::Client& client) const {
  for (std::size_t i = 0; i < behaviour_.messages; ++i) {
    const std::string content = world::message(sender, fmt::format("{}.{}", domain_, i), body_of(behaviour_.size));
    REQUIRE(client.say(fmt::format("MAIL FROM:<{}> SMTPUTF8", sender)).starts_with("250"));
    REQUIRE(client.say(fmt::format("RCPT TO:<{}@{}>", behaviour_.user, domain_)).starts_with("250"));
    REQUIRE(client.say("DATA").starts_with("354"));
    REQUIRE(client.send_content(content).starts_with("250"));
  }
}

std::vector<Arrival> Stage::arrivals() const {
  std::vector<Arrival> all = host_->arrivals();
  if (spare_) std::ranges::move(spare_->arrivals(), std::back_inserter(all));
  return all;
}

std::size_t Stage::arrived() const { return host_->arrived() + (spare_ ? spare_->arrived() : 0); }

std::string Stage::missing(const Fates& fates) const {
  const auto found = fates.find(domain_);
  const Fate fate = found == fates.end() ? Fate() : found->second;
  const auto says_so = [this](const std::string& reply) { return reply.find(behaviour_.end.reply) != std::string::npos; };
  bool is_there = false;
  switch (behaviour_.end.became) {
    case Became::delivered: is_there = arrived() >= behaviour_.messages && fate.waiting == 0 && fate.bounced.empty(); break;
    case Became::bounced:
      is_there = fate.waiting == 0 && fate.bounced.size() == behaviour_.messages && std::ranges::all_of(fate.bounced, says_so);
      break;
    case Became::waiting:
      is_there = fate.waiting == behaviour_.messages && fate.bounced.empty() && !fate.deferred.empty() && says_so(fate.deferred);
      break;
  }
  return is_there ? std::string() : told(fate, arrived());
}

std::string Stage::wrong() const {
  const std::vector<Arrival> all = arrivals();
  const bool may_arrive = behaviour_.end.became == Became::delivered;
  const std::size_t most = may_arrive ? behaviour_.messages * behaviour_.end.most : 0;
  if (all.size() > most) return fmt::format("{} messages came, {} may", all.size(), most);
  const std::string body = "\r\n\r\n" + body_of(behaviour_.size);
  for (const Arrival& arrival : all) {
    if (!arrival.content.ends_with(body)) return "the content came otherwise than it was sent";
    if (behaviour_.end.over == Over::tls && !arrival.tls) return "it came in plaintext";
    if (behaviour_.end.over == Over::plaintext && arrival.tls) return "it came over TLS";
  }
  return {};
}

}  // namespace receiver

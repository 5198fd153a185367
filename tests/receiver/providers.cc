// The limits of the fakes, in the words that the receivers publish or that bounces show.
#include "tests/receiver/providers.h"

#include <fmt/format.h>

#include "dns/resolver.h"

namespace receiver {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t quota = 40;
constexpr milliseconds pause_time(4'000);

Deed refuses(const std::string& line) { return says(Step::mail, line); }
Deed turns_away(const std::string& line) { return closes(Step::greeting, line + "\r\n"); }

Limits gmail() {
  return {.connections = 10,
          .over_connections = turns_away("421 4.7.0 Too many concurrent SMTP connections; please try again later. - gsmtp"),
          .messages_per_connection = 50,
          .over_messages = refuses("421 4.7.0 Try again later, closing connection. (MAIL) - gsmtp"),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP\r\n"
                                "421-4.7.28 address. To protect our users from spam, mail sent from your IP address has been\r\n"
                                "421 4.7.28 temporarily rate limited. - gsmtp"),
          .needs_tls = true};
}

Limits outlook() {
  return {.connections = 8,
          .over_connections = turns_away("421 RP-003 (CO1-MC1-F1) The mail server IP connecting to Outlook.com has exceeded the "
                                         "connection limit allowed."),
          .messages_per_connection = 50,
          .over_messages = refuses("421 RP-002 (CO1-MC1-F1) Unfortunately, some messages on this connection weren't sent."),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("421 RP-001 (CO1-MC1-F1) Unfortunately, some messages from [127.0.0.1] weren't sent. Please try "
                                "again. We have limits for how many messages can be sent per hour and per day.")};
}

/// It closes silently at its cap, and takes a new connection at once.
Limits yahoo() {
  return {.connections = 8,
          .over_connections = turns_away("421 4.7.0 [TSS05] Too many connections from your host."),
          .messages_per_connection = 12,
          .over_messages = closes(Step::mail),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("421 4.7.0 [TSS04] Messages from 127.0.0.1 temporarily deferred due to unexpected volume or user "
                                "complaints - 4.16.55.1")};
}

Limits icloud() {
  return {.connections = 10,
          .over_connections = turns_away("421 4.7.1 Too many connections"),
          .messages_per_connection = 5,
          .over_messages = refuses("421 4.7.1 Too many messages in this connection"),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("421 4.7.1 Too many messages, slow down: volume limit exceeded")};
}

/// Its limits look like refusals for good.
Limits qq() {
  return {.connections = 4,
          .over_connections = turns_away("421 Connection frequency limited"),
          .messages_per_connection = 8,
          .over_messages = refuses("550 Connection frequency limited"),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("550 Ip frequency limited [127.0.0.1]")};
}

Limits netease() {
  return {.connections = 4,
          .over_connections = turns_away("421 HL:ICC 163 smtp2 too many connections from your IP"),
          .messages_per_connection = 7,
          .over_messages = refuses("450 MI:DMC 163 smtp2 too many messages in this connection"),
          .quota = quota,
          .pause = pause_time,
          .over_quota = refuses("451 RP:QRC 163 smtp2 too many messages in 15 minutes")};
}

std::string recipient_in(std::string_view rcpt) {
  const std::size_t start = rcpt.find('<');
  return std::string(rcpt.substr(start + 1, rcpt.find('>') - start - 1));
}

}  // namespace

Provider::Provider(Identity identity, Limits limits, const Authority& authority, std::uint16_t port)
    : identity_(std::move(identity)), limits_(std::move(limits)) {
  const Place place{identity_.address, port, Door::opens};
  receiver_ = std::make_unique<Receiver>([this](const Moment& moment) { return decide(moment); },
                                         "SIZE_157286400 8BITMIME ENHANCEDSTATUSCODES PIPELINING SMTPUTF8",
                                         authority.server(Tls::good, identity_.mx), place);
}

void Provider::add_to(dns::StaticResolver& resolver) const {
  for (const std::string& domain : identity_.domains) {
    resolver.add(domain, dns::RecordType::mx, dns::MxRecord{10, identity_.mx});
  }
  resolver.add(identity_.mx, dns::RecordType::a, base::IpAddress::parse(identity_.address).value());
}

void Provider::block(const std::string& line) {
  const std::lock_guard lock(mutex_);
  block_ = refuses(line);
}

void Provider::unblock() {
  const std::lock_guard lock(mutex_);
  block_.reset();
}

void Provider::greylist(const std::string& line, milliseconds time) {
  const std::lock_guard lock(mutex_);
  greylist_ = says(Step::rcpt, line);
  greylist_time_ = time;
}

std::map<std::string, std::size_t> Provider::received() const {
  std::map<std::string, std::size_t> received;
  for (const Arrival& arrival : receiver_->arrivals()) {
    for (const std::string& rcpt : arrival.rcpts) ++received[recipient_in(rcpt)];
  }
  return received;
}

std::size_t Provider::told(const std::string& limit) const {
  const std::lock_guard lock(mutex_);
  const auto found = told_.find(limit);
  return found == told_.end() ? 0 : found->second;
}

milliseconds Provider::least_time(std::size_t messages) const {
  return limits_.pause * static_cast<int>((messages - 1) / limits_.quota) + greylist_time_;
}

std::optional<Deed> Provider::decide(const Moment& moment) {
  const std::lock_guard lock(mutex_);
  if (moment.step == Step::greeting && moment.open > limits_.connections) return tell("connections", limits_.over_connections);
  if (moment.step == Step::mail) return at_mail(moment);
  if (moment.step == Step::rcpt) return at_rcpt(moment);
  return std::nullopt;
}

std::optional<Deed> Provider::at_mail(const Moment& moment) {
  if (limits_.needs_tls && !moment.tls) return tell("tls", refuses("530 5.7.0 Must issue a STARTTLS command first. - gsmtp"));
  if (block_) return tell("block", *block_);
  if (moment.messages >= limits_.messages_per_connection) return tell("messages", limits_.over_messages);
  const auto now = Clock::now();
  if (used_ < limits_.quota) {
    ++used_;
    return std::nullopt;
  }
  if (refuses_until_ == Clock::time_point::min()) refuses_until_ = now + limits_.pause;
  if (now < refuses_until_) return tell("quota", limits_.over_quota);
  refuses_until_ = Clock::time_point::min();
  used_ = 1;
  return std::nullopt;
}

std::optional<Deed> Provider::at_rcpt(const Moment& moment) {
  if (!greylist_) return std::nullopt;
  const auto now = Clock::now();
  const auto seen = first_seen_.try_emplace(moment.line, now).first;
  if (now - seen->second >= greylist_time_) return std::nullopt;
  return tell("greylist", *greylist_);
}

std::optional<Deed> Provider::tell(const std::string& limit, const Deed& deed) {
  ++told_[limit];
  return deed;
}

std::vector<std::unique_ptr<Provider>> large_receivers(const Authority& authority, std::uint16_t port) {
  std::vector<std::unique_ptr<Provider>> all;
  const auto add = [&](Identity identity, const Limits& limits) {
    all.push_back(std::make_unique<Provider>(std::move(identity), limits, authority, port));
  };
  add({"gmail", {"gmail.com", "company.example"}, "gmail-smtp-in.l.google.com", "127.0.1.1"}, gmail());
  add({"outlook", {"outlook.com", "hotmail.com"}, "outlook-com.olc.protection.outlook.com", "127.0.1.2"}, outlook());
  add({"yahoo", {"yahoo.com", "aol.com"}, "mta5.am0.yahoodns.net", "127.0.1.3"}, yahoo());
  add({"icloud", {"icloud.com", "me.com"}, "mx01.mail.icloud.com", "127.0.1.4"}, icloud());
  add({"qq", {"qq.com", "foxmail.com"}, "mx1.qq.com", "127.0.1.5"}, qq());
  add({"netease", {"163.com", "126.com"}, "163mx01.mxmail.netease.com", "127.0.1.6"}, netease());
  return all;
}

}  // namespace receiver

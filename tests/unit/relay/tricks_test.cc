// What is tried in RCPT to get through a relay: each ends in a refusal, or with somebody of this host or of relay_domains.
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "mail/command.h"
#include "relay/intake/access.h"
#include "tests/catch.h"

namespace {

relay::Settings settings() {
  relay::Settings settings;
  settings.config = conf::defaults();
  settings.config.hostname = "relay.example.com";
  settings.config.postmaster = "admin@example.com";
  settings.postmaster = mail::Mailbox("admin", "example.com");
  return settings;
}

constexpr std::string_view relay_domain = "backup.example";

relay::Settings with_relay_domain() {
  relay::Settings all = settings();
  all.config.accept.relay_domains = {std::string(relay_domain)};
  conf::Route& route = all.config.route.emplace_back();
  route.domain = "*";
  route.hosts = {"smtp.backup.example:25"};
  return all;
}

relay::Settings settings_with_name() {
  relay::Settings with = settings();
  with.config.accept.host_names = {"home.example.com"};
  return with;
}

/// Where a stranger's RCPT leads: "refused", or the mailbox that would be queued.
std::string fate(std::string_view path, const relay::Settings& with = settings()) {
  auto command = mail::parse_command("RCPT TO:" + std::string(path));
  if (!command) return "refused";
  const auto* rcpt = std::get_if<mail::command::RcptTo>(&*command);
  if (rcpt == nullptr) return "refused";
  const auto reach = may_reach(with, relay::intake::Trust::stranger, rcpt->recipient.mailbox);
  if (reach) return reach->mailbox.to_string();
  return reach.error().is_permanent() ? "refused" : "put off";
}

constexpr std::string_view tricks[] = {
    // Plain, and in the case of others.
    "<bob@example.net>",
    "<BOB@EXAMPLE.NET>",
    "<postmaster@example.net>",
    "<abuse@example.net>",
    "<root@example.net>",
    "bob@example.net",
    "< bob@example.net >",
    "<bob@example.net.>",
    "<bob@example.com>",
    // The percent hack.
    "<bob%example.net@relay.example.com>",
    "<bob%example.net@localhost>",
    "<bob%example.net@[127.0.0.1]>",
    "<bob%example.net@[192.0.2.1]>",
    "<bob%example.net>",
    "<bob%example.net%relay.example.com@relay.example.com>",
    "<bob%example.net%localhost@localhost>",
    "<postmaster%example.net@relay.example.com>",
    "<\"bob%example.net\"@relay.example.com>",
    "<\"bob%example.net\">",
    // An address within the local part.
    "<\"bob@example.net\"@relay.example.com>",
    "<\"bob@example.net\"@localhost>",
    "<\"bob@example.net\">",
    "<\"bob@example.net\"@[127.0.0.1]>",
    "<bob@example.net@relay.example.com>",
    "<bob@example.net@[127.0.0.1]>",
    "<bob@example.net@localhost>",
    "<bob\\@example.net@relay.example.com>",
    "<\"postmaster@example.net\"@relay.example.com>",
    "<\"postmaster\\@example.net\"@relay.example.com>",
    "<postmaster@relay.example.com@example.net>",
    "<\"\"bob@example.net\"\"@relay.example.com>",
    "<\"\\\"bob@example.net\\\"\"@relay.example.com>",
    // Bang paths.
    "<example.net!bob>",
    "<example.net!bob@relay.example.com>",
    "<example.net!bob@localhost>",
    "<relay.example.com!example.net!bob>",
    "<localhost!bob@example.net>",
    "<relay.example.com!bob@example.net>",
    "<bob!postmaster@relay.example.com>",
    // Source routes: all but the last mailbox is ignored (RFC 5321 appendix C).
    "<@relay.example.com:bob@example.net>",
    "<@localhost:bob@example.net>",
    "<@relay.example.com,@localhost:bob@example.net>",
    "<@example.net:bob@relay.example.com>",
    "<@[127.0.0.1]:bob@example.net>",
    "<@relay.example.com:postmaster@example.net>",
    "<@:bob@example.net>",
    "<@relay.example.com:bob%example.net@relay.example.com>",
    // Address literals of this host and of others.
    "<bob@[127.0.0.1]>",
    "<bob@[192.0.2.1]>",
    "<postmaster@[192.0.2.1]>",
    "<postmaster@[127.0.0.1]>",
    "<bob@[IPv6:::1]>",
    "<bob@[IPv6:2001:db8::1]>",
    "<bob@127.0.0.1>",
    "<bob@2130706433>",
    "<bob@[example.net]>",
    "<bob@[]>",
    // Names that look like ours.
    "<postmaster@relay.example.com.example.net>",
    "<postmaster@xrelay.example.com>",
    "<postmaster@relay.example.co>",
    "<postmaster@r\xd0\xb5lay.example.com>",
    "<postmaster@xn--rlay-x9d.example.com>",
    "<p\xd0\xbestmaster@relay.example.com>",
    "<postmaster@ｒelay.example.net>",
    "<postmaster\xef\xbc\xa0relay.example.com@example.net>",
    "<bob@example.net\xe3\x80\x82relay.example.com>",
    "<postmaster@localhost.example.net>",
    "<postmaster@localhost@example.net>",
    "<postmaster@relay.example.com\0.example.net>",
    // Comments, blanks, brackets and lines.
    "<bob(postmaster@relay.example.com)@example.net>",
    "<postmaster@relay.example.com(@example.net)>",
    "<postmaster@relay.example.com><bob@example.net>",
    "<postmaster@relay.example.com> <bob@example.net>",
    "<postmaster@relay.example.com>,<bob@example.net>",
    "<postmaster@relay.example.com,bob@example.net>",
    "<postmaster@relay.example.com;bob@example.net>",
    "<<bob@example.net>>",
    "<bob@example.net",
    "<postmaster@relay.example.com bob@example.net>",
    "<postmaster@relay.example.com\rRCPT TO:<bob@example.net>>",
    "<>",
    "<@>",
    "<\"\"@example.net>",
    "<bob@>",
    "<|/bin/sh@relay.example.com>",
    "<\"|/bin/sh\"@relay.example.com>",
    "<:include:/etc/passwd@relay.example.com>",
};

}  // namespace

TEST_CASE("no trick in RCPT leads a stranger out of this host") {
  static_assert(std::size(tricks) >= 60);
  for (const std::string_view trick : tricks) {
    INFO(trick);
    CHECK(fate(trick) == "refused");
  }
}

TEST_CASE("relay_domains and a route for everything open none of these ways") {
  const relay::Settings settings = with_relay_domain();
  for (const std::string_view trick : tricks) {
    INFO(trick);
    CHECK(fate(trick, settings) == "refused");
  }
}

namespace {

/// The same trick with the relay domain where it names this host, or its literal.
std::string at_relay_domain(std::string_view trick) {
  std::string text(trick);
  for (const std::string_view own : {"relay.example.com", "localhost", "[127.0.0.1]"}) {
    for (std::size_t at = text.find(own); at != std::string::npos; at = text.find(own, at + relay_domain.size())) {
      text.replace(at, own.size(), relay_domain);
    }
  }
  return text;
}

/// Refused, or taken for a mailbox of the relay domain itself that names no further way.
bool stays_within(const std::string& fate) {
  if (fate == "refused") return true;
  const std::size_t at = fate.rfind('@');
  return at != std::string::npos && fate.substr(at + 1) == relay_domain && fate.find_first_of("@%!") == at;
}

}  // namespace

TEST_CASE("no trick at a domain of relay_domains leads a stranger beyond it") {
  const relay::Settings settings = with_relay_domain();
  std::size_t others = 0;
  for (const std::string_view trick : tricks) {
    const std::string text = at_relay_domain(trick);
    const std::string end = fate(text, settings);
    INFO(text << " leads to " << end);
    CHECK(stays_within(end));
    if (text != trick) ++others;
  }
  CHECK(others >= 40);
}

TEST_CASE("what looks like a domain of relay_domains is none") {
  const relay::Settings settings = with_relay_domain();
  CHECK(fate("<bob@backup.example>", settings) == "bob@backup.example");
  CHECK(fate("<@example.net:bob@BACKUP.example>", settings) == "bob@backup.example");
  for (const std::string_view path :
       {"<bob@mail.backup.example>", "<bob@backup.example.>", "<bob@.backup.example>", "<bob@xbackup.example>",
        "<bob@backup.example.net>", "<bob@backup.examp>", "<bob@[backup.example]>",
        "<bob@b\xd0\xb0"
        "ckup.example>",
        "<bob@xn--bckup-3ve.example>", "<bob@backup_example>", "<backup.example>", "<bob@\"backup.example\">", "<bob@*.example>",
        "<bob@*>", "<bob@backup.example@example.net>", "<@backup.example:bob@example.net>"}) {
    INFO(path);
    CHECK(fate(path, settings) == "refused");
  }
}

TEST_CASE("nor does one while a host name is trusted: who may be that host comes again, and nobody's mail is taken") {
  const relay::Settings with = settings_with_name();
  for (const std::string_view trick : tricks) {
    INFO(trick);
    const std::string led = fate(trick, with);
    CHECK((led == "refused" || led == "put off"));
  }
  CHECK(fate("<bob@example.net>", with) == "put off");
  CHECK(fate("<bob%example.net@relay.example.com>", with) == "refused");
}

TEST_CASE("postmaster and the aliases are reached in every way of writing them") {
  for (const std::string_view way :
       {"<postmaster>", "<PostMaster>", "<postmaster@relay.example.com>", "<POSTMASTER@RELAY.EXAMPLE.COM>",
        "<\"postmaster\"@relay.example.com>", "<\"post\\master\"@localhost>", "<@example.net:postmaster@relay.example.com>",
        "<postmaster@localhost>", "<abuse@relay.example.com>", "<Root@LOCALHOST>"}) {
    INFO(way);
    CHECK(fate(way) == "admin@example.com");
  }
}

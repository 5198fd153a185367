// What is tried in RCPT to get through a relay: each ends in a refusal, or with somebody of this host.
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

/// Where a stranger's RCPT leads: "refused", or the mailbox that would be queued.
std::string fate(std::string_view path) {
  auto command = mail::parse_command("RCPT TO:" + std::string(path));
  if (!command) return "refused";
  const auto* rcpt = std::get_if<mail::command::RcptTo>(&*command);
  if (rcpt == nullptr) return "refused";
  const auto reach = may_reach(settings(), relay::intake::Trust::stranger, rcpt->recipient.mailbox);
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

TEST_CASE("postmaster and the aliases are reached in every way of writing them") {
  for (const std::string_view way :
       {"<postmaster>", "<PostMaster>", "<postmaster@relay.example.com>", "<POSTMASTER@RELAY.EXAMPLE.COM>",
        "<\"postmaster\"@relay.example.com>", "<\"post\\master\"@localhost>", "<@example.net:postmaster@relay.example.com>",
        "<postmaster@localhost>", "<abuse@relay.example.com>", "<Root@LOCALHOST>"}) {
    INFO(way);
    CHECK(fate(way) == "admin@example.com");
  }
}

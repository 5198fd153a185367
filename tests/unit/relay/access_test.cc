// Who is trusted, and where a recipient may go.
#include "relay/intake/access.h"

#include "tests/catch.h"

namespace {

using relay::intake::identity_of;
using relay::intake::may_reach;
using relay::intake::Trust;

base::IpAddress address(std::string_view text) { return base::IpAddress::parse(text).value(); }

relay::Settings settings() {
  relay::Settings settings;
  settings.config = conf::defaults();
  settings.config.hostname = "relay.example.com";
  settings.config.local.destinations = {"localhost", "old.example.com"};
  settings.config.accept.mynetworks = {base::Cidr::parse("10.1.0.0/16").value(), base::Cidr::parse("192.0.2.7/32").value(),
                                       base::Cidr::parse("2001:db8:5::/48").value()};
  settings.postmaster = mail::Mailbox("admin", "example.com");
  return settings;
}

std::string reach(Trust trust, const std::string& recipient) {
  const mail::Mailbox mailbox =
      recipient.find('@') != std::string::npos ? mail::Mailbox::parse(recipient).value() : mail::Mailbox(recipient, "");
  const auto answer = may_reach(settings(), trust, mailbox);
  return answer ? answer->to_string() : answer.error().to_string().substr(0, 9);
}

}  // namespace

TEST_CASE("a client is trusted by its address") {
  const conf::Config config = settings().config;
  for (const char* inside : {"10.1.0.0", "10.1.255.255", "192.0.2.7", "2001:db8:5::1", "::ffff:10.1.2.3"}) {
    INFO(inside);
    CHECK(identity_of(config, address(inside)).trust == Trust::trusted);
  }
  for (const char* outside : {"10.2.0.0", "192.0.2.8", "127.0.0.1", "2001:db8:6::1", "::1"}) {
    INFO(outside);
    CHECK(identity_of(config, address(outside)).trust == Trust::stranger);
  }
  CHECK(identity_of(config, address("10.1.2.3")).name == "network 10.1.0.0/16");
  CHECK(identity_of(config, address("10.2.0.0")).name.empty());
}

TEST_CASE("by default the loopback is trusted and nobody else") {
  const conf::Config config = conf::defaults();
  CHECK(identity_of(config, address("127.0.0.1")).trust == Trust::trusted);
  CHECK(identity_of(config, address("127.200.0.9")).trust == Trust::trusted);
  CHECK(identity_of(config, address("::1")).trust == Trust::trusted);
  CHECK(identity_of(config, address("192.168.1.1")).trust == Trust::stranger);
}

TEST_CASE("a stranger may not relay") {
  CHECK(reach(Trust::stranger, "bob@example.net") == "550 5.7.1");
  CHECK(reach(Trust::stranger, "bob@relay.example.com") == "550 5.7.1");  // nothing is told of who lives here
  CHECK(reach(Trust::trusted, "bob@example.net") == "bob@example.net");
}

TEST_CASE("postmaster is reachable for everyone") {
  for (const Trust trust : {Trust::stranger, Trust::trusted}) {
    CHECK(reach(trust, "postmaster") == "admin@example.com");
    CHECK(reach(trust, "PostMaster@relay.example.com") == "admin@example.com");
    CHECK(reach(trust, "postmaster@Old.Example.com") == "admin@example.com");
    CHECK(reach(trust, "postmaster@localhost") == "admin@example.com");
  }
  CHECK(reach(Trust::trusted, "postmaster@example.net") == "postmaster@example.net");
  CHECK(reach(Trust::stranger, "postmaster@example.net") == "550 5.7.1");
}

TEST_CASE("nobody else lives on the relay") {
  CHECK(reach(Trust::trusted, "alice@relay.example.com") == "550 5.1.1");
  CHECK(reach(Trust::trusted, "alice@old.example.com") == "550 5.1.1");
  CHECK(reach(Trust::trusted, "alice@mail.relay.example.com") == "alice@mail.relay.example.com");
}

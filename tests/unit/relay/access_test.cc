// Who is trusted, and where a recipient may go.
#include "relay/intake/access.h"

#include "tests/catch.h"

namespace {

using relay::intake::identity_of;
using relay::intake::may_reach;
using relay::intake::refuse_author;
using relay::intake::refuse_sender;
using relay::intake::Trust;
using relay::intake::Way;

base::IpAddress address(std::string_view text) { return base::IpAddress::parse(text).value(); }

relay::Settings settings() {
  relay::Settings settings;
  settings.config = conf::defaults();
  settings.config.hostname = "relay.example.com";
  settings.config.local.destinations = {"localhost", "old.example.com"};
  settings.config.accept.mynetworks = {base::Cidr::parse("10.1.0.0/16").value(), base::Cidr::parse("192.0.2.7/32").value(),
                                       base::Cidr::parse("2001:db8:5::/48").value()};
  settings.config.postmaster = "admin@example.com";
  settings.config.local.aliases = {{"abuse", "postmaster"}, {"root", "ops@localhost"}, {"ops", "team@example.org"}};
  settings.postmaster = mail::Mailbox("admin", "example.com");
  return settings;
}

std::string reach(Trust trust, const std::string& recipient) {
  const mail::Mailbox mailbox =
      recipient.find('@') != std::string::npos ? mail::Mailbox::parse(recipient).value() : mail::Mailbox(recipient, "");
  const auto answer = may_reach(settings(), trust, mailbox);
  return answer ? answer->mailbox.to_string() : answer.error().to_string().substr(0, 9);
}

}  // namespace

TEST_CASE("a client is trusted by its address") {
  const conf::Config config = settings().config;
  for (const char* inside : {"10.1.0.0", "10.1.255.255", "192.0.2.7", "2001:db8:5::1", "::ffff:10.1.2.3"}) {
    INFO(inside);
    CHECK(identity_of(config, {}, address(inside)).trust == Trust::trusted);
  }
  for (const char* outside : {"10.2.0.0", "192.0.2.8", "127.0.0.1", "2001:db8:6::1", "::1"}) {
    INFO(outside);
    CHECK(identity_of(config, {}, address(outside)).trust == Trust::stranger);
  }
  CHECK(identity_of(config, {}, address("10.1.2.3")).name == "network 10.1.0.0/16");
  CHECK(identity_of(config, {}, address("10.2.0.0")).name.empty());
}

TEST_CASE("by default the loopback is trusted and nobody else") {
  const conf::Config config = conf::defaults();
  CHECK(identity_of(config, {}, address("127.0.0.1")).trust == Trust::trusted);
  CHECK(identity_of(config, {}, address("127.200.0.9")).trust == Trust::trusted);
  CHECK(identity_of(config, {}, address("::1")).trust == Trust::trusted);
  CHECK(identity_of(config, {}, address("192.168.1.1")).trust == Trust::stranger);
}

TEST_CASE("a client is trusted by the name that has its address now") {
  const conf::Config config = settings().config;
  const relay::intake::HostAddresses hosts = {{address("198.51.100.5"), "home.example"},
                                              {address("2001:db8::5"), "home.example"},
                                              {address("10.1.0.1"), "home.example"},
                                              {base::IpAddress(), "home.example"}};
  CHECK(identity_of(config, hosts, address("198.51.100.5")).trust == Trust::trusted);
  CHECK(identity_of(config, hosts, address("198.51.100.5")).name == "host home.example");
  CHECK(identity_of(config, hosts, address("2001:db8::5")).name == "host home.example");
  CHECK(identity_of(config, hosts, address("10.1.0.1")).name == "network 10.1.0.0/16");
  CHECK(identity_of(config, hosts, address("198.51.100.6")).trust == Trust::stranger);
  CHECK(identity_of(config, hosts, base::IpAddress()).trust == Trust::stranger);  // whoever that is
}

TEST_CASE("a stranger may not relay") {
  CHECK(reach(Trust::stranger, "bob@example.net") == "550 5.7.1");
  CHECK(reach(Trust::stranger, "bob@relay.example.com") == "550 5.7.1");  // nothing is told of who lives here
  CHECK(reach(Trust::trusted, "bob@example.net") == "bob@example.net");
}

namespace {

/// Where a stranger, or a trusted client, gets to with these domains for everybody: way and mailbox, or the refusal.
std::string fate(const std::string& recipient, Trust trust = Trust::stranger) {
  relay::Settings with_domains = settings();
  with_domains.config.accept.relay_domains = {"backup.example", "other.example"};
  const auto answer = may_reach(with_domains, trust, mail::Mailbox::parse(recipient).value());
  if (!answer) return answer.error().to_string().substr(0, 9);
  return (answer->way == Way::relay_domain ? "relay domain " : "") + answer->mailbox.to_string();
}

}  // namespace

TEST_CASE("a stranger may send to relay_domains, but not to what is below them") {
  CHECK(fate("bob@backup.example") == "relay domain bob@backup.example");
  CHECK(fate("Bob@BACKUP.Example") == "relay domain Bob@backup.example");
  CHECK(fate("\"b ob\"@other.example") == "relay domain \"b ob\"@other.example");
  CHECK(fate("postmaster@backup.example") == "relay domain postmaster@backup.example");
  for (const char* recipient : {"bob@mail.backup.example", "bob@example", "bob@xbackup.example", "bob@backup.example.net"}) {
    INFO(recipient);
    CHECK(fate(recipient) == "550 5.7.1");
  }
}

TEST_CASE("a stranger may not say where a host of relay_domains shall send the mail on") {
  for (const char* recipient : {"bob%example.net@backup.example", "example.net!bob@backup.example",
                                "\"bob@example.net\"@backup.example", "\"bob%example.net\"@other.example"}) {
    INFO(recipient);
    CHECK(fate(recipient) == "550 5.7.1");
    CHECK(fate(recipient, Trust::trusted) == mail::Mailbox::parse(recipient)->to_string());
  }
}

TEST_CASE("for a trusted client relay_domains are domains like all others") {
  CHECK(fate("bob@backup.example", Trust::trusted) == "bob@backup.example");
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

TEST_CASE("aliases of this host lead everybody where they point, through each other and in any case") {
  for (const Trust trust : {Trust::stranger, Trust::trusted}) {
    CHECK(reach(trust, "abuse@relay.example.com") == "admin@example.com");
    CHECK(reach(trust, "ABUSE@localhost") == "admin@example.com");
    CHECK(reach(trust, "Root@old.example.com") == "team@example.org");
    CHECK(reach(trust, "ops@relay.example.com") == "team@example.org");
  }
  CHECK(reach(Trust::stranger, "abuse@example.com") == "550 5.7.1");
  CHECK(reach(Trust::trusted, "abuse@example.com") == "abuse@example.com");
}

TEST_CASE("what goes on from this host is told from what goes to the world") {
  const auto way = [](const char* recipient) {
    return may_reach(settings(), Trust::trusted, mail::Mailbox::parse(recipient).value()).value().way;
  };
  CHECK(way("root@localhost") == Way::alias);
  CHECK(way("postmaster@relay.example.com") == Way::alias);
  CHECK(way("bob@example.net") == Way::outside);
}

namespace {

/// The first words of the refusal; empty when the message may pass.
std::string refused_author(const std::string& header, Trust trust = Trust::trusted) {
  conf::Config config = settings().config;
  config.accept.sender_domains = {"example.com", "*.example.org"};
  mail::HeaderBlock block;
  block.feed(header);
  block.finish();
  const auto refusal = refuse_author(config, trust, block);
  return refusal ? refusal->to_string() : "";
}

std::string refused_sender(const std::string& reverse_path, Trust trust = Trust::trusted) {
  conf::Config config = settings().config;
  config.accept.sender_domains = {"example.com", "*.example.org"};
  const auto refusal = refuse_sender(config, trust, mail::ReversePath::parse(reverse_path).value());
  return refusal ? refusal->to_string() : "";
}

}  // namespace

TEST_CASE("sender_domains bind the reverse-path of a trusted client") {
  CHECK(refused_sender("a@example.com").empty());
  CHECK(refused_sender("a@EXAMPLE.com").empty());
  CHECK(refused_sender("a@news.example.org").empty());
  CHECK(refused_sender("").empty());
  CHECK(refused_sender("a@example.net") == "550 5.7.1 MAIL FROM: the domain example.net is not in accept.sender_domains");
  CHECK(refused_sender("a@sub.example.com").starts_with("550 5.7.1"));  // only when it is listed
  CHECK(refused_sender("a@example.org").starts_with("550 5.7.1"));      // "*." is below it
  CHECK(refused_sender("a@example.com.net").starts_with("550 5.7.1"));
  CHECK(refused_sender("a@notexample.com").starts_with("550 5.7.1"));
  CHECK(refused_sender("a@[192.0.2.1]").starts_with("550 5.7.1"));
  CHECK(refused_sender("a@example.net", Trust::stranger).empty());  // he reaches what is ours only
  CHECK_FALSE(refuse_sender(settings().config, Trust::trusted, mail::ReversePath::parse("a@example.net").value()));
}

TEST_CASE("sender_domains bind every address of every From:") {
  CHECK(refused_author("From: a@example.com\r\n\r\n").empty());
  CHECK(refused_author("From: \"b@example.net\" <a@Example.Com>\r\n\r\n").empty());
  CHECK(refused_author("From: a@example.com, B <b@x.example.org>\r\n\r\n").empty());
  CHECK(refused_author("From: us: a@example.com;\r\n\r\n").empty());
  CHECK(refused_author("From: b@example.net\r\n\r\n") ==
        "550 5.7.1 From: the domain example.net is not in accept.sender_domains");
  for (const char* header : {"From: a@example.com, b@example.net\r\n", "From: a@example.com\r\nFrom: b@example.net\r\n",
                             "From: a@example.com <b@example.net>\r\n", "From: a@example.com, <b@example.net>, c@example.com\r\n",
                             "From: x: a@example.com, b@example.net;\r\n", "From: nobody\r\n", "From: <@example.com>\r\n",
                             "From: a@example.com, <b\r\n", "Subject: none\r\n", "fRoM : <b@example.net>\r\n"}) {
    INFO(header);
    CHECK(refused_author(std::string(header) + "\r\n").starts_with("550 5.7.1"));
    CHECK(refused_author(std::string(header) + "\r\n", Trust::stranger).empty());
  }
}

TEST_CASE("nobody else lives on the relay") {
  CHECK(reach(Trust::trusted, "alice@relay.example.com") == "550 5.1.1");
  CHECK(reach(Trust::trusted, "alice@old.example.com") == "550 5.1.1");
  CHECK(reach(Trust::trusted, "alice@mail.relay.example.com") == "alice@mail.relay.example.com");
}

// What receivers' replies mean: each example must mean what its provider says, and each rule of the built-in table has one.
#include <algorithm>
#include <set>

#include "conf/receivers.h"
#include "relay/replies.h"
#include "tests/catch.h"
#include "tests/unit/relay/reply_examples.h"

namespace {

using namespace std::chrono_literals;
using namespace world;
using conf::ReplyAction;
using conf::ReplyScope;

mail::Reply read(std::string_view lines) {
  mail::ReplyParser parser;
  parser.feed(lines);
  parser.feed("\r\n");
  auto reply = parser.next();
  REQUIRE(reply);
  REQUIRE(*reply);
  return **reply;
}

const conf::Config nothing_configured = conf::defaults();

std::optional<relay::Meaning> meaning(const char* mx, std::string_view reply, const conf::Config& config = nothing_configured) {
  return relay::meaning_of(config, mx, read(reply));
}

/// A configuration with these [[reply]] blocks.
conf::Config configured(std::string_view blocks) {
  auto config = conf::parse_config("hostname = \"mail.example.com\"\npostmaster = \"admin@example.com\"\n" + std::string(blocks),
                                   "test.toml", "/etc");
  INFO((config ? "" : config.error().words));
  REQUIRE(config);
  return *config;
}

}  // namespace

TEST_CASE("receivers' replies mean what their providers say") {
  for (const Example& example : reply_examples()) {
    INFO(example.mx << ": " << example.reply);
    const auto found = meaning(example.mx, example.reply);
    if (!found) {
      FAIL_CHECK("no rule knows it");
      continue;
    }
    CHECK(found->rule->action == example.action);
    CHECK(found->rule->then == example.then);
    CHECK(found->scope == example.scope);
    CHECK(found->wait == example.wait);
    CHECK(found->rule->record == example.record);
  }
}

TEST_CASE("each rule of the built-in table has an example") {
  using Told = std::pair<std::string, std::string>;
  const auto told = [](const conf::ReplyRule& rule) {
    const bool twin = rule.provider == "microsoft365" || rule.provider == "exmail";
    return Told(!twin ? rule.provider : rule.provider == "exmail" ? "qq" : "outlook", rule.meaning);
  };
  std::set<Told> hit;
  for (const Example& example : reply_examples()) {
    if (const auto found = meaning(example.mx, example.reply)) hit.insert(told(*found->rule));
  }
  for (const conf::ReplyRule& rule : conf::receivers().replies) {
    INFO(rule.provider << ": " << rule.meaning);
    CHECK(hit.contains(told(rule)));
  }
}

TEST_CASE("the receivers of one provider have the same rules") {
  const auto of = [](std::string_view provider) {
    std::vector<std::string> meanings;
    for (const conf::ReplyRule& rule : conf::receivers().replies) {
      if (rule.provider == provider) meanings.push_back(rule.meaning);
    }
    return meanings;
  };
  CHECK(of("outlook") == of("microsoft365"));
  CHECK(of("qq") == of("exmail"));
}

TEST_CASE("each rule of the built-in table can be told to people") {
  for (const conf::ReplyRule& rule : conf::receivers().replies) {
    INFO(rule.meaning);
    CHECK(rule.meaning.ends_with('.'));
    CHECK(rule.chinese.ends_with("。"));
    CHECK((rule.link.empty() || rule.link.starts_with("https://")));
    CHECK((rule.action == ReplyAction::fix) == !rule.record.empty());
    CHECK((!rule.code.empty() || !rule.status.empty() || !rule.text.empty()));
  }
}

TEST_CASE("ordinary replies of hosts without a profile have no rule") {
  for (const char* reply :
       {"550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown", "452 4.2.2 Mailbox full",
        "451 4.3.0 Temporary failure", "421 4.3.2 Service shutting down", "554 5.7.1 Relay access denied",
        "550 5.7.1 Message rejected", "550 The mailbox is frozen. Ask its owner.", "421 4.7.28 too much", "450 4.2.1 at a rate",
        "550 5.7.26 not authenticated", "550 Mailbox unavailable or access denied", "421 4.7.1 Service unavailable",
        "550 5.2.1 try again later", "250 2.0.0 Ok, not on the blocklist", "354 go on, greylisted one"}) {
    INFO(reply);
    CHECK_FALSE(meaning(anyone, reply));
    CHECK_FALSE(meaning("", reply));
  }
}

TEST_CASE("a tag counts at its provider alone, and as a word of its own") {
  CHECK_FALSE(meaning(gmail, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred"));
  CHECK_FALSE(meaning(netease, "421 XHL:REP nonsense"));
  CHECK(meaning(netease, "421 xx-HL:REP-1"));
  CHECK_FALSE(meaning(outlook, "451 4.7.5000 busy"));
  CHECK_FALSE(meaning(outlook, "451 4.7.499 busy"));
  CHECK_FALSE(meaning(outlook, "451 4.7.700 PFA agent busy"));
}

TEST_CASE("an enhanced status is found where the provider puts it") {
  CHECK(meaning(gmail, "421 Try again 4.7.28 - gsmtp")->rule->action == ReplyAction::throttle);
  CHECK(meaning(gmail, "421 Slow down (#4.7.28).")->rule->action == ReplyAction::throttle);
  CHECK(meaning(outlook, "550 Access denied: 5.7.606")->rule->action == ReplyAction::pause);
  CHECK_FALSE(meaning(gmail, "421 from 4.7.28.1"));           // an address
  CHECK_FALSE(meaning(gmail, "421 from 1.4.7.28"));           // another
  CHECK_FALSE(meaning(gmail, "421 4.3.0 and later 4.7.28"));  // its own status is another
}

TEST_CASE("the host decides which provider it is, in any case") {
  const auto found = meaning("GMAIL-SMTP-IN.L.GOOGLE.COM", "421 4.7.28 too much");
  REQUIRE(found);
  CHECK(found->rule->provider == "gmail");
  CHECK_FALSE(meaning("google.com.example.net", "421 4.7.28 too much"));
}

TEST_CASE("a rule of the configuration stands before the table") {
  const conf::Config config = configured(R"(
[[reply]]
provider = "gmail"
status = ["4.7.28"]
action = "retry"
wait = "1h"
[[reply]]
mx = "*.example.net"
code = [550, 554]
text = ["Slow Down"]
action = "throttle"
then = "pause"
scope = "sender"
[[reply]]
text = ["odd"]
action = "stop"
[[reply]]
mx = "*.example.net"
text = ["strange"]
action = "stop"
)");
  const auto gmails = meaning(gmail, "421 4.7.28 too much mail of your SPF domain", config);
  REQUIRE(gmails);
  CHECK(gmails->rule == &config.reply[0]);
  CHECK(gmails->scope == ReplyScope::receiver);
  CHECK(gmails->wait == 1h);
  CHECK(meaning(gmail, "421 4.7.0 unusual rate", config)->rule->provider == "gmail");  // the table still counts
  const auto examples = meaning(anyone, "554 please SLOW\tdown a bit", config);
  REQUIRE(examples);
  CHECK(examples->rule == &config.reply[1]);
  CHECK(examples->scope == ReplyScope::sender);
  CHECK_FALSE(meaning(anyone, "450 slow down", config));
  CHECK_FALSE(meaning("mx.example.org", "554 slow down", config));
  CHECK(meaning("mx.example.org", "450 odd", config)->scope == ReplyScope::domain);
  CHECK(meaning(anyone, "450 strange", config)->scope == ReplyScope::receiver);
}

TEST_CASE("the time to wait is what the reply says, else what the rule says, within bounds") {
  const auto wait = [](std::string_view words) { return meaning(anyone, "451 greylisted: " + std::string(words))->wait; };
  CHECK(wait("come another time") == 10min);
  CHECK(wait("try again in 300 seconds") == 300s);
  CHECK(wait("try again in 45 s") == 45s);
  CHECK(wait("please retry in 5 minutes.") == 5min);
  CHECK(wait("retry after 1 hour") == 1h);
  CHECK(wait("Wait at least 90 mins") == 90min);
  CHECK(wait("wait 2h") == 2h);
  CHECK(wait("try again in 00:01:30") == 90s);
  CHECK(wait("请 2 小时后重试") == 2h);
  CHECK(wait("30秒之后") == 30s);
  CHECK(wait("more than 100 messages in 10 minutes, try again in 30 minutes") == 30min);
  CHECK(wait("try again in 0 seconds") == 1s);
  CHECK(wait("try again in 999999 hours") == 24h);
  CHECK(wait("try again in 99999999999999999999 hours") == 10min);
  CHECK(wait("again, server 5 minutes of fame") == 10min);
  CHECK(wait("100 connections, 5 minutes window") == 10min);
  CHECK(wait("try again in 5 minuets") == 10min);
}

TEST_CASE("the link is the reply's own, else the rule's, and holds nothing but printable ASCII") {
  const auto link = [](std::string_view words) { return meaning(netease, "554 HL:IPB " + std::string(words))->link; };
  CHECK(link("") == "https://mail.163.com/help/help_spam_16.htm");
  CHECK(link("see http://mail.163.com/help?ip=192.0.2.1&time=1.") == "http://mail.163.com/help?ip=192.0.2.1&time=1");
  CHECK(link("<HTTPS://one.example/a> http://two.example") == "HTTPS://one.example/a");
  CHECK(link("(https://one.example/a), please") == "https://one.example/a");
  CHECK(link("https://one.example/\x1b[31m") == "https://one.example/");
  CHECK(link("ftp://one.example") == "https://mail.163.com/help/help_spam_16.htm");
  CHECK(link("https://") == "https://mail.163.com/help/help_spam_16.htm");
  CHECK(link("https://one.example/" + std::string(400, 'a')) == "https://mail.163.com/help/help_spam_16.htm");
  CHECK(meaning(anyone, "554 blocked, see https://check.spamhaus.org/query/ip/192.0.2.1")->link ==
        "https://check.spamhaus.org/query/ip/192.0.2.1");
}

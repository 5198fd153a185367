// How much a receiver is given, and what refusals do: pure rooms of the delivery.
#include "relay/delivery/shaping.h"

#include "relay/delivery/fallbacks.h"
#include "relay/delivery/refusals.h"
#include "relay/delivery/standing.h"
#include "relay/delivery/warmup.h"
#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using namespace relay::delivery;
using relay::Meaning;

const base::Time noon = base::parse_date("2026-12-01").value() + 12h;

dns::Candidate host(const std::string& name, std::uint16_t port = 25) {
  return dns::Candidate{name, base::IpAddress::parse("192.0.2.1").value(), port};
}

conf::ReplyRule rule(conf::ReplyAction action, std::optional<conf::ReplyAction> then = std::nullopt) {
  conf::ReplyRule made;
  made.action = action;
  made.then = then;
  return made;
}

Refusal refusal() { return Refusal{"gmail", "a.example", "sender.example", "mx.google.com", "421 4.7.0 go away"}; }

}  // namespace

TEST_CASE("hosts of one name and registry stand alone, others are known by what they have in common") {
  CHECK(group_of_host("mx1.example.com") == "*.example.com");
  CHECK(group_of_host("mx2.eu.example.com") == "*.eu.example.com");
  CHECK(group_of_host("example.com") == "example.com");
  CHECK(group_of_host("example.com.cn") == "example.com.cn");
  CHECK(group_of_host("mx.example.com.cn") == "*.example.com.cn");
  CHECK(group_of_host("mail.co.uk") == "mail.co.uk");
  CHECK(group_of_host("[192.0.2.1]") == "[192.0.2.1]");
}

TEST_CASE("large receivers have their profile, a shape stands over it key by key") {
  conf::Config config = conf::defaults();
  Shaping shaping = shaping_for(config, "a.example", host("aspmx.l.google.com"));
  CHECK(shaping.group == "gmail");
  CHECK(shaping.limits.connections == 5);
  CHECK(shaping.messages_per_connection == 50);
  CHECK(shaping_for(config, "b.example", host("mx1.qq.com")).group == "qq");
  CHECK(shaping_for(config, "b.example", host("mxbiz1.qq.com")).group == "exmail");
  CHECK(shaping_for(config, "b.example", host("mx.other.example")).limits.connections == 10);

  conf::Shape& shape = config.shape.emplace_back();
  shape.mx = "*.google.com";
  shape.rate = base::Rate{100, 1min};
  shaping = shaping_for(config, "a.example", host("aspmx.l.google.com"));
  CHECK(shaping.group == "gmail");
  CHECK(shaping.limits.connections == 5);
  CHECK(shaping.limits.rate == base::Rate{100, 1min});
}

TEST_CASE("a shape for a domain takes it out of the group of its hosts") {
  conf::Config config = conf::defaults();
  conf::Shape& shape = config.shape.emplace_back();
  shape.domain = "abc.example";
  shape.connections = 2;
  CHECK(shaping_for(config, "abc.example", host("aspmx.l.google.com")).group == "abc.example");
  CHECK(shaping_for(config, "abc.example", host("aspmx.l.google.com")).limits.connections == 2);
  CHECK(shaping_for(config, "other.example", host("aspmx.l.google.com")).group == "gmail");
}

TEST_CASE("a host that a route names is its own group, by its port too") {
  conf::Config config = conf::defaults();
  conf::Route& route = config.route.emplace_back();
  route.domain = "*";
  route.hosts = {"smart.example.com:587"};
  CHECK(shaping_for(config, "a.example", host("smart.example.com", 587)).group == "smart.example.com:587");
}

TEST_CASE("a receiver that throttles without a time gets a message a minute for 90 minutes") {
  Refusals refusals;
  const auto throttle = rule(conf::ReplyAction::throttle);
  const auto ruling = refusals.rule(Meaning{&throttle, conf::ReplyScope::receiver, std::nullopt, ""}, refusal(), noon);
  CHECK(ruling.verdict == queue::Verdict::deferred);
  CHECK(ruling.group_slow == noon + 90min);
  CHECK_FALSE(ruling.group_rests);
}

TEST_CASE("a receiver that says a time gets nothing until then") {
  Refusals refusals;
  const auto throttle = rule(conf::ReplyAction::throttle);
  const auto ruling = refusals.rule(Meaning{&throttle, conf::ReplyScope::receiver, 10min, ""}, refusal(), noon);
  CHECK(ruling.group_rests == noon + 10min);
  CHECK(ruling.wait == base::Duration(10min));
}

TEST_CASE("what concerns the sender's domain leaves the others alone") {
  Refusals refusals;
  const auto throttle = rule(conf::ReplyAction::throttle);
  const auto ruling = refusals.rule(Meaning{&throttle, conf::ReplyScope::sender, 10min, ""}, refusal(), noon);
  CHECK_FALSE(ruling.group_rests);
  CHECK_FALSE(ruling.group_slow);
  CHECK(refusals.sender_waits("gmail", "sender.example", noon + 9min) == noon + 10min);
  CHECK_FALSE(refusals.sender_waits("gmail", "sender.example", noon + 10min));
  CHECK_FALSE(refusals.sender_waits("gmail", "other.example", noon));
}

TEST_CASE("the third refusal in a row is another matter; those at one time count once, and mail that is taken starts anew") {
  Refusals refusals;
  const auto throttle = rule(conf::ReplyAction::throttle, conf::ReplyAction::pause);
  const Meaning meaning{&throttle, conf::ReplyScope::receiver, 10min, "https://example.com/delist"};
  const auto action_at = [&](base::Time now) { return refusals.rule(meaning, refusal(), now).action; };
  for (int i = 0; i < 5; ++i) CHECK(action_at(noon) == conf::ReplyAction::throttle);
  CHECK(action_at(noon + 10min) == conf::ReplyAction::throttle);
  const bool relents = GENERATE(false, true);
  if (relents) CHECK(refusals.accepted("gmail", "a.example").empty());
  CHECK(action_at(noon + 20min) == (relents ? conf::ReplyAction::throttle : conf::ReplyAction::pause));
}

TEST_CASE("a block is told once, probed every half hour, remembered, and over with the first mail that is taken") {
  Refusals refusals;
  const auto pause = rule(conf::ReplyAction::pause);
  const Meaning meaning{&pause, conf::ReplyScope::receiver, std::nullopt, "https://example.com/delist"};
  const auto first = refusals.rule(meaning, refusal(), noon);
  CHECK(first.tell);
  CHECK(first.group_rests == noon + 30min);
  const auto second = refusals.rule(meaning, refusal(), noon + 30min);
  CHECK_FALSE(second.tell);
  REQUIRE(refusals.block_of("gmail", "other.example") != nullptr);
  const Block block = *refusals.block_of("gmail", "other.example");
  CHECK(block.since == noon);
  CHECK(block.next_probe == noon + 60min);
  const auto again = Block::from(block.to_remember());
  REQUIRE(again);
  CHECK(again->since == noon);
  CHECK(again->reply == block.reply);
  CHECK(again->of == Block::Of::group);
  CHECK(refusals.accepted("gmail", "a.example").size() == 1);
  CHECK(refusals.block_of("gmail", "a.example") == nullptr);
  CHECK_FALSE(refusals.rule(meaning, refusal(), noon + 23h).tell);  // it takes some mail and blocks other
  CHECK(refusals.accepted("gmail", "a.example").size() == 1);
  CHECK(refusals.rule(meaning, refusal(), noon + 25h).tell);
}

TEST_CASE("what is remembered of a block and makes no sense is nothing") {
  CHECK_FALSE(Block::from({"block", "gmail", "{"}));
  CHECK_FALSE(Block::from({"block", "gmail", "[]"}));
  CHECK_FALSE(Fallback::from({"fallback", "a.example", "tomorrow"}));
}

TEST_CASE("a blocklist of one domain leaves the rest of its receiver alone") {
  Refusals refusals;
  const auto pause = rule(conf::ReplyAction::pause);
  const auto ruling = refusals.rule(Meaning{&pause, conf::ReplyScope::domain, std::nullopt, ""}, refusal(), noon);
  CHECK_FALSE(ruling.group_rests);
  CHECK(ruling.destination_rests == noon + 30min);
}

TEST_CASE("what we can mend is kept four hours and told once a day") {
  Refusals refusals;
  const auto fix = rule(conf::ReplyAction::fix);
  const Meaning meaning{&fix, conf::ReplyScope::receiver, std::nullopt, ""};
  const auto ruling = refusals.rule(meaning, refusal(), noon);
  CHECK(ruling.keep == base::Duration(4h));
  CHECK(ruling.tell);
  CHECK_FALSE(refusals.rule(meaning, refusal(), noon + 23h).tell);
  CHECK(refusals.rule(meaning, refusal(), noon + 24h).tell);
}

TEST_CASE("a domain goes round for its time, over a restart") {
  Fallbacks fallbacks;
  fallbacks.take_up(Fallback{"a.example", noon + 1h, "554 no"});
  REQUIRE(fallbacks.find("a.example", noon) != nullptr);
  CHECK(fallbacks.find("a.example", noon + 1h) == nullptr);
  CHECK(fallbacks.find("b.example", noon) == nullptr);
  const auto again = Fallback::from(fallbacks.find("a.example", noon)->to_remember());
  REQUIRE(again);
  CHECK(again->until == noon + 1h);
  CHECK(again->reason == "554 no");
}

TEST_CASE("the plan of a warm-up grows from day to day and ends after three weeks") {
  CHECK(warmup_plan(1) == 50U);
  for (std::uint64_t day = 2; day <= 21; ++day) CHECK(*warmup_plan(day) > *warmup_plan(day - 1));
  CHECK_FALSE(warmup_plan(22));
}

TEST_CASE("each receiver has its own share of the day, over a restart") {
  Warmup warmup;
  CHECK_FALSE(warmup.is_on(noon));
  warmup.configure("2026-12-01");
  CHECK(warmup.day(noon) == 1);
  CHECK(warmup.day(noon + 24h) == 2);
  Warmup restarted;
  restarted.configure("2026-12-01");
  for (int i = 0; i < 50; ++i) {
    CHECK_FALSE(warmup.is_over("gmail", noon));
    if (const auto thing = warmup.count("gmail", noon)) restarted.take_up(*thing);
  }
  CHECK(warmup.is_over("gmail", noon));
  CHECK(restarted.is_over("gmail", noon));
  CHECK_FALSE(warmup.is_over("qq", noon));
  CHECK_FALSE(warmup.is_over("gmail", noon + 24h));
  CHECK(Warmup::tomorrow(noon) == noon + 12h);
}

TEST_CASE("what makes mail wait is told in sentences") {
  Standing standing;
  standing.destination = "a.example";
  CHECK(reasons_to_wait(standing, noon).empty());
  standing.group = "gmail";
  standing.group_rests_until = noon + 10min;
  standing.paused_by = "*.example";
  const auto reasons = reasons_to_wait(standing, noon);
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].english.find("queue resume '*.example'") != std::string::npos);
  CHECK(reasons[1].english.find("2026-12-01T12:10") != std::string::npos);
}

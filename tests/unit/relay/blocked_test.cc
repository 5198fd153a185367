// Receivers that refuse because of who we are: blocks, letters, the fallback of a route, limits that domains share.
#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "dns/resolver.h"
#include "relay/daemon.h"
#include "tests/catch.h"
#include "tests/unit/relay/deeds.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

/// Domains with one host among them; the postmaster's has a host of its own.
const World shared = [](dns::StaticResolver& dns) {
  for (const char* domain : {"one.example", "two.example", "three.example"}) {
    dns.add(domain, dns::RecordType::mx, dns::MxRecord{10, "mx.big.example"});
  }
  dns.add("mx.big.example", dns::RecordType::a, base::IpAddress::parse("127.0.0.1").value());
  dns.add("example.com", dns::RecordType::mx, dns::MxRecord{10, "mx.example.com"});
  dns.add("mx.example.com", dns::RecordType::a, base::IpAddress::parse("127.0.0.1").value());
};

void submit(const Relay& relay, const std::string& to, const std::string& words = "x") {
  Client client = relay.client();
  client.ehlo();
  REQUIRE(client.send("a@client.example", {to}, message("a@client.example", words)).starts_with("250 "));
}

conf::ReplyRule& add_rule(conf::Config& config, const std::string& text, conf::ReplyAction action) {
  conf::ReplyRule& rule = config.reply.emplace_back();
  rule.text = {text};
  rule.action = action;
  return rule;
}

std::size_t arrivals_for(const Sink& sink, std::string_view mailbox) {
  const auto arrivals = sink.arrivals();
  return static_cast<std::size_t>(std::ranges::count_if(
      arrivals, [&](const Arrival& arrival) { return arrival.rcpts.front().find(mailbox) != std::string::npos; }));
}

/// Refuses everybody but the postmaster, until it relents.
class Unfriendly {
 public:
  explicit Unfriendly(Sink& sink, std::string words) {
    sink.script([this, words = std::move(words)](const Said& said) -> std::optional<std::string> {
      if (relents || said.verb != "RCPT" || said.line.find("admin@example.com") != std::string::npos) return std::nullopt;
      return words;
    });
  }
  std::atomic<bool> relents = false;
};

}  // namespace

TEST_CASE("a receiver that blocks us keeps all of its domains waiting, the postmaster is told once, and a probe lets them go") {
  const Folder folder;
  Sink sink;
  Unfriendly receiver(sink, "550 5.7.1 blocked, ask https://example.org/delist");
  conf::Config config = config_in(folder, sink.port());
  conf::ReplyRule& rule = add_rule(config, "blocked", conf::ReplyAction::pause);
  rule.mx = "*.big.example";
  rule.wait = std::chrono::seconds(1);
  rule.meaning = "It has had enough of us.";
  config.alert.command = "/bin/sh -e " + (folder / "alert.sh");
  std::ofstream(folder / "alert.sh") << "cat > " << (folder / "told") << "\n";
  Relay relay(config, shared);
  submit(relay, "a@one.example");
  CHECK(eventually([&] { return relay.logs("warning blocked destination=*.big.example"); }));
  submit(relay, "b@two.example");
  submit(relay, "c@three.example");
  REQUIRE(eventually([&] { return arrivals_for(sink, "admin@example.com") == 1; }));
  const std::string letter = sink.arrivals().front().content;
  CHECK(letter.find("https://example.org/delist") != std::string::npos);
  CHECK(letter.find("mailferry queue resume '*.big.example'") != std::string::npos);
  CHECK(letter.find("mailferry queue pause 'mx.big.example'") != std::string::npos);
  CHECK(relay.count_in_log("info bounced") == 0);
  REQUIRE(eventually([&] { return pauses(relay).size() == 1; }));
  CHECK(pauses(relay).front().block);
  const json::value listed = relay.get("/queue/pauses").at("rows").at(0);
  CHECK(listed.at("pattern").as_string() == "*.big.example");
  CHECK(std::string(listed.at("reply").as_string()).find("5.7.1 blocked") != std::string::npos);
  CHECK(eventually([&] { return base::read_file(folder / "told", 10'000).value_or("").find("delist") != std::string::npos; }));
  const auto domains = relay.get("/queue/summary").at("rows").as_array();
  const auto one =
      std::ranges::find_if(domains, [](const json::value& row) { return row.at("name").as_string() == "one.example"; });
  REQUIRE(one != domains.end());
  const json::value limit = one->at("limit");
  CHECK(limit.at("receiver").as_string() == "*.big.example");
  CHECK(limit.at("state").as_string() == "blocked");
  CHECK(limit.at("most_connections").to_number<int>() == 10);
  CHECK(std::string(limit.at("reason").at("english").as_string()).find("5.7.1 blocked") != std::string::npos);
  const auto of_host = relay.get("/queue/summary?by=mx").at("rows").as_array();
  CHECK(std::ranges::any_of(of_host, [](const json::value& row) { return row.at("limit").is_object(); }));
  const auto waiting = rows_in(config);
  REQUIRE_FALSE(waiting.empty());
  const json::value explained = relay.get("/queue/" + waiting.front().id.to_string() + "/reasons").at("recipients").at(0);
  CHECK(std::string(explained.at("reasons").at(0).at("english").as_string()).find("has refused our mail") != std::string::npos);
  CHECK(explained.at("explanation").as_array().size() >= 2);
  receiver.relents = true;
  for (const char* mailbox : {"a@one.example", "b@two.example", "c@three.example"}) {
    CHECK(eventually([&] { return arrivals_for(sink, mailbox) == 1; }));
  }
  CHECK(relay.logs("info unblocked destination=*.big.example"));
  CHECK(pauses(relay).empty());
  CHECK(arrivals_for(sink, "admin@example.com") == 1);
}

TEST_CASE("a block outlives a restart, and an admin ends it") {
  const Folder folder;
  Sink sink;
  Unfriendly receiver(sink, "550 5.7.1 blocked");
  conf::Config config = config_in(folder, sink.port());
  add_rule(config, "blocked", conf::ReplyAction::pause).mx = "*.big.example";
  {
    Relay relay(config, shared);
    submit(relay, "a@one.example");
    REQUIRE(eventually([&] { return arrivals_for(sink, "admin@example.com") == 1; }));
    CHECK(holds(config, {"a@one.example deferred"}));
  }
  receiver.relents = true;
  Relay relay(config, shared);
  std::this_thread::sleep_for(Milliseconds(300));
  CHECK(arrivals_for(sink, "a@one.example") == 0);
  REQUIRE(pauses(relay).size() == 1);
  CHECK(resume(relay, "*.big.example") == 1);
  act(relay, queue::Deed::retry);
  CHECK(eventually([&] { return arrivals_for(sink, "a@one.example") == 1; }));
  CHECK(pauses(relay).empty());
}

TEST_CASE("mail to a receiver that blocks us expires: the postmaster and the alert's program are told before, once a block") {
  const Folder folder;
  Sink sink;
  Unfriendly receiver(sink, "550 5.7.1 blocked");
  conf::Config config = config_in(folder, sink.port());
  config.retry.give_up = std::chrono::hours(12);
  conf::ReplyRule& rule = add_rule(config, "blocked", conf::ReplyAction::pause);
  const bool one_domain = GENERATE(false, true);
  if (!one_domain) rule.mx = "*.big.example";
  const std::string name = one_domain ? "one.example" : "*.big.example";
  config.alert.command = "/bin/sh -e " + (folder / "alert.sh");
  std::ofstream(folder / "alert.sh") << "grep expires >> " << (folder / "told") << "\n";
  const Pace pace{.sweeps = Milliseconds(50)};
  {
    Relay relay(config, shared, pace);
    submit(relay, "a@one.example");
    REQUIRE(eventually([&] { return arrivals_for(sink, "admin@example.com") == 2; }));
    const auto arrivals = sink.arrivals();
    CHECK(std::ranges::any_of(arrivals, [&](const Arrival& letter) {
      return letter.content.find("Subject: Mail to " + name + " expires while it is refused\r\n") != std::string::npos;
    }));
    CHECK(relay.logs("warning block-expires destination=" + name));
    CHECK(eventually([&] { return base::read_file(folder / "told", 10'000).value_or("").find(name) != std::string::npos; }));
    CHECK(eventually([&] { return relay.get("/queue/pauses").at("rows").at(0).at("warned").is_string(); }));
  }
  Relay relay(config, shared, pace);
  std::this_thread::sleep_for(Milliseconds(300));
  CHECK(arrivals_for(sink, "admin@example.com") == 2);
}

TEST_CASE("what our own records are to blame for is kept, and the letter names the record") {
  const Folder folder;
  Sink sink;
  Unfriendly receiver(sink, "550 5.7.26 SPF did not pass");
  conf::Config config = config_in(folder, sink.port());
  add_rule(config, "spf did not pass", conf::ReplyAction::fix).record = "spf";
  Relay relay(config, shared);
  submit(relay, "a@one.example");
  submit(relay, "b@two.example");
  REQUIRE(eventually([&] { return arrivals_for(sink, "admin@example.com") >= 1; }));
  CHECK(sink.arrivals().front().content.find("SPF record") != std::string::npos);
  CHECK(relay.count_in_log("info bounced") == 0);
  receiver.relents = true;
  CHECK(eventually([&] { return arrivals_for(sink, "a@one.example") == 1 && arrivals_for(sink, "b@two.example") == 1; }));
  CHECK(arrivals_for(sink, "admin@example.com") == 1);
}

TEST_CASE("an error that a receiver means for now is no bounce, and one that it means for good is one") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "RCPT" && said.line.find("one.example") != std::string::npos) return "550 frequency limited";
    if (said.verb == "RCPT" && said.line.find("two.example") != std::string::npos) return "450 no such user, never";
    return std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {std::chrono::hours(1)};
  add_rule(config, "frequency", conf::ReplyAction::retry);
  add_rule(config, "never", conf::ReplyAction::stop);
  Relay relay(config, shared);
  submit(relay, "a@one.example");
  submit(relay, "b@two.example");
  CHECK(eventually([&] { return relay.count_in_log("info bounced") == 1; }));
  CHECK(holds(config, {"a@one.example deferred"}));
}

TEST_CASE("what the domain's own hosts refuse because of who we are goes by the fallback, and the next mail at once") {
  const Folder folder;
  Sink sink;
  Sink sister("127.0.0.2");
  const bool answers = GENERATE(true, false);
  sink.script([answers](const Said& said) -> std::optional<std::string> {
    if (!answers) return said.verb == "greeting" ? std::optional<std::string>(hang_up) : std::nullopt;
    return said.verb == "RCPT" ? std::optional<std::string>("550 5.7.1 your address is listed by zen.spamhaus.org")
                               : std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  conf::Route& route = config.route.emplace_back();
  route.domain = "*";
  route.hosts = {"mx"};
  route.fallback = {"[127.0.0.2]:" + std::to_string(sister.port())};
  std::size_t asked = 0;
  {
    Relay relay(config, shared);
    submit(relay, "a@one.example", "first");
    REQUIRE(sister.receives(1));
    CHECK(relay.logs("info fallback destination=one.example"));
    asked = sink.connections();
    submit(relay, "b@one.example", "second");
    CHECK(sister.receives(2));
    CHECK(sink.connections() == asked);
    CHECK(relay.count_in_log("info deferred") == 0);
  }
  Relay relay(config, shared);
  submit(relay, "c@one.example", "third");
  CHECK(sister.receives(3));
  CHECK(sink.connections() == asked);
  CHECK(relay.get("/status").at("delivery").at("fallbacks").at(0).at("domain").as_string() == "one.example");
}

TEST_CASE("already the first mail that goes by the fallback counts for its host") {
  const Folder folder;
  Sink sink;
  Sink sister("127.0.0.2");
  const Unfriendly receiver(sink, "550 5.7.1 your address is listed by zen.spamhaus.org");
  sister.script([](const Said& said) { return said.verb == "dot" ? std::optional<std::string>(stall) : std::nullopt; });
  conf::Config config = config_in(folder, sink.port());
  conf::Route& route = config.route.emplace_back();
  route.domain = "one.example";
  route.hosts = {"mx"};
  route.fallback = {"[127.0.0.2]:" + std::to_string(sister.port())};
  Relay relay(config, shared);
  submit(relay, "a@one.example");
  REQUIRE(eventually([&] { return sister.connections() == 1; }));
  const auto group = [&] {
    std::string name;
    relay.on_loop([&](relay::Daemon& daemon) { name = daemon.dispatcher().standing("one.example").group; });
    return name;
  };
  CHECK(eventually([&] { return group().starts_with("[127.0.0.2]"); }));
}

TEST_CASE("a receiver that throttles us is not asked again at its other hosts") {
  const Folder folder;
  Sink first;
  Sink second("127.0.0.2", first.port());
  const std::string stage = GENERATE("greeting", "RCPT");
  first.script([stage](const Said& said) -> std::optional<std::string> {
    return said.verb == stage ? std::optional<std::string>("421 4.7.28 too much, slow down") : std::nullopt;
  });
  conf::Config config = config_in(folder, first.port());
  conf::ReplyRule& rule = add_rule(config, "slow down", conf::ReplyAction::throttle);
  rule.mx = "*.example.net";
  rule.wait = std::chrono::hours(1);
  Relay relay(config, zones({{"example.net", {"127.0.0.1", "127.0.0.2"}}}));
  submit(relay, "a@example.net");
  CHECK(holds(config, {"a@example.net deferred"}));
  CHECK(eventually([&] { return !relay.get("/status").at("delivery").at("limited").as_array().empty(); }));
  CHECK(second.connections() == 0);
}

TEST_CASE("a destination rests with the words of the reply that made it rest, whatever was said of others") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    if (said.verb != "RCPT") return std::nullopt;
    return said.line.find("<a@") != std::string::npos ? "451 4.7.28 too much, slow down" : "452 4.2.2 mailbox full";
  });
  conf::Config config = config_in(folder, sink.port());
  conf::ReplyRule& rule = add_rule(config, "slow down", conf::ReplyAction::throttle);
  rule.scope = conf::ReplyScope::domain;
  rule.wait = std::chrono::hours(1);
  Relay relay(config, zones({{"example.net", {"127.0.0.1"}}}));
  Client client = relay.client();
  client.ehlo();
  const std::string id =
      id_in(client.send("a@client.example", {"a@example.net", "b@example.net"}, message("a@client.example", "x")));
  REQUIRE(holds(config, {"a@example.net deferred", "b@example.net deferred"}));
  const json::value other = relay.get("/queue/" + id + "/reasons").at("recipients").at(1);
  CHECK(boost::json::serialize(other).find("slow down") != std::string::npos);
}

TEST_CASE("a mailbox that does not exist does not go by the fallback") {
  const Folder folder;
  Sink sink;
  Sink sister("127.0.0.2");
  sink.script([](const Said& said) -> std::optional<std::string> {
    return said.verb == "RCPT" ? std::optional<std::string>("550 5.1.1 no such user") : std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  conf::Route& route = config.route.emplace_back();
  route.domain = "one.example";
  route.hosts = {"mx"};
  route.fallback = {"[127.0.0.2]:" + std::to_string(sister.port())};
  Relay relay(config, shared);
  submit(relay, "a@one.example");
  CHECK(eventually([&] { return relay.count_in_log("info bounced") == 1; }));
  CHECK(sister.connections() == 0);
}

TEST_CASE("mail for other domains of a host goes over its open connection") {
  const Folder folder;
  Sink sink;
  Relay relay(config_in(folder, sink.port()), shared);
  submit(relay, "a@one.example");
  REQUIRE(sink.receives(1));
  submit(relay, "b@two.example");
  REQUIRE(sink.receives(2));
  submit(relay, "c@three.example");
  REQUIRE(sink.receives(3));
  CHECK(sink.connections() == 1);
}

TEST_CASE("a connection ends after so many messages as its receiver likes") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  conf::Shape& shape = config.shape.emplace_back();
  shape.mx = "*.big.example";
  shape.messages_per_connection = 2;
  shape.connections = 1;
  Relay relay(config, shared);
  for (int i = 0; i < 6; ++i) submit(relay, "a@one.example", std::to_string(i));
  REQUIRE(sink.receives(6));
  CHECK(sink.connections() == 3);
}

TEST_CASE("a receiver gets no more than its rate, whatever the domain") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  conf::Shape& shape = config.shape.emplace_back();
  shape.mx = "*.big.example";
  shape.rate = base::Rate{5, std::chrono::seconds(1)};
  Relay relay(config, shared);
  const Strings domains = {"one.example", "two.example", "three.example"};
  for (std::size_t i = 0; i < 12; ++i) submit(relay, "a@" + domains[i % 3], std::to_string(i));
  REQUIRE(sink.receives(12));
  auto arrivals = sink.arrivals();
  std::ranges::sort(arrivals, {}, &Arrival::when);
  for (std::size_t i = 5; i < arrivals.size(); ++i) CHECK(arrivals[i].when - arrivals[i - 5].when > Milliseconds(900));
}

TEST_CASE("what is over the share of the day goes by the fallback, which has no share") {
  const Folder folder;
  Sink sink;
  Sink sister("127.0.0.2");
  conf::Config config = config_in(folder, sink.port());
  config.delivery.warmup = base::iso_time(base::now()).substr(0, 10);
  conf::Route& route = config.route.emplace_back();
  route.domain = "*";
  route.hosts = {"mx"};
  route.fallback = {"[127.0.0.2]:" + std::to_string(sister.port())};
  Relay relay(config, shared);
  for (int i = 0; i < 110; ++i) submit(relay, "a@one.example", std::to_string(i));
  CHECK(relay.empties());
  CHECK(sink.arrivals().size() >= 50);
  CHECK(sink.arrivals().size() <= 60);  // those under way when the share was used up
  CHECK(sink.arrivals().size() + sister.arrivals().size() == 110);
}

TEST_CASE("a new address sends its share of the day and keeps the rest") {
  const Folder folder;
  Sink sink;
  conf::Config config = config_in(folder, sink.port());
  config.delivery.warmup = base::iso_time(base::now()).substr(0, 10);
  Relay relay(config, shared);
  for (int i = 0; i < 52; ++i) submit(relay, "a@one.example", std::to_string(i));
  REQUIRE(sink.receives(50));
  CHECK(holds(config, {"a@one.example deferred", "a@one.example deferred"}));
  CHECK(sink.arrivals().size() == 50);
  const json::value warmup = relay.get("/status").at("delivery").at("warmup");
  CHECK(warmup.at("day").as_int64() == 1);
  CHECK(warmup.at("receivers").at(0).at("left").to_number<int>() == 0);
}

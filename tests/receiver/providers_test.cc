// Mail to the large receivers: everything gets through, in about the time that their limits allow, and nothing bounces that
// should not.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/receiver/providers.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace receiver;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;
using Providers = std::vector<std::unique_ptr<Provider>>;

constexpr const char* sender = "a@client.example";
constexpr milliseconds bound(40'000);

conf::ReplyRule rule(const std::string& provider, const std::string& text, conf::ReplyAction action, milliseconds wait) {
  conf::ReplyRule rule;
  rule.provider = provider;
  rule.text = {text};
  rule.action = action;
  rule.wait = wait;
  rule.meaning = "As the built-in one, with seconds for minutes.";
  return rule;
}

/// The built-in rules with waits that a test can wait for.
std::vector<conf::ReplyRule> hasty_rules() {
  using enum conf::ReplyAction;
  return {rule("gmail", "4.7.28", throttle, seconds(4)),
          rule("outlook", "RP-001", throttle, seconds(4)),
          rule("yahoo", "[TSS04]", throttle, seconds(4)),
          rule("icloud", "volume limit", throttle, seconds(4)),
          rule("qq", "frequency limited", throttle, seconds(4)),
          rule("netease", "RP:QRC", throttle, seconds(4)),
          rule("outlook", "S3140", pause, seconds(1)),
          rule("gmail", "5.7.26", fix, seconds(1)),
          rule("", "greylist", retry, seconds(1))};
}

/// The relay among the large receivers, which are its whole world but for the homes of its notices.
class LargeWorld {
 public:
  LargeWorld() : home_(doing({}), "PIPELINING", nullptr), providers_(large_receivers(authority_, home_.port())) {
    conf::Config config = world::config_in(folder_, home_.port());
    config.retry.delays = {milliseconds(500), seconds(1), seconds(2)};
    config.accept.sender_rate.reset();
    config.reply = hasty_rules();
    relay_.emplace(config, [this](dns::StaticResolver& resolver) {
      world::zones({{"client.example", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}})(resolver);
      for (const auto& provider : providers_) provider->add_to(resolver);
    });
    client_.emplace(relay_->port());
    client_->ehlo();
  }

  world::Relay& relay() { return *relay_; }
  const Receiver& home() const { return home_; }
  const Providers& providers() const { return providers_; }
  Provider& provider(const std::string& name) const {
    return **std::ranges::find(providers_, name, [](const auto& each) { return each->identity().name; });
  }
  /// One message to the recipient with that number, at one of the receiver's domains after the other.
  void send(const Provider& provider, std::size_t number) { send(recipient(provider, number)); }
  void send(const std::string& to) { REQUIRE(client_->send(sender, {to}, world::message(sender, to)).starts_with("250")); }
  static std::string recipient(const Provider& provider, std::size_t number) {
    const auto& domains = provider.identity().domains;
    return fmt::format("user{}@{}", number, domains[number % domains.size()]);
  }
  /// Mail for the postmaster, or for the sender.
  std::size_t letters_to(const std::string& mailbox) const {
    const auto arrivals = home_.arrivals();
    const std::vector<std::string> rcpt(1, fmt::format("RCPT TO:<{}>", mailbox));
    return static_cast<std::size_t>(std::ranges::count(arrivals, rcpt, &Arrival::rcpts));
  }

 private:
  const world::Folder folder_;
  const Authority authority_;
  Receiver home_;
  Providers providers_;
  std::optional<world::Relay> relay_;
  std::optional<world::Client> client_;
};

void check_all_came_once(const Provider& provider, std::size_t messages) {
  const auto received = provider.received();
  CHECK(received.size() == messages);
  for (const auto& [recipient, count] : received) {
    INFO(recipient);
    CHECK(count == 1);
  }
}

}  // namespace

TEST_CASE("every large receiver gets all its mail in the time that its limits allow", "[providers]") {
  constexpr std::size_t messages = 100;
  LargeWorld world;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < messages; ++i) {
    for (const auto& provider : world.providers()) world.send(*provider, i);
  }
  const auto handed_in = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
  std::map<std::string, milliseconds> times;
  const auto all_came = [&] {
    for (const auto& provider : world.providers()) {
      const auto so_far = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
      if (provider->arrived() >= messages) times.try_emplace(provider->identity().name, so_far);
    }
    return times.size() == world.providers().size();
  };
  CHECK(world::eventually(all_came, bound));
  CHECK(world.relay().empties());
  CHECK(world.relay().count("bounced") == 0);
  for (const auto& provider : world.providers()) {
    const milliseconds least = std::max(provider->least_time(messages), handed_in);
    const milliseconds taken = times.contains(provider->identity().name) ? times[provider->identity().name] : bound;
    INFO(provider->identity().name << ": " << taken.count() << " ms, " << least.count() << " at least; told of its quota "
                                   << provider->told("quota") << " times");
    check_all_came_once(*provider, messages);
    CHECK(taken < least + least / 2);
    CHECK(provider->told("connections") == 0);
    CHECK((provider->told("messages") == 0 || provider->identity().name == "yahoo"));
    CHECK(provider->told("tls") == 0);
  }
}

TEST_CASE("a receiver that blocks us is paused and keeps its mail until it is asked to delist us", "[providers]") {
  constexpr std::size_t messages = 20;
  LargeWorld world;
  Provider& outlook = world.provider("outlook");
  Provider& gmail = world.provider("gmail");
  outlook.block(
      "550 5.7.1 Unfortunately, messages from [127.0.0.1] weren't sent. Please contact your Internet service provider since part "
      "of their network is on our block list (S3140).");
  for (std::size_t i = 0; i < messages; ++i) {
    world.send(outlook, i);
    world.send(gmail, i);
  }
  CHECK(world::eventually([&] { return gmail.arrived() == messages; }));
  CHECK(world.relay().logs("warning blocked destination=outlook"));
  CHECK(world::eventually([&] { return world.letters_to("admin@example.com") == 1; }));
  const std::size_t before = outlook.told("block");
  CHECK(world::eventually([&] { return outlook.told("block") > before; }));  // a probe
  CHECK(outlook.told("block") < 2 * messages);
  CHECK(world.relay().count("bounced") == 0);
  CHECK(world.relay().rows().size() == messages);
  outlook.unblock();
  CHECK(world::eventually([&] { return outlook.arrived() == messages; }));
  CHECK(world.relay().empties());
  check_all_came_once(outlook, messages);
  CHECK(world.relay().count("bounced") == 0);
  CHECK(world.letters_to("admin@example.com") == 1);
  CHECK(world.relay().logs("info unblocked destination=outlook"));
  CHECK(world.letters_to(sender) == 0);
}

TEST_CASE("mail that a receiver refuses for our DNS waits until it is mended", "[providers]") {
  constexpr std::size_t messages = 5;
  LargeWorld world;
  Provider& gmail = world.provider("gmail");
  gmail.block(
      "550 5.7.26 Your email has been blocked because the sender is unauthenticated. Gmail requires all senders to "
      "authenticate with either SPF or DKIM. - gsmtp");
  for (std::size_t i = 0; i < messages; ++i) world.send(gmail, i);
  CHECK(world::eventually([&] { return world.letters_to("admin@example.com") == 1; }));
  CHECK(world::eventually([&] { return world.relay().rows().size() == messages; }));
  gmail.unblock();
  CHECK(world::eventually([&] { return gmail.arrived() == messages; }));
  CHECK(world.relay().empties());
  CHECK(world.relay().count("bounced") == 0);
  CHECK(world.letters_to("admin@example.com") == 1);
}

TEST_CASE("mail that is greylisted comes when it is asked for", "[providers]") {
  constexpr std::size_t messages = 20;
  LargeWorld world;
  Provider& icloud = world.provider("icloud");
  icloud.greylist("451 4.7.1 Greylisting in action, please come back later", seconds(1));
  for (std::size_t i = 0; i < messages; ++i) world.send(icloud, i);
  CHECK(world::eventually([&] { return icloud.arrived() == messages; }));
  check_all_came_once(icloud, messages);
  CHECK(world.relay().empties());
  CHECK(world.relay().count("bounced") == 0);
}

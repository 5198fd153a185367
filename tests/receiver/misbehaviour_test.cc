// Whatever a receiver does: mail is delivered, told of, or kept, and never twice where once was possible.
#include <fmt/format.h>

#include <cstdlib>

#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/receiver/login.h"
#include "tests/receiver/stage.h"
#include "tests/receiver/time_limits.h"

namespace {

using namespace receiver;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Stages = std::vector<std::unique_ptr<Stage>>;

constexpr milliseconds bound(50'000);
constexpr milliseconds between_looks(100);

/// An authority that the relay trusts, as if it stood among the system's.
class TrustedAuthority : public Authority {
 public:
  explicit TrustedAuthority(const world::Folder& folder) {
    const std::string path = folder / "authority.pem";
    REQUIRE(base::write_file_durably(path, pem(), 0644));
    ::setenv("SSL_CERT_FILE", path.c_str(), 1);
  }
  ~TrustedAuthority() { ::unsetenv("SSL_CERT_FILE"); }
  TrustedAuthority(const TrustedAuthority&) = delete;
  TrustedAuthority& operator=(const TrustedAuthority&) = delete;
};

Stages put_on_stage(std::vector<Behaviour> behaviours, const Authority& authority) {
  Stages stages;
  for (Behaviour& behaviour : behaviours) {
    stages.push_back(std::make_unique<Stage>(std::move(behaviour), stages.size() + 1, authority));
  }
  return stages;
}

/// Tries again soon, a few times; notices go home.
conf::Config config_for(const world::Folder& folder, const Stages& stages, const Receiver& home) {
  conf::Config config = world::config_in(folder, home.port());
  config.retry.delays = {milliseconds(200), milliseconds(400), milliseconds(800), std::chrono::hours(1)};
  config.accept.sender_rate.reset();
  conf::ReplyRule greylisting;  // as it is built in, but for the minutes
  greylisting.text = {"try again later"};
  greylisting.wait = milliseconds(300);
  config.reply.push_back(greylisting);
  for (const auto& stage : stages) stage->add_to(config);
  const std::string password = folder / "password";
  REQUIRE(base::write_file_durably(password, user_password, 0600));
  for (conf::Route& route : config.route) {
    if (!route.username.empty()) route.password_file = password;
  }
  return config;
}

/// Without those at port 465 where the system keeps it from us.
std::vector<Behaviour> possible_behaviours() {
  std::vector<Behaviour> behaviours = all_behaviours();
  if (may_listen_at_465()) return behaviours;
  WARN("port 465 is not for us: receivers with implicit TLS are left out");
  std::erase_if(behaviours, [](const Behaviour& behaviour) { return behaviour.implicit_tls; });
  return behaviours;
}

world::World world_of(const Stages& stages) {
  return [&stages](dns::StaticResolver& resolver) {
    world::zones({{"client.example", {"127.0.0.1"}}, {"example.com", {"127.0.0.1"}}})(resolver);
    for (const auto& stage : stages) stage->add_to(resolver);
  };
}

/// Looks until nothing is missing, or for too long.
Fates watch(const world::Relay& relay, const Stages& stages) {
  const auto until = Clock::now() + bound;
  for (;;) {
    Fates seen = fates(relay);
    const auto is_there = [&seen](const auto& stage) { return stage->missing(seen).empty(); };
    if (std::ranges::all_of(stages, is_there) || Clock::now() > until) return seen;
    std::this_thread::sleep_for(between_looks);
  }
}

std::size_t bounces_in(const Stages& stages) {
  std::size_t count = 0;
  for (const auto& stage : stages) {
    if (stage->behaviour().end.became == Became::bounced) count += stage->behaviour().messages;
  }
  return count;
}

}  // namespace

TEST_CASE("whatever a receiver does, mail is delivered, told of or kept", "[misbehaviour]") {
  REQUIRE(mail::time_limit(mail::Stage::greeting) == patience);  // else the linker found nothing to shorten
  const world::Folder folder;
  const TrustedAuthority authority(folder);
  const Stages stages = put_on_stage(possible_behaviours(), authority);
  CHECK(stages.size() >= 60);
  Receiver home(doing({}), "PIPELINING 8BITMIME SMTPUTF8", nullptr);
  world::Relay relay(config_for(folder, stages, home), world_of(stages));
  world::Client client = relay.client();
  client.ehlo();
  for (const auto& stage : stages) stage->send(client);
  const Fates seen = watch(relay, stages);
  for (const auto& stage : stages) {
    INFO(stage->domain() << ": a receiver that " << stage->behaviour().name);
    CHECK(stage->missing(seen) == "");
    CHECK(stage->wrong() == "");
  }
  CHECK(world::eventually([&] { return home.arrived() == bounces_in(stages); }));
}

namespace {

/// How long mail for good receivers takes, from the first message that is handed in to the last that arrives.
milliseconds time_for_others(std::size_t dead) {
  constexpr std::size_t good = 30;
  std::vector<Behaviour> behaviours(good, Behaviour{.name = "takes mail", .messages = 4});
  for (std::size_t i = 0; i < dead; ++i) {
    Behaviour behaviour{.name = "is dead", .deeds = {stalls(Step::greeting)}, .messages = 4};
    if (i % 3 == 1) behaviour.door = Door::stalls;
    if (i % 3 == 2) behaviour.door = Door::refuses;
    behaviours.insert(behaviours.begin(), behaviour);  // the last one opens
  }
  const world::Folder folder;
  const Stages stages = put_on_stage(behaviours, Authority());
  Receiver home(doing({}), "", nullptr);
  world::Relay relay(config_for(folder, stages, home), world_of(stages));
  world::Client client = relay.client();
  client.ehlo();
  for (std::size_t i = 0; i < dead; ++i) stages[i]->send(client);
  REQUIRE(world::eventually([&] { return dead == 0 || stages[dead - 1]->connections() > 0; }));
  const auto start = Clock::now();
  for (std::size_t i = dead; i < stages.size(); ++i) stages[i]->send(client);
  const auto have_theirs = [&] {
    return std::all_of(stages.begin() + static_cast<std::ptrdiff_t>(dead), stages.end(),
                       [](const auto& stage) { return stage->arrived() == stage->behaviour().messages; });
  };
  REQUIRE(world::eventually(have_theirs));
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

}  // namespace

TEST_CASE("dead destinations cost the others nothing", "[misbehaviour]") {
  const milliseconds alone = time_for_others(0);
  const milliseconds among_dead = time_for_others(60);
  INFO(alone.count() << " ms alone, " << among_dead.count() << " ms among dead ones");
  CHECK(among_dead < alone + alone / 2 + milliseconds(500));
}

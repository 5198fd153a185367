// How patient we are with whom: shape over route over [retry], key by key.
#include "relay/retry_policy.h"

#include <chrono>
#include <vector>

#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using Delays = std::vector<base::Duration>;

conf::Config config_with_overrides() {
  conf::Config config = conf::defaults();
  config.retry.delays = {1min, 5min};
  config.retry.give_up = 120h;
  config.retry.warn = 4h;
  conf::Route route;
  route.domain = "*.inside.example";
  route.retry.delays = {10s};
  route.retry.give_up = 240h;
  config.route.push_back(route);
  conf::Shape by_host;
  by_host.mx = "*.google.example";
  by_host.retry.give_up = 48h;
  config.shape.push_back(by_host);
  conf::Shape by_domain;
  by_domain.domain = "vip.*";
  by_domain.retry.delays = {30s, 1min};
  by_domain.retry.warn = 30min;
  config.shape.push_back(by_domain);
  return config;
}

}  // namespace

TEST_CASE("[retry] counts where nothing else is said") {
  const auto policy = relay::retry_policy(config_with_overrides(), "example.net", "mx.example.net");
  CHECK(policy.delays == Delays{1min, 5min});
  CHECK(policy.give_up == 120h);
  CHECK(policy.warn == 4h);
}

TEST_CASE("a route replaces the keys that it names") {
  const auto policy = relay::retry_policy(config_with_overrides(), "mail.Inside.example", "");
  CHECK(policy.delays == Delays{10s});
  CHECK(policy.give_up == 240h);
  CHECK(policy.warn == 4h);
}

TEST_CASE("a shape by domain replaces those of the route") {
  const auto policy = relay::retry_policy(config_with_overrides(), "vip.inside.example", "");
  CHECK(policy.delays == Delays{30s, 1min});
  CHECK(policy.give_up == 240h);
  CHECK(policy.warn == 30min);
}

TEST_CASE("a shape by host counts once the host is known, and the first one that matches alone") {
  const conf::Config config = config_with_overrides();
  CHECK(relay::retry_policy(config, "example.net", "").give_up == 120h);
  CHECK(relay::retry_policy(config, "example.net", "ALT1.google.example").give_up == 48h);
  const auto policy = relay::retry_policy(config, "vip.example.net", "alt1.google.example");
  CHECK(policy.give_up == 48h);
  CHECK(policy.delays == Delays{1min, 5min});
}

TEST_CASE("each time of a warning once, those who want none left out") {
  conf::Config config = config_with_overrides();
  CHECK(relay::warning_times(config) == Delays{30min, 4h});
  config.route[0].retry.warn = base::Duration(0);
  config.shape[0].retry.warn = 1h;
  CHECK(relay::warning_times(config) == Delays{30min, 1h, 4h});
  config.retry.warn = base::Duration(0);
  CHECK(relay::warning_times(config) == Delays{30min, 1h});
}

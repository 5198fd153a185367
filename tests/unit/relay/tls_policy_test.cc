// Whose word on TLS counts, and who gets a password.
#include "relay/delivery/tls_policy.h"

#include "relay/delivery/login.h"
#include "tests/catch.h"

namespace {

using conf::DeliveryTls;
using mail::TlsUse;
using relay::delivery::login_for;
using relay::delivery::TlsPolicy;

dns::Candidate host(std::string name, std::uint16_t port = 25) {
  return dns::Candidate{std::move(name), base::IpAddress::parse("192.0.2.1").value(), port};
}

conf::Route route(std::string domain, std::vector<std::string> hosts, DeliveryTls tls = DeliveryTls::opportunistic) {
  conf::Route made;
  made.domain = std::move(domain);
  made.hosts = std::move(hosts);
  made.tls = tls;
  return made;
}

conf::Shape shape(std::string mx, std::string domain, std::optional<DeliveryTls> tls) {
  conf::Shape made;
  made.mx = std::move(mx);
  made.domain = std::move(domain);
  made.tls = tls;
  return made;
}

/// "required verified", "opportunistic" ...
std::string words(const TlsPolicy& policy) {
  std::string text = policy.use == TlsUse::never ? "never" : policy.use == TlsUse::required ? "required" : "opportunistic";
  if (policy.verify) text += " verified";
  if (policy.implicit) text += " implicit";
  if (policy.requiretls) text += policy.name_is_sure ? " REQUIRETLS" : " REQUIRETLS unsure";
  return text;
}

TlsPolicy policy_for(const conf::Config& config, std::string_view destination, const dns::Candidate& host,
                     mail::TlsWish wish = mail::TlsWish::none) {
  return relay::delivery::tls_policy(config, destination, host, wish);
}

const std::string google = "gmail-smtp-in.l.google.com";

}  // namespace

TEST_CASE("without another word [delivery] decides") {
  conf::Config config;
  const auto told = [&] { return words(policy_for(config, "example.net", host("mx.example.net"))); };
  CHECK(told() == "opportunistic");
  config.delivery.tls = DeliveryTls::off;
  CHECK(told() == "never");
  config.delivery.tls = DeliveryTls::required;
  CHECK(told() == "required");
  config.delivery.tls = DeliveryTls::verified;
  CHECK(told() == "required verified");
}

TEST_CASE("a receiver's profile is nearer than [delivery], a shape nearer than the profile, a route nearer than both") {
  conf::Config config;
  const auto told = [&] { return words(policy_for(config, "example.com", host(google))); };
  config.delivery.tls = DeliveryTls::off;
  CHECK(told() == "required");
  config.shape = {shape("*.google.com", "", std::nullopt), shape("", "other.example", DeliveryTls::off),
                  shape("", "example.com", DeliveryTls::verified), shape("*.google.com", "", DeliveryTls::opportunistic)};
  CHECK(told() == "required verified");
  config.shape.erase(config.shape.begin() + 2);
  CHECK(told() == "opportunistic");
  config.route = {route("example.com", {"mx"}, DeliveryTls::off)};
  CHECK(told() == "never");
  config.route = {route("example.com", {"mx"}, DeliveryTls::verified)};
  CHECK(told() == "required verified");
}

TEST_CASE("a route that says nothing leaves the word to shape and profile, and not to [delivery]") {
  conf::Config config;
  config.route = {route("*", {"mx"})};
  config.delivery.tls = DeliveryTls::off;
  CHECK(words(policy_for(config, "example.com", host(google))) == "required");
  CHECK(words(policy_for(config, "example.com", host("mx.example.com"))) == "opportunistic");
}

TEST_CASE("port 465 of a host that the route names begins with the handshake") {
  conf::Config config;
  config.route = {route("*", {"Smart.example:465", "[192.0.2.1]:465", "mx"})};
  const auto told = [&](const dns::Candidate& candidate) { return words(policy_for(config, "example.com", candidate)); };
  CHECK(told(host("smart.example", 465)) == "required implicit");
  CHECK(told(host("[192.0.2.1]", 465)) == "required implicit");
  CHECK(told(host("smart.example", 587)) == "opportunistic");
  CHECK(told(host("mx.example.com", 465)) == "opportunistic");
  config.route[0].tls = DeliveryTls::verified;
  CHECK(told(host("smart.example", 465)) == "required verified implicit");
  config.route[0].tls = DeliveryTls::off;
  CHECK(told(host("smart.example", 465)) == "never");
}

TEST_CASE("a password goes to the hosts that the route names, under TLS, and to no other") {
  relay::Settings settings;
  conf::Config& config = settings.config;
  config.route = {route("*", {"smart.example:587", "mx"})};
  config.route[0].fallback = {"sister.example:25"};
  config.route[0].username = "me";
  config.route[0].password_file = "/secret";
  settings.passwords = {{"/secret", "sesame"}};
  for (const dns::Candidate& named : {host("smart.example", 587), host("SISTER.example")}) {
    const auto login = login_for(settings, "example.com", named);
    REQUIRE(login);
    CHECK(login->username == "me");
    CHECK(login->password == "sesame");
    CHECK(words(policy_for(config, "example.com", named)) == "required");
  }
  for (const dns::Candidate& other : {host("mx"), host("mx.example.com"), host("smart.example", 25)}) {
    CHECK_FALSE(login_for(settings, "example.com", other));
    CHECK(words(policy_for(config, "example.com", other)) == "opportunistic");
  }
  config.route[0].username.clear();
  CHECK_FALSE(login_for(settings, "example.com", host("smart.example", 587)));
}

TEST_CASE("REQUIRETLS is above every word of the configuration, and asks whose word the host's name is") {
  conf::Config config;
  config.delivery.tls = GENERATE(DeliveryTls::off, DeliveryTls::opportunistic, DeliveryTls::verified);
  const mail::TlsWish wish = GENERATE(mail::TlsWish::required, mail::TlsWish::preferred);
  const auto told = [&](std::string_view destination, const dns::Candidate& candidate) {
    return words(policy_for(config, destination, candidate, wish));
  };
  CHECK(told("example.com", host("mx.example.com")) == "required verified REQUIRETLS unsure");
  CHECK(told("example.com", host("Example.COM")) == "required verified REQUIRETLS");  // in the recipient's address
  CHECK(told("[192.0.2.1]", host("[192.0.2.1]")) == "required verified REQUIRETLS");
  config.route = {route("example.com", {"smart.example:465", "mx"}, DeliveryTls::off)};
  config.route[0].fallback = {"sister.example"};
  CHECK(told("example.com", host("smart.example", 465)) == "required verified implicit REQUIRETLS");
  CHECK(told("example.com", host("sister.example")) == "required verified REQUIRETLS");
  CHECK(told("example.com", host("mx.example.com")) == "required verified REQUIRETLS unsure");
  CHECK(told("example.net", host("smart.example", 465)) == "required verified REQUIRETLS unsure");
}

TEST_CASE("TLS-Required: No passes over what is known of a receiver, and over no word of the configuration") {
  conf::Config config;
  const auto told = [&] { return words(policy_for(config, "example.com", host(google), mail::TlsWish::optional)); };
  CHECK(told() == "opportunistic");
  config.delivery.tls = DeliveryTls::verified;
  CHECK(told() == "required verified");
  config.shape = {shape("*.google.com", "", DeliveryTls::required)};
  CHECK(told() == "required");
  config.route = {route("example.com", {"mx"}, DeliveryTls::verified)};
  CHECK(told() == "required verified");
}

TEST_CASE("a connection carries what asks for as much or less") {
  const TlsPolicy plain{TlsUse::never};
  const TlsPolicy some{TlsUse::opportunistic};
  const TlsPolicy encrypted{TlsUse::required};
  const TlsPolicy verified{TlsUse::required, true};
  const TlsPolicy passing{TlsUse::required, true, false, true};
  const std::vector<TlsPolicy> ladder{some, encrypted, verified, passing};
  for (std::size_t have = 0; have < ladder.size(); ++have) {
    for (std::size_t need = 0; need < ladder.size(); ++need) CHECK(ladder[have].serves(ladder[need]) == (need <= have));
    CHECK_FALSE(ladder[have].serves(plain));
    CHECK_FALSE(plain.serves(ladder[have]));
  }
  CHECK(plain.serves(plain));
  CHECK_FALSE(passing.serves({TlsUse::required, true, true, true}));
  // Of another domain, for which only DNS names this host.
  CHECK_FALSE(passing.serves({TlsUse::required, true, false, true, false}));
}

// Whose word on TLS counts, and who gets a password.
#include "relay/delivery/tls_policy.h"

#include "relay/delivery/login.h"
#include "tests/catch.h"

namespace {

using conf::DeliveryTls;
using mail::TlsUse;
using relay::delivery::login_for;
using relay::delivery::tls_policy;
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
  return text;
}

const std::string google = "gmail-smtp-in.l.google.com";

}  // namespace

TEST_CASE("without another word [delivery] decides") {
  conf::Config config;
  const auto told = [&] { return words(tls_policy(config, "example.net", host("mx.example.net"))); };
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
  const auto told = [&] { return words(tls_policy(config, "example.com", host(google))); };
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
  CHECK(words(tls_policy(config, "example.com", host(google))) == "required");
  CHECK(words(tls_policy(config, "example.com", host("mx.example.com"))) == "opportunistic");
}

TEST_CASE("port 465 of a host that the route names begins with the handshake") {
  conf::Config config;
  config.route = {route("*", {"Smart.example:465", "[192.0.2.1]:465", "mx"})};
  const auto told = [&](const dns::Candidate& candidate) { return words(tls_policy(config, "example.com", candidate)); };
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
    CHECK(words(tls_policy(config, "example.com", named)) == "required");
  }
  for (const dns::Candidate& other : {host("mx"), host("mx.example.com"), host("smart.example", 25)}) {
    CHECK_FALSE(login_for(settings, "example.com", other));
    CHECK(words(tls_policy(config, "example.com", other)) == "opportunistic");
  }
  config.route[0].username.clear();
  CHECK_FALSE(login_for(settings, "example.com", host("smart.example", 587)));
}

// Mail whose sender requires TLS on the way (RFC 8689), or asks that receivers' policies on TLS be ignored.
#include <fmt/format.h>

#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "dns/resolver.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using Strings = std::vector<std::string>;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// mx.example.net, with a certificate for that name.
class Host {
 public:
  explicit Host(bool offers_it, std::string address = "127.0.0.1") : sink_(std::move(address)) {
    sink_.offer_tls(Sink::Tls::works);
    if (offers_it) sink_.offer("REQUIRETLS");
  }
  Sink& sink() { return sink_; }
  std::string place() const { return fmt::format("mx.example.net:{}", sink_.port()); }

 private:
  Sink sink_;
};

conf::Route route_to(std::string domain, Strings hosts) {
  conf::Route route;
  route.domain = std::move(domain);
  route.hosts = std::move(hosts);
  return route;
}

void example(dns::StaticResolver& resolver) {
  resolver.add("example.net", dns::RecordType::mx, dns::MxRecord{10, "mx.example.net"});
  resolver.add("mx.example.net", dns::RecordType::a, base::IpAddress::parse("127.0.0.1").value());
}

/// A relay that trusts the certificates of these sinks as it trusts those of the system.
class Post {
 public:
  Post(const Folder& folder, const conf::Config& config, const Strings& certificates) {
    const std::string authorities = folder / "authorities.pem";
    REQUIRE(base::write_file_durably(authorities, fmt::format("{}", fmt::join(certificates, "")), 0600));
    ::setenv("SSL_CERT_FILE", authorities.c_str(), 1);
    relay_ = std::make_unique<Relay>(config, example);
    ::unsetenv("SSL_CERT_FILE");
  }
  Relay& relay() { return *relay_; }

  /// The id.
  std::string send(const std::string& parameters, const std::string& fields = {}) {
    Client client = relay_->client();
    client.ehlo();
    client.start_tls();
    CHECK(client.say(fmt::format("MAIL FROM:<alice@client.example> {}", parameters)).starts_with("250 "));
    CHECK(client.say("RCPT TO:<bob@example.net>").starts_with("250 "));
    client.say("DATA");
    return id_in(client.send_content(fields + message("alice@client.example", "secret", "the body\r\n")));
  }

 private:
  std::unique_ptr<Relay> relay_;
};

/// The notice that came for alice.
Arrival notice_at(const Sink& sink) {
  REQUIRE(sink.receives(1));
  const Arrival notice = sink.arrivals().front();
  CHECK(notice.rcpts == Strings{"RCPT TO:<alice@client.example>"});
  return notice;
}

}  // namespace

TEST_CASE("REQUIRETLS is offered under TLS, and passed on to a verified host that a route names") {
  const Folder folder;
  Host host(true);
  conf::Config config = config_in(folder, 1);
  config.route = {route_to("*", {host.place()})};
  config.delivery.tls = GENERATE(conf::DeliveryTls::opportunistic, conf::DeliveryTls::off);
  Post post(folder, config, {host.sink().certificate()});
  Client client = post.relay().client();
  CHECK_FALSE(contains(client.ehlo(), "REQUIRETLS"));
  CHECK(client.say("MAIL FROM:<alice@client.example> REQUIRETLS").starts_with("555 5.5.4 "));
  post.send("REQUIRETLS");
  REQUIRE(host.sink().receives(1));
  const Arrival arrival = host.sink().arrivals().front();
  CHECK(arrival.tls);
  CHECK(arrival.mail == "MAIL FROM:<alice@client.example> REQUIRETLS");
  CHECK(post.relay().empties());
}

TEST_CASE("what no host can have with REQUIRETLS comes back at once, with words and status, and without its body") {
  const Folder folder;
  const std::string lack = GENERATE("REQUIRETLS", "certificate", "STARTTLS", "a name to be trusted");
  Host host(lack != "REQUIRETLS");
  Sink home;
  conf::Config config = config_in(folder, host.sink().port());
  config.route = {route_to("client.example", {fmt::format("[127.0.0.1]:{}", home.port())})};
  if (lack != "a name to be trusted") config.route.push_back(route_to("*", {host.place()}));
  const Strings trusted = lack == "certificate" ? Strings{} : Strings{host.sink().certificate()};
  if (lack == "STARTTLS") host.sink().offer_tls(Sink::Tls::none);
  Post post(folder, config, trusted);
  post.send("REQUIRETLS RET=FULL");
  const Arrival notice = notice_at(home);
  CHECK(notice.mail == "MAIL FROM:<>");  // home knows nothing of TLS
  const bool no_tls = lack == "certificate" || lack == "STARTTLS";
  CHECK(contains(notice.content, no_tls ? "Status: 5.7.10\r\n" : "Status: 5.7.30\r\n"));
  CHECK(contains(notice.content, "Subject: secret\r\n"));
  CHECK_FALSE(contains(notice.content, "the body"));
  CHECK(host.sink().count_of("MAIL") == 0);
  CHECK(post.relay().logs(lack == "REQUIRETLS"    ? "the server does not offer REQUIRETLS, which the sender asks for"
                          : lack == "certificate" ? "the certificate of mx.example.net is not to be trusted"
                          : lack == "STARTTLS"    ? "the server does not offer STARTTLS"
                                                  : "a [[route]] that names the domain's hosts lets it go"));
  CHECK(post.relay().count_in_log("info bounced") == 1);
  CHECK(post.relay().empties());
}

TEST_CASE("the notice about such mail travels as it did, where its way back can") {
  const Folder folder;
  Host host(true);
  host.sink().script([](const Said& said) -> std::optional<std::string> {
    return said.line.starts_with("RCPT TO:<bob@") ? std::optional<std::string>("550 5.1.1 no such user") : std::nullopt;
  });
  conf::Config config = config_in(folder, 1);
  config.route = {route_to("*", {host.place()})};
  Post post(folder, config, {host.sink().certificate()});
  post.send("REQUIRETLS RET=FULL");
  const Arrival notice = notice_at(host.sink());
  CHECK(notice.tls);
  CHECK(notice.mail.ends_with(" REQUIRETLS"));
  CHECK_FALSE(contains(notice.content, "the body"));
}

TEST_CASE("the next host may offer what the first does not") {
  const Folder folder;
  Host without(true);
  without.sink().offer_tls(Sink::Tls::none);
  Host with(true);
  conf::Config config = config_in(folder, 1);
  config.route = {route_to("*", {without.place(), with.place()})};
  Post post(folder, config, {with.sink().certificate()});
  post.send("REQUIRETLS");
  REQUIRE(with.sink().receives(1));
  CHECK(with.sink().arrivals().front().mail.ends_with(" REQUIRETLS"));
  CHECK(without.sink().count_of("MAIL") == 0);
  CHECK(without.sink().count_of("QUIT") == 1);
}

TEST_CASE("while a host that may offer it is down, the mail waits") {
  const Folder folder;
  const bool down_first = GENERATE(true, false);
  Host without(false);
  Host down(true);
  const std::string nowhere = down.place();
  const std::string certificate = down.sink().certificate();
  down.sink().end();
  conf::Config config = config_in(folder, 1);
  config.retry.delays = {std::chrono::hours(1)};
  const Strings order = down_first ? Strings{nowhere, without.place()} : Strings{without.place(), nowhere};
  config.route = {route_to("*", order)};
  Post post(folder, config, {without.sink().certificate(), certificate});
  const std::string id = post.send("REQUIRETLS");
  CHECK(post.relay().logs("info deferred id=" + id));
  CHECK(eventually([&] { return post.relay().states(id) == "deferred"; }));
  CHECK(post.relay().count_in_log("info bounced") == 0);
  CHECK(without.sink().count_of("MAIL") == 0);
  CHECK(post.relay().get("/queue/" + id).at("tls_wish").as_string() == "required");
}

TEST_CASE("mail that is refused for want of TLS leaves other mail of its domain alone") {
  const Folder folder;
  Host host(false);
  conf::Config config = config_in(folder, host.sink().port());
  Post post(folder, config, {host.sink().certificate()});
  post.send("REQUIRETLS");
  CHECK(post.relay().logs("info bounced"));
  post.send("");
  CHECK(eventually([&] {
    for (const Arrival& arrival : host.sink().arrivals()) {
      if (arrival.mail == "MAIL FROM:<alice@client.example>") return true;
    }
    return false;
  }));
}

TEST_CASE("no mail with REQUIRETLS goes over a connection that was opened for less") {
  const Folder folder;
  Host host(true);
  host.sink().script([](const Said& said) -> std::optional<std::string> {
    if (said.verb == "dot" && said.connection == 1 && said.message == 0) std::this_thread::sleep_for(Milliseconds(500));
    return std::nullopt;
  });
  conf::Config config = config_in(folder, 1);
  config.delivery.connections = 1;
  config.route = {route_to("*", {host.place()})};
  Post post(folder, config, {host.sink().certificate()});
  post.send("");
  REQUIRE(eventually([&] { return host.sink().count_of("MAIL") == 1; }));
  for (const char* parameters : {"", "REQUIRETLS", "", "REQUIRETLS"}) post.send(parameters);
  REQUIRE(host.sink().receives(5));
  std::size_t strong = 0;
  for (const Arrival& arrival : host.sink().arrivals()) {
    if (!arrival.mail.ends_with("REQUIRETLS")) continue;
    ++strong;
    CHECK(arrival.connection > 1);
  }
  CHECK(strong == 2);
  CHECK(post.relay().empties());
}

TEST_CASE("an idle connection that was opened for less is not taken") {
  const Folder folder;
  Host host(true);
  conf::Config config = config_in(folder, 1);
  config.route = {route_to("*", {host.place()})};
  Post post(folder, config, {host.sink().certificate()});
  post.send("");
  REQUIRE(host.sink().receives(1));
  post.send("REQUIRETLS");
  REQUIRE(host.sink().receives(2));
  post.send("");
  REQUIRE(host.sink().receives(3));
  const auto arrivals = host.sink().arrivals();
  CHECK(arrivals[1].mail.ends_with(" REQUIRETLS"));
  CHECK(arrivals[1].connection == 2);
}

TEST_CASE("by the fallback of its route goes what only that can have, and nothing else") {
  const Folder folder;
  Host own(true);
  own.sink().offer_tls(Sink::Tls::none);
  Host relay(true);
  conf::Config config = config_in(folder, 1);
  config.route = {route_to("*", {own.place()})};
  config.route[0].fallback = {relay.place()};
  Post post(folder, config, {relay.sink().certificate()});
  post.send("REQUIRETLS");
  REQUIRE(relay.sink().receives(1));
  CHECK(relay.sink().arrivals().front().mail.ends_with(" REQUIRETLS"));
  post.send("");
  CHECK(own.sink().receives(1));
  CHECK(post.relay().count_in_log("info fallback ") == 0);
}

TEST_CASE("TLS-Required: No is remembered, unless REQUIRETLS was given") {
  const Folder folder;
  Sink sink;
  sink.script([](const Said& said) -> std::optional<std::string> {
    return said.verb == "greeting" ? std::optional<std::string>("421 4.3.2 later") : std::nullopt;
  });
  conf::Config config = config_in(folder, sink.port());
  config.retry.delays = {std::chrono::hours(1)};
  config.route = {route_to("*", {fmt::format("mx.example.net:{}", sink.port())})};
  Post post(folder, config, {});
  const auto wish = [&](const std::string& parameters) {
    const std::string id = post.send(parameters, "TLS-Required: No\r\n");
    return std::string(post.relay().get("/queue/" + id).at("tls_wish").as_string());
  };
  CHECK(wish("") == "optional");
  CHECK(wish("REQUIRETLS") == "required");
}

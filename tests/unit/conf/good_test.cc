// What right files mean: values, defaults, paths.
#include "conf/local.h"
#include "tests/unit/conf/files.h"

namespace {

using namespace std::chrono_literals;

conf::Config read_good(const std::string& name) {
  auto config = conf::parse_config(text_of(MAILFERRY_SOURCE_DIR "/tests/data/config/good/" + name), name, "/etc/mailferry");
  if (!config) FAIL(config.error().words);
  return *config;
}

TEST_CASE("every file in tests/data/config/good is taken") {
  for (const std::string& path : config_files("good")) {
    const auto config = conf::read_config(path);
    INFO(path << (config ? "" : config.error().words));
    CHECK(config);
  }
}

TEST_CASE("what is not written has its default") {
  const conf::Config config = read_good("least.toml");
  CHECK(config.hostname == "mail.example.com");
  CHECK(config.spool == "/var/lib/mailferry");
  CHECK(config.log.to == "stderr");
  REQUIRE(config.listen.size() == 1);
  CHECK(base::to_string(config.listen[0].address) == "0.0.0.0:25");
  CHECK(config.listen[0].tls == conf::ListenTls::starttls);
  REQUIRE(config.accept.mynetworks.size() == 2);
  CHECK(config.accept.mynetworks[0].to_string() == "127.0.0.0/8");
  CHECK(config.accept.mynetworks[1].to_string() == "::1");
  CHECK(config.accept.message_size.count == 50U << 20U);
  CHECK(config.accept.commands_timeout == 5min);
  CHECK(config.dkim.mode == conf::DkimMode::sign_and_verify);
  CHECK(config.retry.delays == std::vector<base::Duration>{1min, 5min, 15min, 30min, 1h, 2h, 4h});
  CHECK(config.retry.give_up == std::chrono::days(5));
  CHECK(config.retry.warn == 4h);
  CHECK_FALSE(config.spool_unsafe);
  CHECK(config.local.destinations == std::vector<std::string>{"localhost"});
  REQUIRE(config.local.aliases.size() == 2);
  CHECK(conf::resolve_local(config, "abuse") == "admin@example.com");
  CHECK(conf::resolve_local(config, "root") == "admin@example.com");
  CHECK(config.accept.sender_domains.empty());
  CHECK(config.dns.timeout == 5s);
  CHECK(config.admin.socket == "/run/mailferry/admin.sock");
  CHECK(config.admin.submit == "/run/mailferry/submit.sock");
}

TEST_CASE("top level, log and listen are read") {
  const conf::Config config = read_good("all.toml");
  CHECK(config.hostname == "mail.example.com");
  CHECK(config.postmaster == "Admin@example.com");
  CHECK(config.threads == 3);
  CHECK(config.log.level == conf::LogLevel::debug);
  CHECK(config.log.format == conf::LogFormat::json);
  REQUIRE(config.listen.size() == 3);
  CHECK(base::to_string(config.listen[0].address) == "192.0.2.10:25");
  CHECK(config.listen[0].tls == conf::ListenTls::none);
  CHECK(base::to_string(config.listen[1].address) == "[2001:db8::10]:465");
  CHECK(config.listen[1].tls == conf::ListenTls::implicit);
  CHECK(config.listen[2].require_tls);
  CHECK(config.tls.minimum == conf::TlsMinimum::tls1_3);
}

TEST_CASE("aliases are read, and lead from one to the next") {
  const conf::Config config = read_good("all.toml");
  CHECK(conf::resolve_local(config, "ABUSE") == "Admin@example.com");
  CHECK(conf::resolve_local(config, "First.Last") == "Ops@Example.NET");
  CHECK(conf::resolve_local(config, "postmaster") == "Admin@example.com");
  CHECK_FALSE(conf::resolve_local(config, "root"));  // a table in the file replaces the default
  CHECK(conf::is_local_domain(config, "LOCALHOST"));
  CHECK(conf::is_local_domain(config, "mail.example.com"));
  CHECK_FALSE(conf::is_local_domain(config, "example.net"));
}

TEST_CASE("accept is read") {
  const conf::Accept accept = read_good("all.toml").accept;
  REQUIRE(accept.mynetworks.size() == 5);
  CHECK(accept.sender_domains == std::vector<std::string>{"example.com", "*.example.org"});
  CHECK(accept.mynetworks[2].to_string() == "192.0.2.0/24");
  CHECK(accept.message_size.count == 100'000'000);
  CHECK(accept.recipients == 500);
  CHECK(accept.connections == 2000);
  CHECK(accept.connections_per_client == 2000);
  CHECK(accept.commands_timeout == 90s);
  CHECK(accept.min_free_space.count == 1U << 30U);
  CHECK(accept.bare_newline == conf::BareNewline::reject);
  CHECK(accept.malformed == conf::Malformed::pass);
  CHECK(accept.long_lines == conf::LongLines::reject);
  CHECK(accept.received == conf::Trace::strip);
}

TEST_CASE("networks and host names are told apart") {
  const conf::Accept accept = read_good("accept-from-home.toml").accept;
  CHECK(accept.mynetworks.size() == 3);
  CHECK(accept.host_names == std::vector<std::string>{"smtp.mydomain.ddns.example"});
  CHECK(accept.ddns_refresh == 1min);
  CHECK(accept.ddns_keep == 4h);
  CHECK(must_parse("accept.mynetworks = []\n").accept.host_names.empty());
  const conf::Accept slow = must_parse("[accept]\nddns_refresh = \"1d\"\nddns_keep = \"7d\"\n").accept;
  CHECK(slow.ddns_refresh == 24h);
  CHECK(slow.ddns_keep == 24h * 7);
}

TEST_CASE("dkim is read, with its keys in their order") {
  const conf::Dkim dkim = read_good("all.toml").dkim;
  CHECK(dkim.canonicalization == "simple/relaxed");
  CHECK(dkim.sign_headers == std::vector<std::string>{"From", "Subject"});
  CHECK(dkim.oversign == std::vector<std::string>{"recommended"});
  CHECK(dkim.on_sign_failure == conf::OnSignFailure::accept);
  CHECK(dkim.unsigned_mail == conf::Unsigned::reject);
  CHECK(dkim.min_key_bits == 2048);
  CHECK(dkim.lifetime == std::chrono::days(30));
  REQUIRE(dkim.sign.size() == 2);
  CHECK(dkim.sign[0].from == "*@*.example.com");
  CHECK(dkim.sign[0].domain == "%");
  CHECK(dkim.sign[0].selector == "a.b");
  CHECK(dkim.sign[1].domain == "example.com");
  CHECK(dkim.sign[1].selector == "s2");
}

TEST_CASE("shapes and routes say what differs from [retry], and leave the rest unset") {
  const conf::Config config = read_good("all.toml");
  REQUIRE(config.shape.size() == 2);
  CHECK(config.shape[0].mx == "*.google.com");
  CHECK(config.shape[0].retry.delays == std::vector<base::Duration>{2min, 20min});
  CHECK(config.shape[0].retry.give_up == std::nullopt);
  CHECK(config.shape[0].retry.warn == std::nullopt);
  CHECK(config.shape[1].domain == "example.net");
  CHECK(config.route[0].retry.delays.empty());
  CHECK(config.route[0].retry.give_up == 12h);
  CHECK(config.route[0].retry.warn == 0s);
}

TEST_CASE("a shape says what differs from the receiver's profile, and leaves the rest unset") {
  const conf::Config config = read_good("all.toml");
  CHECK(config.shape[0].connections == 3);
  CHECK(config.shape[0].messages_per_connection == 20);
  CHECK(config.shape[0].rate == base::Rate{100, 1min});
  CHECK(config.shape[0].tls == conf::DeliveryTls::verified);
  CHECK(config.shape[1].connections == 0);
  CHECK(config.shape[1].messages_per_connection == 0);
  CHECK(config.shape[1].rate == std::nullopt);
  CHECK(config.shape[1].tls == std::nullopt);
}

TEST_CASE("what replies mean is read") {
  const conf::Config config = read_good("all.toml");
  REQUIRE(config.reply.size() == 2);
  const conf::ReplyRule& full = config.reply[0];
  CHECK(full.provider == "gmail");
  CHECK(full.status == std::vector<std::string>{"4.7.28", "4.7.500-4.7.699"});
  CHECK(full.code == std::vector<std::uint64_t>{421, 451});
  CHECK(full.text == std::vector<std::string>{"slow down"});
  CHECK(full.action == conf::ReplyAction::throttle);
  CHECK(full.then == conf::ReplyAction::pause);
  CHECK(full.wait == 10min);
  CHECK(full.scope == conf::ReplyScope::sender);
  CHECK(full.record == "spf");
  CHECK(full.meaning == "Too much.");
  CHECK(full.chinese == "太多。");
  CHECK(full.link == "https://example.com/");
  const conf::ReplyRule& least = config.reply[1];
  CHECK(least.mx == "*.example.net");
  CHECK(least.action == conf::ReplyAction::retry);
  CHECK(least.then == std::nullopt);
  CHECK(least.wait == std::nullopt);
  CHECK(least.scope == std::nullopt);
}

TEST_CASE("delivery, routes and retry are read") {
  const conf::Config config = read_good("all.toml");
  CHECK(config.delivery.port == 2525);
  CHECK(config.delivery.bind_ipv4 == "192.0.2.10");
  CHECK(config.delivery.bind_ipv6 == "2001:db8::10");
  CHECK(config.delivery.ip_versions == conf::IpVersions::ipv6_first);
  CHECK(config.delivery.connections == 50);
  CHECK(config.delivery.tls == conf::DeliveryTls::required);
  CHECK(config.delivery.warmup == "2026-12-01");
  REQUIRE(config.route.size() == 2);
  CHECK(config.route[0].domain == "example.com");
  CHECK(config.route[0].hosts ==
        std::vector<std::string>{"smtp.example.com:2525", "[192.0.2.1]", "[2001:db8::1]:26", "backup", "mx"});
  CHECK(config.route[0].tls == conf::DeliveryTls::off);
  CHECK(config.route[0].fallback == std::vector<std::string>{"relay.example.com:465", "[192.0.2.3]"});
  CHECK(config.route[0].remember == 24h);
  CHECK(config.route[1].fallback.empty());
  CHECK(config.route[1].remember == std::chrono::days(7));
  CHECK(config.route[1].username == "me");
  CHECK(config.route[1].password_file == "/etc/mailferry/passwords/relay");
  CHECK(config.route[1].tls == conf::DeliveryTls::opportunistic);
  CHECK(config.retry.delays == std::vector<base::Duration>{10s, 1500ms});
  CHECK(config.retry.give_up == std::chrono::days(2));
  CHECK(config.retry.warn == 90min);
}

TEST_CASE("local, dns and alert are read") {
  const conf::Config config = read_good("all.toml");
  CHECK(config.alert.command == "/usr/local/bin/notify --urgent");
  CHECK(config.local.destinations == std::vector<std::string>{"localhost", "example.com"});
  REQUIRE(config.dns.servers.size() == 2);
  CHECK(base::to_string(config.dns.servers[1]) == "[::1]:53");
  CHECK(config.dns.timeout == 2s);
  CHECK(config.dns.cache == 0);
}

TEST_CASE("relative paths are relative to the folder of the file") {
  const conf::Config config = read_good("all.toml");
  CHECK(config.spool == "/etc/mailferry/spool");
  CHECK(config.log.to == "/etc/mailferry/log/mail.log");
  CHECK(config.tls.certificate == "/etc/mailferry/tls/fullchain.pem");
  CHECK(config.tls.key == "/etc/tls/privkey.pem");
  CHECK(config.dkim.sign[0].key == "/etc/mailferry/keys/a.pem");
  CHECK(config.admin.socket == "/etc/mailferry/admin.sock");
  CHECK(config.admin.submit.empty());
  CHECK(must_parse("log.to = \"syslog\"\n").log.to == "syslog");
}

TEST_CASE("read_config takes the folder from the path, also from a relative one") {
  const std::filesystem::path folder(MAILFERRY_SOURCE_DIR "/tests/data/config/good");
  const std::string relative = std::filesystem::relative(folder / "all.toml").string();
  const auto config = conf::read_config(relative);
  REQUIRE(config);
  CHECK(std::filesystem::path(config->spool).lexically_normal() == folder / "spool");
  CHECK(config->spool.front() == '/');
}

TEST_CASE("the default port of [[listen]] is 25") {
  const conf::Config config = must_parse("[[listen]]\ntls = \"none\"\n");
  REQUIRE(config.listen.size() == 1);
  CHECK(base::to_string(config.listen[0].address) == "0.0.0.0:25");
}

TEST_CASE("wildcard addresses of IPv4 and IPv6 do not collide, nor do other ports") {
  CHECK(must_parse("[[listen]]\n[[listen]]\naddress = \"[::]:25\"\n[[listen]]\naddress = \"127.0.0.1:26\"\n").listen.size() == 3);
}

TEST_CASE("limits are allowed values") {
  const conf::Accept accept =
      must_parse("[accept]\nmessage_size = \"64KiB\"\nrecipients = 100\ncommands_timeout = \"10s\"\nconnections = 1\n").accept;
  CHECK(accept.message_size.count == 64U << 10U);
  CHECK(accept.recipients == 100);
  CHECK(must_parse("[accept]\nmessage_size = \"1GiB\"\nrecipients = 50000\n").accept.message_size.count == 1U << 30U);
}

}  // namespace

TEST_CASE("domains are kept in the form in which they are compared and looked up") {
  const auto config = conf::parse_config(R"(
hostname = "mail.bücher.example"
postmaster = "admin@bücher.example"
[accept]
sender_domains = ["*.Bücher.example"]
[local]
destinations = ["例子.example"]
[[dkim.sign]]
from = "*@bücher.example"
domain = "bücher.example"
selector = "s"
key = "k.pem"
[[shape]]
domain = "*.例子.example"
retry = { warn = "1h" }
[[route]]
domain = "*.例子.example"
hosts = ["mx.例子.example:26"]
)",
                                         "mailferry.toml", "/etc");
  INFO((config ? "" : config.error().words));
  REQUIRE(config.has_value());
  CHECK(config->hostname == "mail.xn--bcher-kva.example");
  CHECK(config->postmaster == "admin@xn--bcher-kva.example");
  CHECK(config->accept.sender_domains == std::vector<std::string>{"*.xn--bcher-kva.example"});
  CHECK(config->local.destinations == std::vector<std::string>{"xn--fsqu00a.example"});
  CHECK(config->dkim.sign[0].from == "*@xn--bcher-kva.example");
  CHECK(config->dkim.sign[0].domain == "xn--bcher-kva.example");
  CHECK(config->shape[0].domain == "*.xn--fsqu00a.example");
  CHECK(config->route[0].domain == "*.xn--fsqu00a.example");
  CHECK(config->route[0].hosts == std::vector<std::string>{"mx.xn--fsqu00a.example:26"});
}

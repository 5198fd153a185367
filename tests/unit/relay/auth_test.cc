// AUTH with the daemon over TLS: each mechanism, what it opens, and what guessing costs.
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "relay/hashes.h"
#include "relay/intake/failures.h"
#include "relay/intake/users.h"
#include "relay/settings.h"
#include "tests/catch.h"
#include "tests/unit/relay/users.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using relay::intake::AuthFailures;

const World example = zones({{"example.net", {"127.0.0.1"}}});

std::string base64(std::string_view octets) { return base::base64_encode(octets); }
std::string plain(const std::string& name, const std::string& password) {
  return base64(std::string("\0", 1) + name + std::string("\0", 1) + password);
}

/// Trusts no network.
conf::Config config_with_users(const Folder& folder, std::uint16_t port) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks = {base::Cidr::parse("10.0.0.0/8").value()};
  config.accept.users = folder / "users";
  REQUIRE(base::write_file_durably(config.accept.users, users_text(), 0600));
  return config;
}

Client secure_client(const Relay& relay) {
  Client client = relay.client();
  client.ehlo();
  client.start_tls();
  return client;
}

/// What stands behind "334 ".
std::string challenge(const std::string& reply) {
  REQUIRE(reply.starts_with("334 "));
  return base::base64_decode(reply.substr(4)).value();
}

std::string either_or(std::string a, const std::string& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

/// A client of SCRAM with the keys of "pencil" and the salt of RFC 7677; the server's last word.
std::string scram(Client& client, const std::string& name, const std::string& password) {
  using relay::hmac_sha256;
  const std::string bare = fmt::format("n={},r=clientnonce", name);
  const std::string first = challenge(client.say("AUTH SCRAM-SHA-256 " + base64("n,," + bare)));
  const auto parts = base::split(first, ',');
  const std::string salt = base::base64_decode(parts.at(1).substr(2)).value();
  std::string last = hmac_sha256(password, salt + std::string("\0\0\0\1", 4));
  std::string salted = last;
  for (int i = 1; i < 4096; ++i) {
    last = hmac_sha256(password, last);
    salted = either_or(salted, last);
  }
  const std::string without_proof = fmt::format("c=biws,{}", parts[0]);
  const std::string message = fmt::format("{},{},{}", bare, first, without_proof);
  const std::string client_key = hmac_sha256(salted, "Client Key");
  const std::string proof = either_or(client_key, hmac_sha256(relay::sha256(client_key), message));
  const std::string reply = client.say(base64(fmt::format("{},p={}", without_proof, base64(proof))));
  if (!reply.starts_with("334")) return reply;
  CHECK(challenge(reply) == "v=" + base64(hmac_sha256(hmac_sha256(salted, "Server Key"), message)));
  return client.say("");
}

}  // namespace

TEST_CASE("a password opens the relay to a stranger's address") {
  const Folder folder;
  Sink sink;
  Relay relay(config_with_users(folder, sink.port()), example);
  Client client = secure_client(relay);
  CHECK(client.send("a@client.example", {"bob@example.net"}, "x").starts_with("550 5.7.1"));
  client.say("RSET");
  CHECK(client.say("AUTH PLAIN " + plain("alice", "open sesame")).starts_with("235 2.7.0"));
  CHECK(client.send("a@client.example", {"bob@example.net"}, message("a@client.example", "hi")).starts_with("250"));
  REQUIRE(sink.receives(1));
  CHECK(sink.arrivals()[0].content.find("with ESMTPSA") != std::string::npos);
  CHECK(relay.logs(" user=alice size="));
}

TEST_CASE("every mechanism is offered under TLS, and each lets the right password in") {
  const Folder folder;
  Relay relay(config_with_users(folder, 1), example);
  Client client = relay.client();
  CHECK(client.ehlo().find("AUTH") == std::string::npos);
  CHECK(client.say("AUTH PLAIN " + plain("alice", "open sesame")).starts_with("504 5.5.4"));
  client.start_tls();
  CHECK(client.ehlo().find("250-AUTH PLAIN LOGIN SCRAM-SHA-256") != std::string::npos);
  CHECK(client.say("AUTH LOGIN").starts_with("334 "));
  CHECK(client.say(base64("bob")).starts_with("334 "));
  CHECK(client.say(base64("correct horse")).starts_with("235"));
  Client other = secure_client(relay);
  CHECK(scram(other, "user", "pencil").starts_with("235"));
  Client third = secure_client(relay);
  CHECK(third.say("AUTH PLAIN").starts_with("334 "));
  CHECK(third.say(plain("user", "pencil")).starts_with("235"));  // against the verifier
}

TEST_CASE("a wrong password is answered late, and logged without it") {
  const Folder folder;
  Relay relay(config_with_users(folder, 1), example);
  Client client = secure_client(relay);
  const auto start = std::chrono::steady_clock::now();
  CHECK(client.say("AUTH PLAIN " + plain("alice", "geheimnis")).starts_with("535 5.7.8"));
  CHECK(std::chrono::steady_clock::now() - start >= Milliseconds(1900));
  CHECK(scram(client, "user", "geheimnis").starts_with("535 5.7.8"));
  CHECK(scram(client, "nobody", "geheimnis").starts_with("535 5.7.8"));
  CHECK(client.send("a@client.example", {"bob@example.net"}, "x").starts_with("550 5.7.1"));
  CHECK(relay.logs("user=alice reply=\"535 5.7.8"));
  CHECK(relay.count_in_log("geheimnis") == 0);
  CHECK(relay.count_in_log(plain("alice", "geheimnis")) == 0);
}

TEST_CASE("after ten failures an address is turned away, with the right password too") {
  const Folder folder;
  Relay relay(config_with_users(folder, 1), example);
  std::vector<Client> clients;
  for (int i = 0; i < AuthFailures::most; ++i) clients.push_back(secure_client(relay));
  for (Client& client : clients) client.wire().write(fmt::format("AUTH PLAIN {}\r\n", plain("alice", "guess")));
  for (Client& client : clients) CHECK(client.wire().read_reply().starts_with("535"));
  Client last = secure_client(relay);
  CHECK(last.say("AUTH PLAIN " + plain("alice", "open sesame")).starts_with("421 4.7.0"));
  CHECK(last.wire().reaches_end());
}

TEST_CASE("failures are forgotten after a while, and of very many clients the oldest") {
  AuthFailures failures;
  const auto start = relay::Clock::now();
  const auto guesser = base::IpAddress::parse("2001:db8::1").value();
  const auto neighbour = base::IpAddress::parse("2001:db8::ffff:2").value();
  for (int i = 0; i < AuthFailures::most; ++i) {
    CHECK_FALSE(failures.are_too_many(guesser, start));
    failures.add(guesser, start);
  }
  CHECK(failures.are_too_many(neighbour, start));  // the same /64
  CHECK_FALSE(failures.are_too_many(base::IpAddress::parse("2001:db8:0:1::1").value(), start));
  CHECK_FALSE(failures.are_too_many(guesser, start + AuthFailures::window));
  for (std::size_t i = 0; i < AuthFailures::most_clients; ++i) {
    const auto octet = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift & 255U); };
    failures.add(base::IpAddress::v4({10, octet(16), octet(8), octet(0)}), start + std::chrono::seconds(1));
  }
  CHECK_FALSE(failures.are_too_many(guesser, start + std::chrono::seconds(1)));
}

TEST_CASE("a users' file that others may read is refused") {
  const Folder folder;
  const conf::Config config = config_with_users(folder, 1);
  REQUIRE(::chmod(config.accept.users.c_str(), 0644) == 0);
  const auto settings = relay::make_settings(config);
  REQUIRE_FALSE(settings);
  CHECK(settings.error().words.starts_with("accept.users: "));
  CHECK(settings.error().words.find("chmod 0600") != std::string::npos);
}

TEST_CASE("guessing keeps one worker busy, and the others sign") {
  const Folder folder;
  conf::Config config = config_with_users(folder, 1);
  config.threads = 2;
  const std::string zeros = base64(std::string(32, '\0'));
  const std::string slow = fmt::format("slow:SCRAM-SHA-256$1000000:{}${}:{}\n", base64("salt"), zeros, zeros);
  REQUIRE(base::write_file_durably(config.accept.users, slow, 0600));
  const Relay relay(config, example);
  std::vector<Client> guessers;
  for (int i = 0; i < 6; ++i) guessers.push_back(secure_client(relay));
  Client local = Client::at_socket(config.admin.submit);
  local.ehlo();
  const auto start = std::chrono::steady_clock::now();
  const auto since = [start] { return std::chrono::steady_clock::now() - start; };
  for (Client& guesser : guessers) guesser.wire().write("AUTH PLAIN " + plain("slow", "guess") + "\r\n");
  CHECK(local.send("a@client.example", {"bob@example.net"}, message("a@client.example", "hi")).starts_with("250"));
  const auto signed_after = since();
  for (Client& guesser : guessers) CHECK(guesser.wire().read_reply().starts_with("535"));
  const auto one_check = (since() - std::chrono::seconds(2)) / 6;  // an answer to a failure is two seconds late
  CHECK(signed_after < one_check * 2);
}

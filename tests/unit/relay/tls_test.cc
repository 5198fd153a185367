// TLS towards clients: resumption, renewed certificates, and certificates of clients.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <filesystem>

#include "dns/resolver.h"
#include "relay/daemon.h"
#include "relay/tickets.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

/// A new key and its self-signed certificate in one file.
std::string make_pair(const Folder& folder, const std::string& name) {
  conf::Config config = config_in(folder, 1);
  config.spool = folder / name;
  REQUIRE(relay::make_server_tls(config, std::make_shared<relay::TicketKeys>()));
  return config.spool + "/tls/self-signed.pem";
}

/// As `openssl pkey -pubout -outform DER | sha256sum` says it.
std::string pin_of(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(pem.c_str(), "r"), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr),
                                                                &EVP_PKEY_free);
  std::vector<unsigned char> der(static_cast<std::size_t>(i2d_PUBKEY(key.get(), nullptr)));
  unsigned char* end = der.data();
  i2d_PUBKEY(key.get(), &end);
  std::vector<unsigned char> digest(32);
  EVP_Digest(der.data(), der.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return fmt::format("sha256:{:02x}", fmt::join(digest, ""));
}

Client with_tls(const Relay& relay, const TlsOffer& offer = {}) {
  Client client = relay.client();
  client.ehlo();
  REQUIRE(client.say("STARTTLS").starts_with("220"));
  client.wire().start_tls_as_client(offer);
  REQUIRE(client.ehlo().starts_with("250"));
  return client;
}

std::string certificate_of(const Relay& relay) {
  Client client = with_tls(relay);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(client.wire().ssl()), &X509_free);
  std::vector<unsigned char> digest(32);
  X509_digest(certificate.get(), EVP_sha256(), digest.data(), nullptr);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

/// A world of strangers, where postmaster alone can be reached without a certificate.
conf::Config among_strangers(const Folder& folder, std::uint16_t port) {
  conf::Config config = config_in(folder, port);
  config.accept.mynetworks = {base::Cidr::parse("10.0.0.0/8").value()};
  return config;
}

Pace quick() {
  Pace pace;
  pace.limits.early_talk = Milliseconds(0);
  pace.certificate_looks = Milliseconds(50);
  return pace;
}

std::string rcpt(Client& client) {
  client.say("MAIL FROM:<a@client.example>");
  return client.say("RCPT TO:<bob@example.net>").substr(0, 9);
}

}  // namespace

TEST_CASE("a ticket key seals for twelve hours and opens for as long again") {
  using std::chrono::hours;
  relay::TicketKeys keys;
  const relay::TicketKeys::Time start{hours(1000)};
  const relay::TicketKey first = *keys.sealing(start);
  CHECK(keys.sealing(start + hours(11))->name == first.name);
  CHECK(keys.opening(first.name.data(), start + hours(11)) != nullptr);
  const relay::TicketKey second = *keys.sealing(start + hours(12));
  CHECK(second.name != first.name);
  CHECK(second.cipher != first.cipher);
  CHECK(keys.opening(first.name.data(), start + hours(23))->cipher == first.cipher);
  CHECK(keys.opening(first.name.data(), start + hours(24)) == nullptr);
  keys.sealing(start + hours(24));
  CHECK(keys.opening(second.name.data(), start + hours(24)) != nullptr);
  const relay::TicketKey unknown;
  CHECK(keys.opening(unknown.name.data(), start) == nullptr);
}

TEST_CASE("a session is resumed, also after the certificate was renewed") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.tls.certificate = config.tls.key = folder / "server.pem";
  std::filesystem::copy_file(make_pair(folder, "old"), config.tls.key);
  Relay relay(config, {}, quick());
  TlsOffer offer;
  offer.version = version;
  Client first = with_tls(relay, offer);
  CHECK(SSL_session_reused(first.wire().ssl()) == 0);
  const Session session(SSL_get1_session(first.wire().ssl()), &SSL_SESSION_free);
  REQUIRE(SSL_SESSION_has_ticket(session.get()) == 1);
  offer.session = session.get();
  // It stays open: OpenSSL forgets the session of a connection that ends without close_notify.
  Client second = with_tls(relay, offer);
  CHECK(SSL_session_reused(second.wire().ssl()) == 1);
  std::filesystem::rename(make_pair(folder, "new"), config.tls.key);
  REQUIRE(relay.logs("info certificate path="));
  Client later = with_tls(relay, offer);
  CHECK(SSL_session_reused(later.wire().ssl()) == 1);
}

TEST_CASE("a renewed certificate is taken by itself; a broken one leaves the old one in force") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.tls.certificate = config.tls.key = folder / "server.pem";
  std::filesystem::copy_file(make_pair(folder, "old"), config.tls.key);
  Relay relay(config, {}, quick());
  const std::string old = certificate_of(relay);
  REQUIRE(base::write_file_durably(config.tls.key, "half a certificate", 0600));
  REQUIRE(relay.logs("error certificate state=\"the old one stays\" reason="));
  CHECK(certificate_of(relay) == old);
  std::filesystem::rename(make_pair(folder, "new"), config.tls.key);
  REQUIRE(relay.logs("info certificate path="));
  CHECK(certificate_of(relay) != old);
  CHECK(relay.count_in_log("error certificate") == 1);
}

TEST_CASE("a client cannot begin another handshake") {
  const Folder folder;
  Relay relay(config_in(folder, 1), {}, quick());
  TlsOffer offer;
  offer.version = TLS1_2_VERSION;
  Client client = with_tls(relay, offer);
  SSL_renegotiate(client.wire().ssl());
  CHECK(SSL_do_handshake(client.wire().ssl()) != 1);
}

TEST_CASE("whose key is pinned may send wherever he is") {
  const Folder folder;
  conf::Config config = among_strangers(folder, 1);
  TlsOffer friendly;
  friendly.certificate = make_pair(folder, "friend");
  TlsOffer unknown;
  unknown.certificate = make_pair(folder, "unknown");
  const std::string pin = pin_of(friendly.certificate);
  config.accept.client_certificates = {pin};
  Relay relay(config, {}, quick());
  Client trusted = with_tls(relay, friendly);
  CHECK(rcpt(trusted) == "250 2.1.5");
  CHECK(relay.logs(fmt::format("info client-certificate client=127.0.0.1 key={} verdict=trusted", pin)));
  const Session session(SSL_get1_session(trusted.wire().ssl()), &SSL_SESSION_free);
  Client stranger = with_tls(relay, unknown);
  CHECK(rcpt(stranger) == "550 5.7.1");
  Client nobody = with_tls(relay);
  CHECK(rcpt(nobody) == "550 5.7.1");
  TlsOffer again;
  again.session = session.get();
  Client resumed = with_tls(relay, again);
  CHECK(SSL_session_reused(resumed.wire().ssl()) == 1);
  CHECK(rcpt(resumed) == "250 2.1.5");
}

TEST_CASE("with authorities a pinned certificate must come from them, and theirs alone is not enough") {
  const Folder folder;
  conf::Config config = among_strangers(folder, 1);
  TlsOffer issued;
  issued.certificate = make_pair(folder, "issued");
  TlsOffer other;
  other.certificate = make_pair(folder, "other");
  config.tls.client_ca = issued.certificate;
  config.accept.client_certificates = {pin_of(other.certificate)};
  Relay relay(config, {}, quick());
  Client not_pinned = with_tls(relay, issued);
  CHECK(rcpt(not_pinned) == "550 5.7.1");
  Client not_issued = with_tls(relay, other);
  CHECK(rcpt(not_issued) == "550 5.7.1");
  CHECK(relay.logs("verdict=\"not issued by tls.client_ca\""));
  config.accept.client_certificates = {pin_of(issued.certificate)};
  config.admin.socket += "2";
  config.spool += "2";
  Relay both(config, {}, quick());
  Client trusted = with_tls(both, issued);
  CHECK(rcpt(trusted) == "250 2.1.5");
}

TEST_CASE("authorities that cannot be read are told of") {
  const Folder folder;
  conf::Config config = config_in(folder, 1);
  config.tls.client_ca = folder / "nowhere.pem";
  CHECK(why_not_started(config).starts_with("tls.client_ca: no certificates can be read from "));
}

// Sessions that are resumed: with whom, how often, and for how long.
#include "relay/tls_sessions.h"

#include <openssl/ssl.h>

#include "relay/tls.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;
using relay::TlsContext;
using relay::TlsSessions;
using std::chrono::minutes;
using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

enum class Ends : std::uint8_t { in_order, suddenly };

/// A server that makes tickets, and a client's context, with memory for a network between them.
class Pair {
 public:
  explicit Pair(int version = TLS1_3_VERSION) : server_(server()), client_(relay::make_client_tls().value()) {
    SSL_CTX_set_max_proto_version(client_->native_handle(), version);
  }

  TlsSessions& sessions() { return *TlsSessions::of(client_->native_handle()); }
  /// Another one under the same names: it cannot read the tickets of the first.
  void replace_server() { server_ = server(); }

  /// What became of the handshake: "full", "resumed", or "refused" (a session was offered in vain).
  std::string meet(const TlsSessions::Host& host, base::Time now, Ends ends = Ends::in_order) {
    const Ssl client(SSL_new(client_->native_handle()), &SSL_free);
    const Ssl server(SSL_new(server_->native_handle()), &SSL_free);
    connect(client.get(), server.get());
    const bool offered = sessions().offer(client.get(), host, now);
    for (int round = 0; round < 4; ++round) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    REQUIRE(SSL_is_init_finished(client.get()));
    REQUIRE(SSL_is_init_finished(server.get()));
    sessions().put_back(client.get());
    char octet = 'x';
    SSL_write(server.get(), &octet, 1);
    REQUIRE(SSL_read(client.get(), &octet, 1) == 1);  // the tickets of TLS 1.3 come before it
    if (ends == Ends::in_order) SSL_shutdown(client.get());
    if (SSL_session_reused(client.get()) != 0) return "resumed";
    return offered ? "refused" : "full";
  }
  /// A handshake that comes to nothing.
  bool fail_with(const TlsSessions::Host& host) {
    const Ssl client(SSL_new(client_->native_handle()), &SSL_free);
    return sessions().offer(client.get(), host, base::now());
  }

 private:
  static void connect(SSL* client, SSL* server) {
    BIO* near = nullptr;
    BIO* far = nullptr;
    REQUIRE(BIO_new_bio_pair(&near, 0, &far, 0) == 1);
    SSL_set_bio(client, near, near);
    SSL_set_bio(server, far, far);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
  }
  std::shared_ptr<TlsContext> server() {
    return relay::make_server_tls(config_in(folder_, 1), std::make_shared<relay::TicketKeys>()).value();
  }

  Folder folder_;
  std::shared_ptr<TlsContext> server_;
  std::shared_ptr<TlsContext> client_;
};

TlsSessions::Host host(const std::string& address = "192.0.2.1") {
  return {base::IpAddress::parse(address).value(), 25, "mx.example.net", false};
}

}  // namespace

TEST_CASE("a session is resumed with the host that gave it") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Pair pair(version);
  const base::Time now = base::now();
  CHECK(pair.meet(host(), now) == "full");
  CHECK(pair.meet(host(), now) == "resumed");
  CHECK(pair.meet(host(), now) == "resumed");
  TlsSessions::Host port = host();
  port.port = 465;
  TlsSessions::Host name = host();
  name.name = "other.example.net";
  for (const TlsSessions::Host& other : {host("192.0.2.2"), port, name}) CHECK(pair.meet(other, now) == "full");
  CHECK(pair.sessions().size() == 4);
}

TEST_CASE("a session in which nobody looked at the certificate stands in for none that was verified, nor the other way") {
  Pair pair;
  TlsSessions::Host verified = host();
  verified.verified = true;
  const base::Time now = base::now();
  CHECK(pair.meet(host(), now) == "full");
  CHECK(pair.meet(verified, now) == "full");
  CHECK(pair.meet(verified, now) == "resumed");
}

TEST_CASE("a handshake that fails, and a connection that breaks, leave no session") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Pair pair(version);
  const base::Time now = base::now();
  CHECK(pair.meet(host(), now) == "full");
  CHECK(pair.fail_with(host()));
  CHECK_FALSE(pair.fail_with(host()));
  CHECK(pair.meet(host(), now, Ends::suddenly) == "full");
  CHECK(pair.meet(host(), now) == "full");
  CHECK(pair.meet(host(), now) == "resumed");
}

TEST_CASE("renewal does not lengthen the time since the host showed its certificate") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Pair pair(version);
  const base::Time now = base::now();
  CHECK(pair.meet(host(), now - minutes(50)) == "full");
  CHECK(pair.meet(host(), now) == "resumed");
  CHECK(pair.meet(host(), now + minutes(9)) == "resumed");
  CHECK(pair.meet(host(), now + minutes(11)) == "full");
}

TEST_CASE("where the server knows nothing of a session it shows its certificate anew") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  Pair pair(version);
  const base::Time now = base::now();
  CHECK(pair.meet(host(), now - minutes(50)) == "full");
  pair.replace_server();
  CHECK(pair.meet(host(), now) == "refused");
  CHECK(pair.meet(host(), now + minutes(11)) == "resumed");
}

TEST_CASE("what is known of sessions is bounded") {
  Pair pair;
  const base::Time now = base::now();
  const auto number = [](std::size_t i) { return host("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)); };
  for (std::size_t i = 0; i <= TlsSessions::most_sessions; ++i) {
    REQUIRE(pair.meet(number(i), i == 7 ? now - minutes(1) : now) == "full");
  }
  CHECK(pair.sessions().size() == TlsSessions::most_sessions);
  CHECK_FALSE(pair.fail_with(number(7)));
  CHECK(pair.fail_with(number(8)));
}

// The mechanisms, with the example of RFC 7677 and with what breaks their rules.
#include "relay/intake/sasl.h"

#include "tests/catch.h"
#include "tests/unit/relay/users.h"

using namespace relay::intake;
using namespace world;

namespace {

const Users& users() {
  static const Users all = Users::parse(users_text(), "users").value();
  return all;
}

const std::string server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string nonces = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string proof = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

sasl::Exchange scram() { return {users(), "SCRAM-SHA-256", server_nonce}; }

std::string challenge(const sasl::Step& step) {
  const auto* challenge = std::get_if<sasl::Challenge>(&step);
  return challenge == nullptr ? "no challenge" : challenge->octets;
}

template <class T>
bool is(const sasl::Step& step) {
  return std::holds_alternative<T>(step);
}

sasl::Step plain(const std::string& message) { return sasl::Exchange(users(), "PLAIN", "x").start(message); }

}  // namespace

TEST_CASE("SCRAM-SHA-256 goes as the example of RFC 7677 has it") {
  sasl::Exchange exchange = scram();
  CHECK(challenge(exchange.start(std::nullopt)).empty());
  CHECK(challenge(exchange.next(first)) == nonces + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  CHECK(challenge(exchange.next("c=biws," + nonces + proof)) == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  const sasl::Step end = exchange.next("");
  REQUIRE(is<sasl::Success>(end));
  CHECK(std::get<sasl::Success>(end).name == "user");
}

TEST_CASE("SCRAM fails with a wrong proof, nonce or channel binding") {
  const std::string bad = GENERATE_COPY(
      "c=biws," + nonces + ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof,
      "c=biws," + nonces + "x" + proof, "c=eSws," + nonces + proof, "c=biws," + nonces + ",x=y" + proof);
  sasl::Exchange exchange = scram();
  exchange.start(first);
  CHECK(is<sasl::Failure>(exchange.next(bad)));
}

TEST_CASE("nothing follows a SCRAM server's signature but an empty line") {
  sasl::Exchange exchange = scram();
  exchange.start(first);
  exchange.next("c=biws," + nonces + proof);
  CHECK(is<sasl::Malformed>(exchange.next("x")));
}

TEST_CASE("a SCRAM name that is not there looks like one that is") {
  sasl::Exchange exchange = scram();
  const std::string answer = challenge(exchange.start("n,,n=nobody,r=abc"));
  CHECK(answer.starts_with("r=abc" + server_nonce + ",s="));
  CHECK(answer.ends_with(",i=4096"));
  CHECK(challenge(scram().start("n,,n=nobody,r=abc")) == answer);
  CHECK(is<sasl::Failure>(exchange.next("c=biws,r=abc" + server_nonce + proof)));
}

TEST_CASE("SCRAM's first message is read by the book") {
  CHECK(is<sasl::Challenge>(scram().start("y,,n=user,r=abc")));
  CHECK(is<sasl::Challenge>(scram().start("n,a=user,n=user,r=abc")));
  CHECK(is<sasl::Challenge>(scram().start("n,,n=a=2Cb=3Dc,r=abc,x=future")));
  CHECK(is<sasl::Failure>(scram().start("n,a=root,n=user,r=abc")));
  const std::string bad = GENERATE(as<std::string>{}, "", "n", "n,,", "p=tls-exporter,,n=user,r=abc", "n,,m=x,n=user,r=abc",
                                   "n,,n=,r=abc", "n,,n=us=er,r=abc", "n,,n=user,r=", "n,,n=user", "n,user,n=user,r=abc",
                                   "n,,r=abc,n=user", "n,,n=user,r=a\tb", "N,,n=user,r=a");
  CHECK(is<sasl::Malformed>(scram().start(bad)));
}

TEST_CASE("SCRAM's last message is read by the book") {
  const std::string bad =
      GENERATE(as<std::string>{}, "", "c=biws", "c=biws,p=AAAA", "c=biws,r=x,p=AAAA", "c=biws,r=x,p=!", ",p=");
  sasl::Exchange exchange = scram();
  exchange.start(first);
  CHECK(is<sasl::Malformed>(exchange.next(bad)));
}

TEST_CASE("PLAIN has three parts") {
  const sasl::Step step = plain(std::string("\0alice\0open sesame", 18));
  REQUIRE(is<sasl::CheckPassword>(step));
  CHECK(std::get<sasl::CheckPassword>(step).name == "alice");
  CHECK(std::get<sasl::CheckPassword>(step).password == "open sesame");
  CHECK(is<sasl::CheckPassword>(plain(std::string("alice\0alice\0x", 13))));
  CHECK(is<sasl::Failure>(plain(std::string("root\0alice\0x", 12))));
  CHECK(is<sasl::Malformed>(plain("")));
  CHECK(is<sasl::Malformed>(plain("alice")));
  CHECK(is<sasl::Malformed>(plain(std::string("\0alice\0", 7))));
  CHECK(is<sasl::Malformed>(plain(std::string("\0\0x", 3))));
  CHECK(is<sasl::Malformed>(plain(std::string("\0a\0b\0c", 6))));
  CHECK(is<sasl::Malformed>(plain(std::string("\0", 1) + std::string(256, 'a') + std::string("\0x", 2))));
}

TEST_CASE("LOGIN asks for the name and then for the password") {
  sasl::Exchange exchange(users(), "LOGIN", "x");
  CHECK(challenge(exchange.start(std::nullopt)) == "Username:");
  CHECK(challenge(exchange.next("alice")) == "Password:");
  const sasl::Step step = exchange.next("secret");
  REQUIRE(is<sasl::CheckPassword>(step));
  CHECK(std::get<sasl::CheckPassword>(step).name == "alice");
  CHECK(is<sasl::Malformed>(sasl::Exchange(users(), "LOGIN", "x").start("")));
}

// The client's mechanisms: the example of RFC 7677, our own server, and servers that lie.
#include "relay/delivery/sasl_client.h"

#include "relay/intake/sasl.h"
#include "tests/catch.h"
#include "tests/unit/relay/users.h"

namespace {

using relay::delivery::Login;
using relay::delivery::SaslClient;
namespace sasl = relay::intake::sasl;

const std::string client_nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

SaslClient client(std::string_view mechanism, std::string password = "pencil") {
  return {Login{"user", std::move(password)}, mechanism, client_nonce};
}

/// The response, "+" behind one that is not the last; or the words of the error.
std::string told(SaslClient& client, std::string_view challenge = {}) {
  const auto response = client.respond(challenge);
  if (!response) return response.error().words;
  return response->octets + (response->is_last ? "" : "+");
}

}  // namespace

TEST_CASE("a client speaks SCRAM-SHA-256 as the example of RFC 7677 has it") {
  SaslClient scram = client("SCRAM-SHA-256");
  CHECK(told(scram) == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO+");
  CHECK(told(scram, server_first) ==
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=+");
  CHECK(told(scram, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").empty());
  CHECK(told(scram, "more") == "the server asks for more than SCRAM-SHA-256 has");
}

TEST_CASE("a SCRAM server that does not know the password is found out") {
  SaslClient scram = client("SCRAM-SHA-256");
  told(scram);
  told(scram, server_first);
  CHECK(told(scram, GENERATE("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "v=!", "", "x=y"))
            .starts_with("the server does not prove that it knows the password"));
}

TEST_CASE("a SCRAM server may refuse the proof in its own words") {
  SaslClient scram = client("SCRAM-SHA-256");
  told(scram);
  told(scram, server_first);
  CHECK(told(scram, "e=invalid-proof") == "the server refuses the password: invalid-proof");
}

TEST_CASE("a SCRAM server that breaks the rules gets no proof") {
  SaslClient scram = client("SCRAM-SHA-256");
  told(scram);
  const std::string nonce = "r=" + client_nonce;
  CHECK(told(scram, GENERATE_COPY("", "r=other,s=W22Z,i=4096", nonce + ",s=W22Z,i=4096", nonce + "x,s=,i=4096",
                                  nonce + "x,s=W22Z,i=many", nonce + "x,s=W22Z", "m=ext," + nonce + "x,s=W22Z,i=4096"))
            .starts_with("the server breaks the rules of SCRAM"));
}

TEST_CASE("a SCRAM server may ask neither for too little work nor for too much") {
  SaslClient scram = client("SCRAM-SHA-256");
  told(scram);
  CHECK(told(scram, "r=" + client_nonce + "x,s=W22Z,i=" + GENERATE("1", "4095", "1000001"))
            .ends_with("rounds of SCRAM; 4096 to 1000000 are safe"));
}

TEST_CASE("a name with a comma or an equals sign is escaped for SCRAM") {
  SaslClient scram({"a,b=c", "x"}, "SCRAM-SHA-256", "nonce");
  CHECK(told(scram) == "n,,n=a=2Cb=3Dc,r=nonce+");
}

TEST_CASE("PLAIN and LOGIN say name and password") {
  SaslClient plain = client("PLAIN");
  CHECK(told(plain) == std::string("\0user\0pencil", 12));
  CHECK(told(plain, "again") == "the server asks for more than PLAIN has");
  SaslClient login = client("LOGIN");
  CHECK(told(login, "Username:") == "user+");
  CHECK(told(login, "Password:") == "pencil");
  CHECK(told(login, "PIN:") == "the server asks for more than LOGIN has");
}

TEST_CASE("our client and our server understand each other") {
  const auto users = relay::intake::Users::parse(world::users_text(), "users").value();
  for (const std::string password : {"pencil", "crayon"}) {
    sasl::Exchange server(users, "SCRAM-SHA-256", "servernonce");
    SaslClient scram = client("SCRAM-SHA-256", password);
    sasl::Step step = server.start(scram.respond("").value().octets);
    step = server.next(scram.respond(std::get<sasl::Challenge>(step).octets).value().octets);
    CHECK(std::holds_alternative<sasl::Challenge>(step) == (password == "pencil"));
    if (password != "pencil") continue;
    step = server.next(scram.respond(std::get<sasl::Challenge>(step).octets).value().octets);
    CHECK(std::holds_alternative<sasl::Success>(step));
  }
}

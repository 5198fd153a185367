// Smart hosts: what goes wrong with a password, and with TLS from the first octet at port 465. Nothing is sent without both.
#include "base/text.h"
#include "tests/receiver/behaviour.h"

namespace receiver {
namespace {

const std::string scram = "AUTH_SCRAM-SHA-256";
const std::string plain = "AUTH_PLAIN";

std::string challenge(const std::string& octets) { return "334 " + base::base64_encode(octets); }

std::vector<Behaviour> passwords() {
  constexpr auto at = Step::auth;
  return {
      {.name = "takes a password that it proves to know", .offers = scram},
      {.name = "takes a password with PLAIN", .offers = plain},
      {.name = "takes a password with LOGIN", .offers = "AUTH_LOGIN"},
      {.name = "keeps no verifier for SCRAM",
       .deeds = {once(says(at, "535 5.7.8 not this way"))},
       .offers = "AUTH_SCRAM-SHA-256_PLAIN"},
      {.name = "refuses the password",
       .deeds = {says(at, "535 5.7.8 wrong password")},
       .end = waits("the server refuses the password of [[route]] user: 535 5.7.8 wrong password"),
       .offers = plain},
      {.name = "cannot look at passwords once",
       .deeds = {once(says(at, "454 4.7.0 temporary authentication failure"))},
       .offers = plain},
      {.name = "does not offer AUTH", .end = waits("the server offers none of "), .offers = "PIPELINING"},
      {.name = "offers only AUTH that is not safe", .end = waits("the server offers none of "), .offers = "AUTH_CRAM-MD5"},
  };
}

std::vector<Behaviour> broken_exchanges() {
  constexpr auto at = Step::auth;
  constexpr auto within = Step::auth_response;
  return {
      {.name = "closes at AUTH",
       .deeds = {closes(at)},
       .end = waits("lost the connection waiting for the reply to AUTH"),
       .offers = plain},
      {.name = "closes within AUTH",
       .deeds = {closes(within)},
       .end = waits("lost the connection waiting for the reply to AUTH"),
       .offers = scram},
      {.name = "resets within AUTH once", .deeds = {once(resets(within))}, .offers = scram},
      {.name = "stalls at AUTH", .deeds = {stalls(at)}, .end = waits("timed out waiting for the reply to AUTH"), .offers = plain},
      {.name = "stalls within AUTH",
       .deeds = {stalls(within)},
       .end = waits("timed out waiting for the reply to AUTH"),
       .offers = "AUTH_LOGIN"},
      {.name = "says 421 at AUTH once", .deeds = {once(says(at, "421 4.3.2 too busy"))}, .offers = plain},
      {.name = "sends a challenge that is not base64",
       .deeds = {says(at, "334 ***")},
       .end = waits("challenge is not base64"),
       .offers = scram},
      {.name = "sends a challenge that is not SCRAM",
       .deeds = {says(at, challenge("hello"))},
       .end = waits("breaks the rules of SCRAM"),
       .offers = scram},
      {.name = "has another nonce than ours",
       .deeds = {says(at, challenge("r=another,s=c2FsdA==,i=4096"))},
       .end = waits("its nonce does not follow ours"),
       .offers = scram},
      {.name = "wants so few rounds that the password could be guessed",
       .deeds = {says(at, challenge("r=another,s=c2FsdA==,i=1"))},
       .end = waits("the server wants 1 rounds of SCRAM"),
       .offers = scram},
      {.name = "cannot prove that it knows the password",
       .deeds = {says(within, challenge("v=d3Jvbmc="))},
       .end = waits("does not prove that it knows the password"),
       .offers = scram},
      {.name = "welcomes us without the proof that it knows the password",
       .deeds = {says(within, "235 2.7.0 welcome")},
       .end = waits("ended AUTH before it was over"),
       .offers = scram},
      {.name = "wants more than PLAIN has",
       .deeds = {says(at, "334 ")},
       .end = waits("asks for more than PLAIN has"),
       .offers = plain},
  };
}

std::vector<Behaviour> at_port_465() {
  constexpr auto at = Step::handshake;
  return {
      {.name = "begins with TLS"},
      {.name = "begins with TLS and takes a password", .offers = plain, .logs_in = true},
      {.name = "greets in plaintext where TLS should begin", .deeds = {says(at, "220 mx.example ESMTP")}, .end = waits("TLS")},
      {.name = "stalls where TLS should begin", .deeds = {stalls(at)}, .end = waits("timed out waiting for the TLS handshake")},
      {.name = "closes where TLS should begin, once", .deeds = {once(closes(at))}},
      {.name = "never greets under TLS", .deeds = {stalls(Step::greeting)}, .end = waits("timed out waiting for the greeting")},
      {.name = "begins with TLS and an expired certificate", .tls = Tls::expired},
      {.name = "begins with TLS and an expired certificate where it is verified",
       .end = waits("certificate"),
       .tls = Tls::expired,
       .policy = conf::DeliveryTls::verified},
  };
}

}  // namespace

std::vector<Behaviour> at_the_login() {
  std::vector<Behaviour> table = joined({passwords(), broken_exchanges()});
  for (Behaviour& behaviour : table) {
    behaviour.logs_in = true;
    behaviour.tls = Tls::good;
    behaviour.end.over = Over::tls;
  }
  table.push_back({.name = "offers AUTH without TLS", .end = waits("does not offer STARTTLS"), .offers = plain, .logs_in = true});
  return table;
}

std::vector<Behaviour> with_implicit_tls() {
  std::vector<Behaviour> table = at_port_465();
  for (Behaviour& behaviour : table) {
    behaviour.implicit_tls = true;
    if (behaviour.tls == Tls::none) behaviour.tls = Tls::good;
    behaviour.end.over = Over::tls;
  }
  return table;
}

}  // namespace receiver

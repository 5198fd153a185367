// TLS broken in every way. With opportunistic encryption the mail goes on in plaintext, over a new connection of the same
// attempt; where encryption is required nothing leaves without it.
#include "tests/receiver/behaviour.h"

namespace receiver {
namespace {

using conf::DeliveryTls;

/// The first octets of a server's hello, which then never ends.
const std::string half_a_hello("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", 11);
const std::string alert("\x15\x03\x03\x00\x02\x02\x28", 7);  // handshake_failure
const std::string record_too_large("\x16\x03\x03\xff\xff\x02\x00", 7);

/// Answers to the client's hello.
std::vector<Behaviour> breaking(DeliveryTls policy, const std::string& how, const End& end) {
  constexpr auto at = Step::handshake;
  std::vector<Behaviour> table = {
      {.name = "answers the handshake in plaintext", .deeds = {says(at, "this is not TLS")}},
      {.name = "closes within the handshake", .deeds = {closes(at)}},
      {.name = "resets within the handshake", .deeds = {resets(at)}},
      {.name = "never answers the handshake", .deeds = {stalls(at)}},
      {.name = "sends half a hello and stalls", .deeds = {stalls(at, half_a_hello)}},
      {.name = "sends half a hello and closes", .deeds = {closes(at, half_a_hello)}},
      {.name = "sends an alert", .deeds = {closes(at, alert)}},
      {.name = "sends too large a record", .deeds = {closes(at, record_too_large)}},
      {.name = "shakes hands an octet at a time, without end", .deeds = {drips(at, half_a_hello + std::string(400, 'x'))}},
      {.name = "speaks TLS 1.0 only", .tls = Tls::old_version},
      {.name = "has no cipher of ours", .tls = Tls::odd_cipher},
  };
  for (Behaviour& behaviour : table) {
    behaviour.name += how;
    behaviour.policy = policy;
    behaviour.end = end;
    if (behaviour.tls == Tls::none) behaviour.tls = Tls::good;
  }
  return table;
}

std::vector<Behaviour> certificates() {
  const End encrypted = delivered(Over::tls);
  const End refused = waits("certificate");
  return {
      {.name = "shows a good certificate", .end = encrypted, .tls = Tls::good},
      {.name = "asks for our certificate", .end = encrypted, .tls = Tls::asks_for_ours},
      {.name = "shows an expired certificate", .end = encrypted, .tls = Tls::expired},
      {.name = "shows another host's certificate", .end = encrypted, .tls = Tls::other_name},
      {.name = "signed its certificate itself", .end = encrypted, .tls = Tls::unknown_authority},
      {.name = "shows an expired certificate where encryption is required",
       .end = encrypted,
       .tls = Tls::expired,
       .policy = DeliveryTls::required},
      {.name = "shows a good certificate where it is verified",
       .end = encrypted,
       .tls = Tls::good,
       .policy = DeliveryTls::verified},
      {.name = "shows an expired certificate where it is verified",
       .end = refused,
       .tls = Tls::expired,
       .policy = DeliveryTls::verified},
      {.name = "shows a certificate of tomorrow where it is verified",
       .end = refused,
       .tls = Tls::not_yet_valid,
       .policy = DeliveryTls::verified},
      {.name = "shows another host's certificate where it is verified",
       .end = refused,
       .tls = Tls::other_name,
       .policy = DeliveryTls::verified},
      {.name = "signed its certificate itself where it is verified",
       .end = refused,
       .tls = Tls::unknown_authority,
       .policy = DeliveryTls::verified},
  };
}

/// What somebody between us and the receiver may do.
std::vector<Behaviour> downgrades() {
  constexpr auto at = Step::starttls;
  return {
      {.name = "does not offer STARTTLS where it is required",
       .end = waits("does not offer STARTTLS"),
       .policy = DeliveryTls::required},
      {.name = "refuses STARTTLS where it is required",
       .deeds = {says(at, "454 4.7.0 no TLS today")},
       .end = waits("454 4.7.0 no TLS today"),
       .tls = Tls::good,
       .policy = DeliveryTls::required},
      {.name = "refuses STARTTLS for good where it is required",
       .deeds = {says(at, "502 5.5.1 what")},
       .end = waits("502 5.5.1 what"),
       .tls = Tls::good,
       .policy = DeliveryTls::required},
      {.name = "has another host that encrypts, where it is required",
       .deeds = {says(at, "454 4.7.0 no TLS today")},
       .end = delivered(Over::tls),
       .tls = Tls::good,
       .policy = DeliveryTls::required,
       .has_spare = true},
      {.name = "sends something behind its 220 to STARTTLS",
       .deeds = {sends(at, "220 go ahead\r\n250 injected\r\n")},
       .end = waits("sent something after its reply to STARTTLS"),
       .tls = Tls::good},
  };
}

std::vector<Behaviour> around_the_handshake() {
  constexpr auto at = Step::starttls;
  return {
      {.name = "refuses STARTTLS", .deeds = {says(at, "454 4.7.0 no TLS")}, .end = delivered(Over::plaintext), .tls = Tls::good},
      {.name = "does not know the STARTTLS that it offers",
       .deeds = {says(at, "502 5.5.1 what")},
       .end = delivered(Over::plaintext),
       .tls = Tls::good},
      {.name = "answers STARTTLS with 354", .deeds = {once(says(at, "354 go ahead"))}, .end = delivered(), .tls = Tls::good},
      {.name = "closes at STARTTLS once", .deeds = {once(closes(at))}, .end = delivered(), .tls = Tls::good},
      {.name = "stalls at STARTTLS once", .deeds = {once(stalls(at))}, .end = delivered(), .tls = Tls::good},
      {.name = "closes at EHLO under TLS once", .deeds = {once(closes(Step::ehlo_tls))}, .end = delivered(), .tls = Tls::good},
      {.name = "knows only HELO under TLS",
       .deeds = {says(Step::ehlo_tls, "502 5.5.1 what")},
       .end = delivered(Over::tls),
       .tls = Tls::good},
      {.name = "stalls at EHLO under TLS",
       .deeds = {stalls(Step::ehlo_tls)},
       .end = waits("timed out waiting for the reply to EHLO under TLS"),
       .tls = Tls::good},
      {.name = "resets at RCPT under TLS once",
       .deeds = {once(resets(Step::rcpt))},
       .end = delivered(Over::tls),
       .tls = Tls::good},
      {.name = "ends TLS at QUIT without a word", .deeds = {resets(Step::quit)}, .end = delivered(Over::tls), .tls = Tls::good},
  };
}

}  // namespace

std::vector<Behaviour> under_tls() {
  return joined({breaking(DeliveryTls::opportunistic, "", delivered(Over::plaintext)),
                 breaking(DeliveryTls::required, " where encryption is required", waits("TLS")), certificates(), downgrades(),
                 around_the_handshake()});
}

}  // namespace receiver

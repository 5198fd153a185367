// Reading signatures and key records strictly, and what a signature does and does not cover.
#include "dkim/verifier.h"

#include "base/text.h"
#include "dkim/header_hash.h"
#include "tests/catch.h"
#include "tests/unit/dkim/support.h"

namespace {

using base::Kind;
using dkim::Algorithm;
using dkim::Canonicalization;
using dkim::Signature;
using dkim_test::key;
using dkim_test::Message;

const std::string hash_text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const std::string sound = "v=1; a=rsa-sha256; d=example.com; s=us; h=from; bh=" + hash_text + "; b=AAAA";

/// `sound` with one tag in place of another.
std::string with(const std::string& old_tag, const std::string& new_tag) {
  std::string text = sound;
  const std::size_t at = text.find(old_tag);
  return text.replace(at, old_tag.size(), new_tag);
}

/// A field signed here by hand, with any text around the value of b=.
std::string signed_by_hand(const Message& message, const std::string& before, const std::string& after,
                           const dkim::PrivateKey& private_key) {
  const std::vector<std::string> names{"from", "subject", "subject"};
  const std::string start =
      "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/relaxed; d=example.com; s=us; h=from:subject:subject;\r\n bh=" +
      base::base64_encode(dkim_test::as_text(message.body_hash(Canonicalization::relaxed))) + ";\r\n ";
  const auto hash = dkim::header_hash(Canonicalization::simple, message.header, names, start + before + after + "\r\n");
  return start + before + "\r\n  " + base::base64_encode(private_key.sign(hash).value()).insert(20, "\r\n\t ") + " " + after +
         "\r\n";
}

}  // namespace

TEST_CASE("a sound signature, with the defaults of what is not said") {
  const Signature signature = Signature::parse(sound).value();
  CHECK(signature.algorithm == Algorithm::rsa_sha256);
  CHECK(signature.domain == "example.com");
  CHECK(signature.selector == "us");
  CHECK(signature.canonicalization == dkim::CanonicalizationPair{Canonicalization::simple, Canonicalization::simple});
  CHECK(signature.signed_fields == std::vector<std::string>{"from"});
  CHECK(signature.body_hash.size() == 32);
  CHECK(signature.signature == std::string(3, '\0'));
  CHECK(signature.identity == "@example.com");
  CHECK_FALSE(signature.body_length);
  CHECK_FALSE(signature.timestamp);
  CHECK_FALSE(signature.expiration);
}

TEST_CASE("all tags, with white space wherever it may stand") {
  const Signature signature =
      Signature::parse(
          " v = 1 ; a=ed25519-sha256;\r\n\tc=relaxed; d=Example.COM; s=US.a; q=future/x : dns/txt; i=ann+x@mail.example.com;\r\n"
          " l=12; t=100; x=101; z=From:x|To:y; new_tag=whatever; h = From :\r\n To:\tfrom ;\r\n bh=47DEQpj8HBSa+/TImW\r\n"
          " +5JCeuQeRkm5NMpJWZG3hSuFU= ; b= AA\r\n AA ;")
          .value();
  CHECK(signature.algorithm == Algorithm::ed25519_sha256);
  CHECK(signature.domain == "example.com");
  CHECK(signature.selector == "us.a");
  CHECK(signature.canonicalization == dkim::CanonicalizationPair{Canonicalization::relaxed, Canonicalization::simple});
  CHECK(signature.signed_fields == std::vector<std::string>{"From", "To", "from"});
  CHECK(signature.identity == "ann+x@mail.example.com");
  CHECK(signature.body_length == 12U);
  CHECK(signature.timestamp == 100U);
  CHECK(signature.expiration == 101U);
}

TEST_CASE("signatures that are malformed are invalid, those we do not do are told apart") {
  struct Row {
    std::string text;
    Kind kind;
  };
  const auto row = GENERATE(values<Row>({
      {"", Kind::invalid},
      {with("v=1; ", ""), Kind::invalid},
      {with("a=rsa-sha256; ", ""), Kind::invalid},
      {with("d=example.com; ", ""), Kind::invalid},
      {with("s=us; ", ""), Kind::invalid},
      {with("h=from; ", ""), Kind::invalid},
      {with("bh=", "xx="), Kind::invalid},
      {with(" b=", " x="), Kind::invalid},
      {with("v=1", "v=2"), Kind::invalid},
      {with("v=1", "v=01"), Kind::invalid},
      {with("s=us", "s=us; s=us"), Kind::invalid},
      {with("s=us", "s="), Kind::invalid},
      {with("s=us", "s=a..b"), Kind::invalid},
      {with("s=us",
            "s=" + std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + "." + std::string(60, 'd')),
       Kind::invalid},
      {with("d=example.com", "d=example.com."), Kind::invalid},
      {with("d=example.com", "d=exam ple.com"), Kind::invalid},
      {with("h=from", "h=to"), Kind::invalid},
      {with("h=from", "h="), Kind::invalid},
      {with("h=from", "h=from:"), Kind::invalid},
      {with("h=from", "h=from:a b"), Kind::invalid},
      {with("b=AAAA", "b="), Kind::invalid},
      {with("b=AAAA", "b=A*AA"), Kind::invalid},
      {with("bh=4", "bh="), Kind::invalid},
      {with("bh=4", "bh=AAAA4"), Kind::invalid},
      {sound + "; c=nowsp", Kind::invalid},
      {sound + "; i=@example.org", Kind::invalid},
      {sound + "; i=@notexample.com", Kind::invalid},
      {sound + "; i=example.com", Kind::invalid},
      {sound + "; l=-1", Kind::invalid},
      {sound + "; l=", Kind::invalid},
      {sound + "; t=now", Kind::invalid},
      {sound + "; x=99999999999999999999999", Kind::invalid},
      {sound + "; t=100; x=100", Kind::invalid},
      {with("rsa-sha256", "rsa-sha1"), Kind::refused},
      {with("rsa-sha256", "rsa-sha512"), Kind::unsupported},
      {sound + "; q=http/get", Kind::unsupported},
  }));
  CAPTURE(row.text);
  const auto signature = Signature::parse(row.text);
  REQUIRE_FALSE(signature);
  CHECK(signature.error().kind == row.kind);
}

TEST_CASE("key records that serve") {
  const std::string p = key("ed25519.pem").public_record().substr(22);
  REQUIRE(p.size() == 44);
  const auto record = GENERATE_COPY(
      "v=DKIM1; k=ed25519; p=" + p, "v=DKIM1;k=ed25519;p=" + p + ";", "k=ed25519; p=" + p,
      "v = DKIM1 ; k=ed25519; h=sha1:sha256; s=email; t=z; n=some words; g=*; p=" + p.substr(0, 9) + " " + p.substr(9),
      "v=DKIM1; p=" + p + "; k=ed25519; s=tlsrpt:*");
  CAPTURE(record);
  const auto read = dkim::read_key_record(record, Algorithm::ed25519_sha256);
  REQUIRE(read);
  CHECK(read->key.bits() == 256);
  CHECK_FALSE(read->testing);
  CHECK_FALSE(read->exact_domain);
}

TEST_CASE("flags of a key record") {
  const std::string record = key("ed25519.pem").public_record();
  CHECK(dkim::read_key_record(record + "; t=y", Algorithm::ed25519_sha256).value().testing);
  CHECK(dkim::read_key_record(record + "; t=y : s", Algorithm::ed25519_sha256).value().exact_domain);
}

TEST_CASE("key records that do not serve") {
  const std::string record = key("ed25519.pem").public_record();
  struct Row {
    std::string text;
    Kind kind;
  };
  const auto row = GENERATE_COPY(values<Row>({
      {"", Kind::invalid},
      {"v=DKIM1; k=ed25519", Kind::invalid},
      {"v=DKIM1; k=ed25519; p=", Kind::refused},
      {"v=DKIM1; k=ed25519; p= ;", Kind::refused},
      {"v=DKIM2; " + record.substr(9), Kind::invalid},
      {record.substr(9) + "; v=DKIM1", Kind::invalid},
      {record + "; p=AAAA", Kind::invalid},
      {record + "; h=sha1", Kind::invalid},
      {record + "; s=tlsrpt", Kind::invalid},
      {"v=DKIM1; k=ed25519; p=AAAA", Kind::invalid},
      {"v=DKIM1; k=ed25519; p=!", Kind::invalid},
      {"v=DKIM1; p=AAAA", Kind::invalid},
      {"v=spf1 -all", Kind::invalid},
  }));
  CAPTURE(row.text);
  const auto read = dkim::parse_key_record(row.text, Algorithm::ed25519_sha256);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == row.kind);
}

TEST_CASE("a key of the other type does not serve") {
  CHECK_FALSE(dkim::parse_key_record(key("ed25519.pem").public_record(), Algorithm::rsa_sha256));
  CHECK_FALSE(dkim::parse_key_record(key("rsa1024-pkcs1.pem").public_record(), Algorithm::ed25519_sha256));
}

TEST_CASE("the published signatures of RFC 8463 come out of the published keys") {
  const Message message(dkim_test::data("01-rfc8463.msg"));
  const auto fields = message.header.find("DKIM-Signature");
  REQUIRE(fields.size() == 2);
  for (const auto& [field, file] : {std::pair(fields[0], "rfc8463-ed25519.pem"), std::pair(fields[1], "rfc8463-rsa.pem")}) {
    const Signature signature = Signature::parse(field->value).value();
    std::string own(field->raw);
    own.resize(own.find(" b=") + 3);
    const auto hash = dkim::header_hash(Canonicalization::relaxed, message.header, signature.signed_fields, own);
    CHECK(key(file).sign(hash).value() == signature.signature);
  }
}

TEST_CASE("only the value of b= is taken out, wherever it stands and however it is folded") {
  const Message message("From: ann@example.com\r\nSubject: hi\r\n\r\nbody\r\n");
  const dkim::PrivateKey private_key = key("ed25519.pem");
  const auto around = GENERATE(values<std::pair<std::string, std::string>>(
      {{"b=", ""}, {"b=", "; t=12"}, {"b\t =", ";"}, {"b=", ";\r\n x=99; q=dns/txt"}, {"zb=b; b=", "; xb=b"}}));
  const std::string field = signed_by_hand(message, around.first, around.second, private_key);
  CAPTURE(field);
  CHECK(dkim::check_field(field, message.header, message.body_hash(Canonicalization::relaxed), private_key.public_key()));
}

TEST_CASE("fields are taken from the bottom up; more mentions than fields are nothing") {
  const dkim::PrivateKey private_key = key("ed25519.pem");
  const Message made("From: ann@example.com\r\nSubject: hi\r\n\r\nbody\r\n");
  const std::string field = signed_by_hand(made, "b=", "", private_key);
  const auto passes = [&](const std::string& header) {
    const Message message(header + "\r\nbody\r\n");
    return dkim::check_field(field, message.header, message.body_hash(Canonicalization::relaxed), private_key.public_key())
        .has_value();
  };
  CHECK(passes("From: ann@example.com\r\nSubject: hi\r\n"));
  CHECK(passes("From: mallory@example.net\r\nFrom: ann@example.com\r\nSubject: hi\r\n"));  // From was not oversigned
  CHECK_FALSE(passes("From: ann@example.com\r\nFrom: mallory@example.net\r\nSubject: hi\r\n"));
  CHECK_FALSE(passes("Subject: more\r\nFrom: ann@example.com\r\nSubject: hi\r\n"));
  CHECK_FALSE(passes("From: ann@example.com\r\n"));
  CHECK_FALSE(passes("From: ann@example.com\r\nSubject: hi \r\n"));
  CHECK(passes("X-Any: thing\r\nFrom: ann@example.com\r\nX-Other: thing\r\nSubject: hi\r\n"));
}

TEST_CASE("a failed check says whether body, header or key is wrong") {
  const dkim::PrivateKey private_key = key("ed25519.pem");
  const Message message("From: ann@example.com\r\nSubject: hi\r\n\r\nbody\r\n");
  const auto body_hash = message.body_hash(Canonicalization::relaxed);
  const std::string field = signed_by_hand(message, "b=", "", private_key);
  const auto words = [&](const dkim::Digest& hash, const dkim::PublicKey& public_key) {
    const auto checked = dkim::check_field(field, message.header, hash, public_key);
    return checked ? std::string() : std::string(base::to_string(checked.error().kind)) + ": " + checked.error().words;
  };
  CHECK(words(body_hash, private_key.public_key()).empty());
  CHECK(words(dkim_test::sha256("else"), private_key.public_key()) == "refused: the body hash does not match");
  CHECK(words(body_hash, key("rfc8463-ed25519.pem").public_key()) == "refused: the signature does not match");
  CHECK(words(body_hash, key("rsa1024-pkcs1.pem").public_key()) == "refused: the key is for another algorithm");
}

TEST_CASE("a signature that signs DKIM-Signature never picks itself") {
  const dkim::PrivateKey private_key = key("ed25519.pem");
  const std::string other = "DKIM-Signature: older\r\n";
  const std::string rest = "From: ann@example.com\r\n\r\nbody\r\n";
  const Message before(other + rest);
  const std::string start =
      "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=example.com; s=us; h=from:dkim-signature; bh=" +
      base::base64_encode(dkim_test::as_text(before.body_hash(Canonicalization::simple))) + "; b=";
  const auto hash = dkim::header_hash(Canonicalization::simple, before.header, {"from", "dkim-signature"}, start);
  const Message received(other + start + base::base64_encode(private_key.sign(hash).value()) + "\r\n" + rest);
  const mail::Field& field = *received.header.find("DKIM-Signature")[1];
  CHECK(dkim::check_signature(field, Signature::parse(field.value).value(), received.header,
                              received.body_hash(Canonicalization::simple), private_key.public_key()));
}

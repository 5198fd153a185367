// Keys: what is read, what is refused and in which words, that signatures are right and the same as OpenSSL's own.
#include "dkim/crypto.h"

#include <thread>

#include "base/text.h"
#include "dkim/verifier.h"
#include "tests/catch.h"
#include "tests/unit/dkim/support.h"

namespace {

using base::Kind;
using dkim::Algorithm;
using dkim::Digest;
using dkim::PrivateKey;
using dkim::PublicKey;
using dkim_test::data;
using dkim_test::key;
using dkim_test::sha256;

std::string record_octets(const PrivateKey& private_key) {
  const std::string record = private_key.public_record();
  return base::base64_decode(record.substr(record.find("p=") + 2)).value();
}

}  // namespace

TEST_CASE("SHA-256 of pieces is SHA-256 of the whole") {
  dkim::Sha256 sha;
  sha.update("a");
  sha.update("");
  sha.update("bc");
  CHECK(base::hex(dkim_test::as_text(sha.finish())) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("private keys in each of the three forms are read") {
  struct Row {
    std::string file;
    Algorithm algorithm;
    int bits;
  };
  const auto row = GENERATE(values<Row>({{"rsa1024-pkcs1.pem", Algorithm::rsa_sha256, 1024},
                                         {"rsa2048-pkcs8.pem", Algorithm::rsa_sha256, 2048},
                                         {"ed25519.pem", Algorithm::ed25519_sha256, 256}}));
  const PrivateKey read = key(row.file);
  CHECK(read.algorithm() == row.algorithm);
  CHECK(read.bits() == row.bits);
  CHECK(read.public_key().algorithm() == row.algorithm);
  CHECK(read.public_key().bits() == row.bits);
}

TEST_CASE("what is no usable private key is refused in clear words") {
  struct Row {
    std::string file, words;
  };
  const auto row = GENERATE(values<Row>({
      {"encrypted-pkcs8.pem", "the private key is encrypted"},
      {"encrypted-pkcs1.pem", "the private key is encrypted"},
      {"public.pem", "this is a public key"},
      {"certificate.pem", "this is a certificate"},
      {"ec.pem", "a key of type EC cannot sign DKIM"},
      {"rsa-pss.pem", "a key of type RSA-PSS cannot sign DKIM"},
      {"rsa512.pem", "an RSA key of 512 bits"},
      {"rsa5120.pem", "an RSA key of 5120 bits"},
      {"damaged.pem", "the private key is damaged"},
  }));
  CAPTURE(row.file);
  const std::string pem = data("keys/" + row.file);
  REQUIRE_FALSE(pem.empty());
  const auto read = PrivateKey::from_pem(pem);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == Kind::invalid);
  CAPTURE(read.error().words);
  CHECK(read.error().words.starts_with(row.words));
}

TEST_CASE("text that is no PEM at all is refused") {
  const auto text =
      GENERATE(std::string(), std::string("hello"), std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
               std::string(100'000, 'x'));
  const auto read = PrivateKey::from_pem(text);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == Kind::invalid);
}

TEST_CASE("a made key signs, is written, read again, and published") {
  const auto algorithm = GENERATE(Algorithm::rsa_sha256, Algorithm::ed25519_sha256);
  const PrivateKey made = PrivateKey::generate(algorithm, 1024);
  const PrivateKey read = PrivateKey::from_pem(made.to_pem()).value();
  const Digest digest = sha256("something");
  const std::string signature = read.sign(digest).value();
  CHECK(signature.size() == (algorithm == Algorithm::rsa_sha256 ? 128U : 64U));
  CHECK(made.public_key().verifies(digest, signature));
  CHECK_FALSE(made.public_key().verifies(sha256("something else"), signature));
  CHECK(dkim::parse_key_record(made.public_record(), algorithm).value().verifies(digest, signature));
  CHECK(made.public_record() == read.public_record());
}

TEST_CASE("a signature that was touched does not verify") {
  const PrivateKey private_key = key(GENERATE("rsa1024-pkcs1.pem", "ed25519.pem"));
  const Digest digest = sha256("text");
  std::string signature = private_key.sign(digest).value();
  CHECK(private_key.public_key().verifies(digest, signature));
  CHECK_FALSE(private_key.public_key().verifies(digest, ""));
  CHECK_FALSE(private_key.public_key().verifies(digest, signature + "x"));
  CHECK_FALSE(private_key.public_key().verifies(digest, signature.substr(1)));
  signature[10] = static_cast<char>(signature[10] ^ 1);
  CHECK_FALSE(private_key.public_key().verifies(digest, signature));
}

TEST_CASE("records are as RFC 6376 and RFC 8463 want them") {
  CHECK(key("rfc8463-ed25519.pem").public_record() == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  CHECK(key("rfc8463-rsa.pem").public_record() ==
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
        "J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
        "K4w3QIDAQAB");
}

TEST_CASE("a bare RSAPublicKey is read as well as a SubjectPublicKeyInfo") {
  const PrivateKey private_key = key("rsa1024-pkcs1.pem");
  const std::string info = record_octets(private_key);
  const std::string bare = info.substr(22);  // behind the AlgorithmIdentifier and the BIT STRING's head
  const Digest digest = sha256("text");
  const std::string signature = private_key.sign(digest).value();
  CHECK(PublicKey::from_record(Algorithm::rsa_sha256, info).value().verifies(digest, signature));
  CHECK(PublicKey::from_record(Algorithm::rsa_sha256, bare).value().verifies(digest, signature));
}

TEST_CASE("public keys that are none, too short or followed by something are refused") {
  const std::string info = record_octets(key("rsa1024-pkcs1.pem"));
  CHECK_FALSE(PublicKey::from_record(Algorithm::rsa_sha256, ""));
  CHECK_FALSE(PublicKey::from_record(Algorithm::rsa_sha256, "junk"));
  CHECK_FALSE(PublicKey::from_record(Algorithm::rsa_sha256, info + "x"));
  CHECK_FALSE(PublicKey::from_record(Algorithm::rsa_sha256, info.substr(0, info.size() - 1)));
  CHECK_FALSE(PublicKey::from_record(Algorithm::ed25519_sha256, info));
  CHECK_FALSE(PublicKey::from_record(Algorithm::ed25519_sha256, std::string(31, 'x')));
  const std::string ed25519_info = base::base64_decode("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").value();
  CHECK_FALSE(PublicKey::from_record(Algorithm::rsa_sha256, ed25519_info));
  const std::string short_key = base::base64_decode(
                                    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAN5oM+fJWmTGqpqb5KNzVBYVx6yLQxWf"
                                    "cbTo4gWNY1N2+wxlbS3UxtvksomvgrnAgag9UJlqOQwZzAGDiBy6gU0CAwEAAQ==")
                                    .value();
  const auto refused = PublicKey::from_record(Algorithm::rsa_sha256, short_key);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().words.starts_with("an RSA key of 512 bits"));
}

TEST_CASE("several threads sign with one key at once") {
  const PrivateKey private_key = key(GENERATE("rsa1024-pkcs1.pem", "ed25519.pem"));
  const Digest digest = sha256("text");
  const std::string expected = private_key.sign(digest).value();  // both algorithms are deterministic
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&private_key, &digest, &expected, &count] {
      for (int i = 0; i < 50; ++i) {
        if (private_key.sign(digest).value() != expected || !private_key.public_key().verifies(digest, expected)) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

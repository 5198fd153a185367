// A whole message judged: the verdicts of RFC 6376 6, the questions asked, and independence of how the message came in pieces.
#include "dkim/message_verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "dkim/signer.h"
#include "tests/catch.h"
#include "tests/unit/dkim/support.h"

namespace {

using dkim::Algorithm;
using dkim::KeyAnswer;
using dkim::MessageVerifier;
using dkim::SignatureResult;
using dkim::Verdict;
using dkim::VerifyOptions;

constexpr std::uint64_t signing_time = 1'790'000'000;
const dkim::PrivateKey signing_key = dkim::PrivateKey::generate(Algorithm::ed25519_sha256);
const std::string header = "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: hi\r\n\r\n";
const std::string body = "hello\r\n";

std::string signature_by(const dkim::PrivateKey& key, const std::string& selector = "us") {
  const dkim_test::Message message(header + body);
  const dkim::SigningRule rule{"*", "example.com", selector, key};
  const base::Time when{std::chrono::seconds(signing_time)};
  return dkim::make_signature(rule, {}, message.header, message.body_hash(dkim::Canonicalization::relaxed),
                              mail::Mailbox("ann", "example.com"), when)
      .value();
}

KeyAnswer found(std::vector<std::string> records) {
  return KeyAnswer{.kind = KeyAnswer::Kind::found, .records = std::move(records)};
}

std::vector<SignatureResult> judge(const std::string& message, const KeyAnswer& answer, std::uint64_t now = signing_time + 60,
                                   std::size_t piece = 1000) {
  MessageVerifier verifier(VerifyOptions{.now = now});
  for (std::size_t at = 0; at < message.size(); at += piece) verifier.feed(std::string_view(message).substr(at, piece));
  verifier.finish();
  for (const std::string& name : verifier.questions()) verifier.answer(name, answer);
  return verifier.results();
}

std::string told(const SignatureResult& result) { return fmt::format("{} {}", dkim::to_string(result.verdict), result.reason); }

/// The one verdict on `message` with the record of signing_key and `tags` behind it.
std::string verdict(const std::string& message, const std::string& tags = "") {
  const auto results = judge(message, found({signing_key.public_record() + tags}));
  return results.size() == 1 ? told(results.front()) : fmt::format("{} results", results.size());
}

std::string changed(std::string text, const std::string& old_part, const std::string& new_part) {
  const std::size_t at = text.find(old_part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old_part.size(), new_part);
}

}  // namespace

TEST_CASE("a message without a signature has no results and asks nothing") {
  MessageVerifier verifier(VerifyOptions{});
  verifier.feed(header + body);
  verifier.finish();
  CHECK(verifier.questions().empty());
  CHECK(verifier.results().empty());
}

TEST_CASE("a sound signature passes, and says who signed") {
  const auto results = judge(signature_by(signing_key) + header + body, found({signing_key.public_record()}));
  REQUIRE(results.size() == 1);
  CHECK(told(results[0]) == "pass ");
  CHECK(results[0].domain == "example.com");
  CHECK(results[0].selector == "us");
  CHECK(results[0].algorithm == "ed25519-sha256");
  CHECK_FALSE(results[0].testing);
}

TEST_CASE("what was changed on the way fails") {
  const std::string field = signature_by(signing_key);
  CHECK(verdict(field + header + "hullo\r\n") == "fail the body hash does not match");
  CHECK(verdict(field + changed(header, "Subject: hi", "Subject: ho") + body) == "fail the signature does not match");
  CHECK(verdict(field + "From: Eve <eve@example.com>\r\n" + header + body) == "fail the signature does not match");
}

TEST_CASE("keys that must not be used give permerror") {
  const std::string message = signature_by(signing_key) + header + body;
  const auto with = [&](const KeyAnswer& answer) { return told(judge(message, answer).at(0)); };
  CHECK(with(KeyAnswer{}) == "permerror there is no key record");
  CHECK(with(found({"v=spf1 -all"})) == "permerror there is no key record");
  CHECK(with(found({"v=DKIM1; k=ed25519; p="})) == "permerror the key is revoked");
  CHECK(with(found({signing_key.public_record(), "v=DKIM1; p="})) == "permerror there are 2 key records");
  CHECK(with(found({"v=spf1 -all", signing_key.public_record()})) == "pass ");
  CHECK(with(found({std::string(MessageVerifier::max_record + 1, 'x')})) ==
        "permerror the answer for the key record is too large");
  CHECK(verdict(message, "; s=tlsrpt") == "permerror the key is not meant for mail");
  CHECK(verdict(message, "; h=sha1") == "permerror the key record does not allow sha256");
}

TEST_CASE("an RSA key below 1024 bits never passes, nor one below what was asked for") {
  const dkim::PrivateKey rsa = dkim::PrivateKey::generate(Algorithm::rsa_sha256, 1024);
  const std::string message = signature_by(rsa) + header + body;
  MessageVerifier verifier(VerifyOptions{.now = signing_time, .min_key_bits = 2048});
  verifier.feed(message);
  verifier.finish();
  verifier.answer("us._domainkey.example.com", found({rsa.public_record()}));
  CHECK(told(verifier.results().at(0)) == "permerror the key has 1024 bits only");
  CHECK(told(judge(message, found({rsa.public_record()})).at(0)) == "pass ");
}

TEST_CASE("rsa-sha1 never passes") {
  const std::string message = changed(signature_by(signing_key), "ed25519-sha256", "rsa-sha1") + header + body;
  CHECK(verdict(message) == "permerror rsa-sha1 proves nothing any more (RFC 8301)");
}

TEST_CASE("a fault of DNS is no verdict on the message, and may be asked again") {
  MessageVerifier verifier(VerifyOptions{.now = signing_time});
  verifier.feed(signature_by(signing_key) + header + body);
  verifier.finish();
  CHECK(verifier.results().at(0).verdict == Verdict::temperror);
  const std::string name = verifier.questions().at(0);
  verifier.answer(name, KeyAnswer{.kind = KeyAnswer::Kind::unavailable, .words = "SERVFAIL"});
  CHECK(told(verifier.results().at(0)) == "temperror the key record cannot be had: SERVFAIL");
  verifier.answer(name, found({signing_key.public_record()}));
  CHECK(told(verifier.results().at(0)) == "pass ");
}

TEST_CASE("the test flag is told beside the real result") {
  const std::string field = signature_by(signing_key);
  CHECK(verdict(field + header + body, "; t=y") == "pass the domain is testing (t=y)");
  CHECK(verdict(field + header + "hullo\r\n", "; t=y") == "fail the body hash does not match");
}

TEST_CASE("t=s asks that i= is d= itself") {
  // i= of what we sign is the domain of d=.
  CHECK(verdict(signature_by(signing_key) + header + body, "; t=s") == "pass ");
  const std::string below = changed(signature_by(signing_key), "d=example.com;", "d=example.com; i=@mail.example.com;");
  CHECK(verdict(below + header + body, "; t=s") == "permerror the key is for d= itself (t=s), and i= is below it");
}

TEST_CASE("x= is judged at the time that is given") {
  const std::string field = changed(signature_by(signing_key), "t=1790000000;", "t=1790000000; x=1790000100;");
  const auto at = [&](std::uint64_t now) {
    return told(judge(field + header + body, found({signing_key.public_record()}), now).at(0));
  };
  CHECK(at(signing_time + 101) == "fail the signature has expired (x=)");
  CHECK(at(signing_time + 100) == "fail the signature does not match");  // it was changed here
}

TEST_CASE("several signatures are judged each for itself, top to bottom, and a key is asked for once") {
  const dkim::PrivateKey other = dkim::PrivateKey::generate(Algorithm::ed25519_sha256);
  const std::string text = signature_by(signing_key) + signature_by(other, "old") + "DKIM-Signature: v=1; nonsense\r\n" +
                           signature_by(signing_key) + header + body;
  MessageVerifier verifier(VerifyOptions{.now = signing_time});
  verifier.feed(text);
  verifier.finish();
  CHECK(verifier.questions() == std::vector<std::string>{"us._domainkey.example.com", "old._domainkey.example.com"});
  verifier.answer("us._domainkey.example.com", found({signing_key.public_record()}));
  verifier.answer("old._domainkey.example.com", KeyAnswer{});
  const auto results = verifier.results();
  REQUIRE(results.size() == 4);
  CHECK(results[0].verdict == Verdict::pass);
  CHECK(results[1].verdict == Verdict::permerror);
  CHECK(results[2].verdict == Verdict::permerror);
  CHECK(results[2].domain.empty());
  CHECK(results[3].verdict == Verdict::pass);
}

TEST_CASE("a message with very many signatures costs no more than a few") {
  std::string text;
  for (std::size_t i = 0; i < MessageVerifier::max_signatures + 5; ++i) text += signature_by(signing_key);
  const auto results = judge(text + header + body, found({signing_key.public_record()}));
  REQUIRE(results.size() == MessageVerifier::max_signatures + 5);
  CHECK(results[MessageVerifier::max_signatures - 1].verdict == Verdict::pass);
  CHECK(results[MessageVerifier::max_signatures].verdict == Verdict::policy);
}

TEST_CASE("a header past all bounds is one permerror") {
  const std::string text = signature_by(signing_key) + "X: " + std::string(mail::HeaderBlock::max_octets, 'x') + "\r\n" + header;
  CHECK(verdict(text + body) == "permerror the header is too large");
}

TEST_CASE("the messages of others get the same verdict in pieces of any size") {
  for (const auto& entry : std::filesystem::directory_iterator(std::string(MAILFERRY_SOURCE_DIR) + "/tests/data/dkim")) {
    if (entry.path().extension() != ".msg") continue;
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const std::string keys = dkim_test::data(name + ".key");
    const std::string expected = dkim_test::data(name + ".expected");
    for (const std::size_t piece : {1U, 7U, 64U, 100'000U}) {
      MessageVerifier verifier(VerifyOptions{.now = signing_time});
      const std::string message = dkim_test::data(name + ".msg");
      for (std::size_t at = 0; at < message.size(); at += piece) verifier.feed(std::string_view(message).substr(at, piece));
      verifier.finish();
      for (const std::string_view line : base::split(keys, '\n')) {
        const std::size_t space = line.find(' ');
        if (space != std::string_view::npos) verifier.answer(line.substr(0, space), found({std::string(line.substr(space + 1))}));
      }
      std::string passes;
      for (const SignatureResult& result : verifier.results()) passes += result.verdict == Verdict::pass ? "pass\n" : "no\n";
      std::string wanted;
      for (const std::string_view line : base::split(expected, '\n')) {
        if (!line.empty()) wanted += line == "pass" ? "pass\n" : "no\n";
      }
      CHECK(passes == wanted);
    }
  }
}

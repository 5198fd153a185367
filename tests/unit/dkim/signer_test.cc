// Signing: which rules and fields, how the field is written, and that what is written verifies.
#include "dkim/signer.h"

#include <algorithm>

#include "base/text.h"
#include "dkim/verifier.h"
#include "tests/catch.h"
#include "tests/unit/dkim/support.h"

namespace {

using dkim::Canonicalization;
using dkim::SigningOptions;
using dkim::SigningRule;
using dkim_test::key;
using dkim_test::Message;

const mail::Mailbox ann("ann", "example.com");
const base::Time noon{std::chrono::seconds(1'790'000'000)};

constexpr auto text =
    "Received: from a by b\r\n"
    "From: Ann <ann@example.com>\r\n"
    "To: bob@example.net\r\n"
    "Subject: first\r\n"
    "Bcc: carol@example.net\r\n"
    "Subject : second\r\n"
    "\tline  \r\n"
    "X-Odd:\r\n"
    "\r\n"
    "Hello  there \r\n";

SigningRule rule(const std::string& key_file = "ed25519.pem") {
  return {.from = "*", .domain = "example.com", .selector = "us", .key = key(key_file)};
}

SigningRule rule_for(std::string from, std::string selector, std::string domain = "example.com") {
  static const dkim::PrivateKey shared = key("ed25519.pem");
  return {.from = std::move(from), .domain = std::move(domain), .selector = std::move(selector), .key = shared};
}

std::string sign(const Message& message, const SigningOptions& options, const SigningRule& with = rule()) {
  const auto body_hash = message.body_hash(options.canonicalization.body);
  return dkim::make_signature(with, options, message.header, body_hash, ann, noon).value();
}

dkim::Signature parsed(const std::string& field) {
  return dkim::Signature::parse(std::string_view(field).substr(15, field.size() - 17)).value();
}

/// h= as one line.
std::string signed_fields(const std::string& field) {
  std::string joined;
  for (const std::string& name : parsed(field).signed_fields) joined += (joined.empty() ? "" : ":") + name;
  return joined;
}

std::vector<std::string> selectors(const std::vector<SigningRule>& rules, const mail::Mailbox& author) {
  std::vector<std::string> names;
  for (const SigningRule* chosen : dkim::matching_rules(rules, author)) names.push_back(chosen->selector + "@" + chosen->domain);
  return names;
}

}  // namespace

TEST_CASE("a pattern with @ is for the address, one without for the domain, in any case") {
  struct Row {
    std::string pattern, local_part, domain;
    bool matches;
  };
  const auto row = GENERATE(values<Row>({
      {"*", "ann", "example.com", true},
      {"*@example.com", "ann", "example.com", true},
      {"*@Example.COM", "ann", "example.com", true},
      {"*@example.com", "ann", "sub.example.com", false},
      {"*@*.example.com", "ann", "sub.example.com", true},
      {"*@*.example.com", "ann", "example.com", false},
      {"*.example.com", "ann", "a.b.example.com", true},
      {"example.com", "ann", "example.com", true},
      {"example.com", "ann", "notexample.com", false},
      {"news@example.com", "News", "example.com", true},
      {"news@example.com", "ann", "example.com", false},
      {"*@example.com", "x@example.com", "evil.example", false},
      {"ann@*", "ann", "example.com", true},
  }));
  CAPTURE(row.pattern, row.local_part, row.domain);
  const std::vector<SigningRule> rules{rule_for(row.pattern, "us")};
  CHECK(dkim::matching_rules(rules, mail::Mailbox(row.local_part, row.domain)).empty() != row.matches);
}

TEST_CASE("the first match of each selector signs, in the order of the rules") {
  const std::vector<SigningRule> rules{rule_for("news@example.com", "a", "news.example.com"), rule_for("*@example.com", "b"),
                                       rule_for("*", "A", "%"), rule_for("*", "c", "%")};
  CHECK(selectors(rules, {"news", "example.com"}) == std::vector<std::string>{"a@news.example.com", "b@example.com", "c@%"});
  CHECK(selectors(rules, {"ann", "example.com"}) == std::vector<std::string>{"b@example.com", "A@%", "c@%"});
  CHECK(selectors(rules, {"ann", "other.example"}) == std::vector<std::string>{"A@%", "c@%"});
  CHECK(selectors(rules, {"ann", "[192.0.2.1]"}).empty());
}

TEST_CASE("the tags of a signature, in their order") {
  const Message message(text);
  const std::string field = sign(message, {}, rule("rsa2048-pkcs8.pem"));
  CHECK(field.starts_with(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=us;\r\n t=1790000000; h=From:From:"));
  CHECK(field.ends_with("\r\n"));
  CHECK(field.find(" l=") == std::string::npos);
  const dkim::Signature signature = parsed(field);
  CHECK(signature.domain == "example.com");
  CHECK(signature.selector == "us");
  CHECK(signature.timestamp == 1'790'000'000U);
  CHECK(signature.body_hash == dkim_test::as_text(dkim_test::sha256("Hello there\r\n")));
  CHECK(signature.signature.size() == 256);
}

TEST_CASE("lines keep to 78 columns and begin with white space") {
  std::string many = "From: ann@example.com\r\n";
  for (int i = 0; i < 60; ++i) many += "References: <" + std::to_string(i) + "@example.com>\r\n";
  const Message message(many + "\r\nbody\r\n");
  const std::string field = sign(message, {}, rule("rsa2048-pkcs8.pem"));
  const auto lines = base::split(field, '\n');
  REQUIRE(lines.size() > 10);
  CHECK(lines.back().empty());
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(lines[i].size() <= 79);  // with the CR
    CHECK(lines[i].size() > 3);
    CHECK(lines[i].ends_with('\r'));
    CHECK(lines[i].starts_with(' ') == (i > 0));
  }
}

TEST_CASE("what is signed verifies, whatever the canonicalization and the key") {
  const auto header = GENERATE(Canonicalization::simple, Canonicalization::relaxed);
  const auto body = GENERATE(Canonicalization::simple, Canonicalization::relaxed);
  const auto file = GENERATE("ed25519.pem", "rsa1024-pkcs1.pem", "rsa2048-pkcs8.pem");
  const auto oversign = GENERATE("none", "From", "recommended");
  const Message message(text);
  const SigningRule with = rule(file);
  const SigningOptions options{.canonicalization = {header, body}, .sign_headers = {}, .oversign = {oversign}};
  const std::string field = sign(message, options, with);
  const auto checked = dkim::check_field(field, message.header, message.body_hash(body), with.key.public_key());
  CHECK(checked);
  CHECK(parsed(field).canonicalization == options.canonicalization);
}

TEST_CASE("each occurrence is signed, never what the way changes, nothing unknown") {
  const Message message(text);
  CHECK(signed_fields(sign(message, {.oversign = {"none"}})) == "From:Subject:Subject:To");
  CHECK(signed_fields(sign(message, {.oversign = {}})) == "From:Subject:Subject:To");
  CHECK(signed_fields(sign(message, {})) == "From:From:Subject:Subject:To");
}

TEST_CASE("the recommended set holds what readers and list software look at") {
  for (const std::string name :
       {"From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post"}) {
    CHECK(std::ranges::count(dkim::recommended_fields(), name) == 1);
  }
}

TEST_CASE("a list of one's own still has From, and never what may not be signed") {
  const Message message(text);
  const SigningOptions options{.sign_headers = {"x-odd", "Received", "Bcc", "SUBJECT", "Subject", "Missing"},
                               .oversign = {"none"}};
  CHECK(signed_fields(sign(message, options)) == "From:x-odd:SUBJECT:SUBJECT");
}

TEST_CASE("oversigned names are listed once more than they occur, also when not listed otherwise") {
  const Message message(text);
  CHECK(signed_fields(sign(message, {.sign_headers = {"Subject"}, .oversign = {"subject", "Cc"}})) ==
        "From:Subject:Subject:Subject:Cc");
  CHECK(
      signed_fields(sign(message, {.sign_headers = {"From"}, .oversign = {"Recommended"}})) ==
      "From:From:Reply-To:Subject:Subject:Subject:Date:To:To:Cc:Message-ID:MIME-Version:Content-Type:Content-Transfer-Encoding");
}

TEST_CASE("an added field breaks the signature only when it was oversigned") {
  const auto name = GENERATE(as<std::string>(), "From", "Cc");
  const Message message("From: ann@example.com\r\n\r\nbody\r\n");
  const SigningRule with = rule();
  const auto hash = message.body_hash(Canonicalization::relaxed);
  const std::string closed = sign(message, {.oversign = {name}}, with);
  const std::string open = sign(message, {.oversign = {"none"}}, with);
  const Message forged(name + ": mallory@example.net\r\nFrom: ann@example.com\r\n\r\nbody\r\n");
  CHECK(dkim::check_field(closed, message.header, hash, with.key.public_key()));
  CHECK_FALSE(dkim::check_field(closed, forged.header, hash, with.key.public_key()));
  CHECK(dkim::check_field(open, forged.header, hash, with.key.public_key()));
}

TEST_CASE("domain % is the author's") {
  const Message message(text);
  SigningRule with = rule();
  with.domain = "%";
  CHECK(parsed(sign(message, {}, with)).domain == "example.com");
}

TEST_CASE("what cannot be signed is an error, not a bad signature") {
  const Message message(text);
  const Message nobody("To: bob@example.net\r\n\r\n");
  const dkim::Digest hash{};
  SigningRule with = rule();
  CHECK_FALSE(dkim::make_signature(with, {}, nobody.header, hash, ann, noon));
  CHECK_FALSE(dkim::make_signature(with, {.oversign = {"a b"}}, message.header, hash, ann, noon));
  with.selector = "a;b";
  CHECK_FALSE(dkim::make_signature(with, {}, message.header, hash, ann, noon));
  with.selector = "us";
  with.domain = "%";
  CHECK_FALSE(dkim::make_signature(with, {}, message.header, hash, mail::Mailbox("ann", "[192.0.2.1]"), noon));
}

TEST_CASE("x= follows t= by the lifetime, and is not written without one") {
  const Message message(text);
  SigningOptions options;
  CHECK_FALSE(parsed(sign(message, options)).expiration);
  options.lifetime = std::chrono::hours(24 * 14);
  const dkim::Signature signature = parsed(sign(message, options));
  CHECK(signature.timestamp == 1'790'000'000U);
  CHECK(signature.expiration == 1'790'000'000U + 14 * 86400U);
}

TEST_CASE("i= stands for the signing domain or one below it, and for nothing else") {
  const Message message(text);
  const auto signed_as = [&](const std::string& identity) {
    SigningRule with = rule();
    with.identity = identity;
    return dkim::make_signature(with, {}, message.header, message.body_hash(Canonicalization::relaxed), ann, noon);
  };
  CHECK(parsed(sign(message, {})).identity == "@example.com");
  CHECK(parsed(signed_as("@news.example.com").value()).identity == "@news.example.com");
  CHECK(parsed(signed_as("ann+x@example.com").value()).identity == "ann+x@example.com");
  for (const char* wrong : {"@example.net", "@notexample.com", "example.com", "a;b@example.com", "a b@example.com", "@"}) {
    INFO(wrong);
    CHECK_FALSE(signed_as(wrong));
  }
}

// Canonicalization: the RFC's examples, its corners, and that chunks and rounds do not matter.
#include "dkim/canonical.h"

#include <random>

#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/dkim/reference.h"
#include "tests/unit/dkim/support.h"

namespace {

using dkim::BodyHash;
using dkim::Canonicalization;
using dkim::Digest;
using dkim_test::sha256;

constexpr auto simple = Canonicalization::simple;
constexpr auto relaxed = Canonicalization::relaxed;

Digest hash_whole(Canonicalization canonicalization, std::string_view body) {
  BodyHash hash(canonicalization);
  hash.update(body);
  return hash.finish();
}

Digest hash_cut(Canonicalization canonicalization, std::string_view body, std::size_t chunk) {
  BodyHash hash(canonicalization);
  for (; !body.empty(); body.remove_prefix(std::min(chunk, body.size()))) hash.update(body.substr(0, chunk));
  return hash.finish();
}

std::string reference(Canonicalization canonicalization, const std::string& body) {
  return canonicalization == simple ? dkim_reference::simple_body(body) : dkim_reference::relaxed_body(body);
}

/// Text made of the octets that canonicalization looks at, in long and short runs.
std::string awkward_text(std::mt19937& random, std::size_t size) {
  static const std::vector<std::string> pieces{"\r\n",
                                               "\r\n",
                                               " ",
                                               "\t",
                                               "  ",
                                               "\r",
                                               "\n",
                                               "word",
                                               "two words",
                                               "x\r\n",
                                               "\r\n\r\n",
                                               " \r\n",
                                               "\xc3\xa9",
                                               std::string(1, '\0'),
                                               std::string(700, 'a'),
                                               std::string(600, ' ')};
  std::string text;
  while (text.size() < size) text += pieces[random() % pieces.size()];
  return text;
}

}  // namespace

TEST_CASE("c= names header and body, a lone word only the header") {
  CHECK(dkim::parse_canonicalization("relaxed/simple").value() == dkim::CanonicalizationPair{relaxed, simple});
  CHECK(dkim::parse_canonicalization("simple/relaxed").value() == dkim::CanonicalizationPair{simple, relaxed});
  CHECK(dkim::parse_canonicalization("relaxed").value() == dkim::CanonicalizationPair{relaxed, simple});
  CHECK(dkim::parse_canonicalization("simple").value() == dkim::CanonicalizationPair{simple, simple});
  CHECK(dkim::to_string(dkim::CanonicalizationPair{relaxed, simple}) == "relaxed/simple");
  const auto bad = GENERATE("", "/", "relaxed/", "/simple", "Relaxed", "nowsp", "simple/simple/simple", " simple");
  CHECK_FALSE(dkim::parse_canonicalization(bad));
}

TEST_CASE("the example of RFC 6376 3.4.5") {
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  CHECK(dkim::canonical_field(relaxed, "A: X\r\n") == "a:X\r\n");
  CHECK(dkim::canonical_field(relaxed, "B : Y\t\r\n\tZ  \r\n") == "b:Y Z\r\n");
  CHECK(dkim::canonical_field(simple, "B : Y\t\r\n\tZ  \r\n") == "B : Y\t\r\n\tZ  \r\n");
  CHECK(hash_whole(relaxed, body) == sha256(" C\r\nD E\r\n"));
  CHECK(hash_whole(simple, body) == sha256(" C \r\nD \t E\r\n"));
}

TEST_CASE("relaxed fields") {
  struct Row {
    std::string raw, canonical;
  };
  const auto row = GENERATE(values<Row>({
      {"Subject: hi\r\n", "subject:hi\r\n"},
      {"SUBJECT:hi\r\n", "subject:hi\r\n"},
      {"Subject \t : \t hi\r\n", "subject:hi\r\n"},
      {"Subject:\r\n folded at once\r\n", "subject:folded at once\r\n"},
      {"Subject: a\r\n\t b\r\n  c\r\n", "subject:a b c\r\n"},
      {"Subject:\r\n", "subject:\r\n"},
      {"Subject: \t \r\n", "subject:\r\n"},
      {"Subject: \r\n \r\n x\r\n", "subject:x\r\n"},
      {"Subject: a:b : c\r\n", "subject:a:b : c\r\n"},
      {"Subject: \xe4\xb8\xad  \xff\r\n", "subject:\xe4\xb8\xad \xff\r\n"},
      {"Subject: no line end", "subject:no line end\r\n"},
      {"Subject: a\rb\nc\r\n", "subject:a\rb\nc\r\n"},
  }));
  CHECK(dkim::canonical_field(relaxed, row.raw) == row.canonical);
  CHECK(dkim::canonical_field(relaxed, row.canonical) == row.canonical);
}

TEST_CASE("a simple field stays as it is") {
  CHECK(dkim::canonical_field(simple, "SubJect : a\r\n\tb  \r\n") == "SubJect : a\r\n\tb  \r\n");
  CHECK(dkim::canonical_field(simple, "Subject: no line end") == "Subject: no line end\r\n");
}

TEST_CASE("an empty body is a line end in simple and nothing in relaxed (RFC 6376 3.4.3, 3.4.4)") {
  const auto text = [](const Digest& digest) { return base::base64_encode(dkim_test::as_text(digest)); };
  CHECK(text(hash_whole(simple, "")) == "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  CHECK(text(hash_whole(relaxed, "")) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  const auto nothing = GENERATE("\r\n", "\r\n\r\n\r\n");
  CHECK(hash_whole(simple, nothing) == hash_whole(simple, ""));
  CHECK(hash_whole(relaxed, nothing) == hash_whole(relaxed, ""));
}

TEST_CASE("bodies and what is hashed of them") {
  struct Row {
    std::string body, simple, relaxed;
  };
  const auto row = GENERATE(values<Row>({
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"a\r\n\r\n\r\n", "a\r\n", "a\r\n"},
      {"\r\n\r\na", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {"a \r\n \r\n\t\r\n", "a \r\n \r\n\t\r\n", "a\r\n"},
      {" \t ", " \t \r\n", ""},
      {" \r\n", " \r\n", ""},
      {"  a\t\tb  c \r\n", "  a\t\tb  c \r\n", " a b c\r\n"},
      {"a\r\n  \r\nb\r\n", "a\r\n  \r\nb\r\n", "a\r\n\r\nb\r\n"},
      {"a\r", "a\r\r\n", "a\r\r\n"},
      {"a\n \n", "a\n \n\r\n", "a\n \n\r\n"},
      {"a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n"},
      {"a \rb", "a \rb\r\n", "a \rb\r\n"},
      {"\xff\xfe \xff\r\n", "\xff\xfe \xff\r\n", "\xff\xfe \xff\r\n"},
  }));
  CHECK(hash_whole(simple, row.body) == sha256(row.simple));
  CHECK(hash_whole(relaxed, row.body) == sha256(row.relaxed));
  CHECK(dkim_reference::simple_body(row.body) == row.simple);
  CHECK(dkim_reference::relaxed_body(row.body) == row.relaxed);
}

TEST_CASE("any chunks give the hash of the canonical text, and canonical text stays as it is") {
  const auto canonicalization = GENERATE(simple, relaxed);
  const auto seed = GENERATE(range(1U, 40U));
  std::mt19937 random(seed);
  const std::string body = awkward_text(random, 10 + seed * seed * 3);
  const std::string canonical = reference(canonicalization, body);
  const Digest expected = sha256(canonical);
  for (const std::size_t chunk :
       {body.size(), std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{512}}) {
    CHECK(hash_cut(canonicalization, body, chunk) == expected);
  }
  CHECK(hash_whole(canonicalization, canonical) == expected);
}

TEST_CASE("a body cut in two at every place gives the same hash") {
  const auto canonicalization = GENERATE(simple, relaxed);
  const std::string body = " a \r\n\r\n\tb\t \r\r\n \n c  d\r\n \r\n\r\n";
  const Digest expected = sha256(reference(canonicalization, body));
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    BodyHash hash(canonicalization);
    hash.update(body.substr(0, cut));
    hash.update(body.substr(cut));
    CHECK(hash.finish() == expected);
  }
}

TEST_CASE("megabytes of blank lines and of spaces are hashed in place when text follows") {
  const auto canonicalization = GENERATE(simple, relaxed);
  const auto filling = GENERATE("\r\n", " ", " \r\n", "\t");
  BodyHash hash(canonicalization);
  std::string block;
  while (block.size() < 60'000) block += filling;
  std::string body = "start";
  hash.update(body);
  for (int i = 0; i < 40; ++i) {
    hash.update(block);
    body += block;
  }
  hash.update("end");
  body += "end";
  CHECK(hash.finish() == sha256(reference(canonicalization, body)));
}

TEST_CASE("l= limits what is hashed; the length says how much there was") {
  const auto canonicalization = GENERATE(simple, relaxed);
  const std::string body = "one  two \r\n\r\n" + std::string(3000, 'x') + "\r\nend";
  const std::string canonical = reference(canonicalization, body);
  const auto limit = GENERATE(0U, 1U, 5U, 2047U, 2048U, 2049U, 3000U, 9999U);
  BodyHash hash(canonicalization, limit);
  for (std::size_t i = 0; i < body.size(); i += 11) hash.update(std::string_view(body).substr(i, 11));
  CHECK(hash.finish() == sha256(std::string_view(canonical).substr(0, limit)));
  CHECK(hash.canonical_length() == canonical.size());
}

TEST_CASE("the hashes of several rules come from one pass") {
  const std::string body = "a  b \r\n";
  dkim::BodyHashes both(true, true);
  both.update(body.substr(0, 3));
  both.update(body.substr(3));
  both.finish();
  CHECK(both.of(simple) == sha256("a  b \r\n"));
  CHECK(both.of(relaxed) == sha256("a b\r\n"));
  dkim::BodyHashes one(false, true);
  one.update(body);
  one.finish();
  CHECK(one.of(relaxed) == sha256("a b\r\n"));
}

// The author of a message: the first address of From:, in all the spellings that mail programs have found.
#include "mail/header.h"
#include "tests/catch.h"

using base::Kind;

namespace {

std::string author(std::string_view value) {
  const auto mailbox = mail::first_address(value);
  if (mailbox) return mailbox->to_string();
  return mailbox.error().kind == Kind::unsupported ? "unsupported" : "none";
}

}  // namespace

TEST_CASE("an address with or without a display name is the author") {
  const std::string value = GENERATE(
      as<std::string>{}, "alice@example.com", " alice@Example.COM ", "<alice@example.com>", "Alice <alice@example.com>",
      "Alice Smith<alice@example.com>", "\"Smith, Alice\" <alice@example.com>", "\"<bob@example.net>\" <alice@example.com>",
      "\"a \\\" <bob@example.net>\" <alice@example.com>", "bob@example.net <alice@example.com>",
      "A. B. Smith <alice@example.com>", "=?utf-8?Q?Smith=2C_Alice?= <alice@example.com>",
      "=?utf-8?Q?bob@example.net,_?= <alice@example.com>", "=?GB2312?B?1cXI/Q==?= <alice@example.com>",
      "\xD5\xC5\xC8\xFD <alice@example.com>", "\xD5@\xC8[ <alice@example.com>", "\xE5\xBC\xA0\xE4\xB8\x89 <alice@example.com>",
      "Smith, Alice <alice@example.com>", "Alice [work] <alice@example.com>");
  CHECK(author(value) == "alice@example.com");
}

TEST_CASE("comments mean nothing wherever they stand") {
  const std::string value =
      GENERATE(as<std::string>{}, "alice@example.com (Alice)", "(bob@example.net) alice@example.com",
               "alice (a (nested (deep))) @ (b) example.com", "Alice (x <bob@example.net>) <alice@example.com>",
               "<alice(x)@example.com>", "(\\( still) alice@example.com", "alice@example.com (not closed");
  CHECK(author(value) == "alice@example.com");
}

TEST_CASE("folds and blanks mean nothing between words") {
  CHECK(author("Alice\r\n Smith\r\n\t<alice@example.com>") == "alice@example.com");
  CHECK(author(" alice . smith\r\n @ example . com ") == "alice.smith@example.com");
  CHECK(author("< alice@example.com >") == "alice@example.com");
}

TEST_CASE("of several authors the first counts") {
  CHECK(author("a@one.example, b@two.example") == "a@one.example");
  CHECK(author(", ,A <a@one.example>, B <b@two.example>") == "a@one.example");
  CHECK(author("a@one.example; b@two.example") == "a@one.example");
}

TEST_CASE("a group is looked into") {
  CHECK(author("Team: Alice <a@one.example>, b@two.example;") == "a@one.example");
  CHECK(author("Nobody:; , b@two.example") == "b@two.example");
  CHECK(author("undisclosed-recipients:;") == "none");
}

TEST_CASE("a source route is passed over") {
  CHECK(author("<@one.example,@two.example:alice@example.com>") == "alice@example.com");
  CHECK(author("<@one.example,@two.example>") == "none");
  CHECK(author("<@one.example>") == "none");
}

TEST_CASE("quoted and obsolete local parts are read") {
  CHECK(author("\"a b\"@example.com") == "\"a b\"@example.com");
  CHECK(author("\"alice\".smith@example.com") == "alice.smith@example.com");
  CHECK(author("=?a?b?c?=@example.com") == "=?a?b?c?=@example.com");
  CHECK(author("<=?a?b?c?=x@example.com>") == "=?a?b?c?=x@example.com");
  CHECK(author("a..b@example.com") == "\"a..b\"@example.com");
  CHECK(author("alice@[192.0.2.1]") == "alice@[192.0.2.1]");
  CHECK(author("<alice@[IPv6:2001:db8::1]>") == "alice@[IPv6:2001:db8::1]");
}

TEST_CASE("an address that cannot be read is not replaced by a later one") {
  const std::string value =
      GENERATE(as<std::string>{}, "Alice a@one.example, <b@two.example>", "a@b@c.example, b@two.example", "<>, b@two.example",
               "<a b@one.example>, b@two.example", "a@-, b@two.example", "<a@one.example <b@two.example>",
               "a@one.example: b@two.example;", "@one.example, b@two.example", "a@\"one\".example, b@two.example");
  CHECK(author(value) == "none");
}

TEST_CASE("where there is no address there is no author") {
  const std::string value = GENERATE(as<std::string>{}, "", " \r\n ", "alice", "<alice>", "<", "Alice <alice@example.com",
                                     "\"alice@example.com", "(alice@example.com", "(alice@example.com)", "@", "a@", "postmaster",
                                     "[", "a@[192.0.2.1", "\\", std::string("a\0b@example.com", 15));
  CHECK(author(value) == "none");
}

TEST_CASE("an author may be beyond ASCII") {
  CHECK(author("J\xC3\xBCrgen <j\xC3\xBCrgen@example.com>") == "j\xC3\xBCrgen@example.com");
  CHECK(author("alice@Bücher.example") == "alice@xn--bcher-kva.example");
  CHECK(author("J\xFCrgen <j\xFCrgen@example.com>") == "unsupported");  // not UTF-8
}

TEST_CASE("a value of any size is read in one pass") {
  const std::string piece =
      GENERATE(as<std::string>{}, "(", "\"", "<", "=?", "=?a?b?", "<@[,@[", ",", "a@[", "\\", "[", "@", "a@b", ":");
  std::string value;
  while (value.size() < mail::HeaderBlock::max_octets) value += piece;
  CHECK(author(value) == "none");
}

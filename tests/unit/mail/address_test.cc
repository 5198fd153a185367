// Addresses: what RFC 5321 4.1.2 takes, what it does not, and that printing is the reverse of parsing.
#include "mail/address.h"

#include "tests/catch.h"

using base::Kind;
using mail::Mailbox;
using mail::ReversePath;

namespace {

std::string parsed(std::string_view text) {
  auto mailbox = Mailbox::parse(text);
  return mailbox ? mailbox->to_string() : "refused";
}

std::string repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("a domain is read in lower case and by its labels") {
  CHECK(mail::parse_domain("Example.COM") == "example.com");
  CHECK(mail::parse_domain("xn--fiqs8s") == "xn--fiqs8s");
  CHECK(mail::parse_domain("a") == "a");
  CHECK(mail::parse_domain("1-2.example") == "1-2.example");
  CHECK(mail::parse_domain(std::string(63, 'a') + ".example").has_value());
  CHECK(mail::parse_domain(repeat("a.", 127) + "a").has_value());
}

TEST_CASE("what is no domain is refused") {
  const std::string bad = GENERATE(as<std::string>{}, "", ".", "example.com.", ".example.com", "a..b", "-a.example", "a-.example",
                                   "under_score.example", "a b", "[192.0.2.1]", "exa\xC3\xA4\xFFmple", "a\n",
                                   std::string("a\0b", 3), std::string(64, 'a') + ".example", repeat("a.", 128) + "a");
  CHECK_FALSE(mail::parse_domain(bad).has_value());
}

TEST_CASE("an address keeps the case of its local part and lowers its domain") {
  const auto mailbox = Mailbox::parse("Alice.Smith+x@Example.COM");
  REQUIRE(mailbox.has_value());
  CHECK(mailbox->local_part() == "Alice.Smith+x");
  CHECK(mailbox->domain() == "example.com");
  CHECK_FALSE(mailbox->has_literal());
  CHECK(*mailbox == Mailbox("Alice.Smith+x", "EXAMPLE.com"));
  CHECK(parsed("!#$%&'*+-/=?^_`{|}~@a.example") == "!#$%&'*+-/=?^_`{|}~@a.example");
}

TEST_CASE("a quoted local part is kept unquoted and printed with the least quoting") {
  const auto mailbox = Mailbox::parse(R"("a \"b\" \\ @>"@example.com)");
  REQUIRE(mailbox.has_value());
  CHECK(mailbox->local_part() == R"(a "b" \ @>)");
  CHECK(mailbox->to_string() == R"("a \"b\" \\ @>"@example.com)");
  CHECK(parsed(R"("alice"@example.com)") == "alice@example.com");
  CHECK(parsed(R"("\a\l"@example.com)") == "al@example.com");
  CHECK(parsed(R"("a..b"@example.com)") == R"("a..b"@example.com)");
  CHECK(parsed(R"(""@example.com)") == R"(""@example.com)");
}

TEST_CASE("an address literal stands in one spelling for each address") {
  CHECK(parsed("a@[192.0.2.1]") == "a@[192.0.2.1]");
  CHECK(parsed("a@[ipv6:2001:DB8:0:0::1]") == "a@[IPv6:2001:db8::1]");
  CHECK(parsed("a@[IPv6:::ffff:192.0.2.1]") == "a@[192.0.2.1]");
  CHECK(Mailbox::parse("a@[192.0.2.1]")->has_literal());
  const std::string bad = GENERATE(as<std::string>{}, "a@[192.0.2.256]", "a@[::1]", "a@[IPv6:192.0.2.1]", "a@[192.0.2.1", "a@[]",
                                   "a@[x-tag:1]", "a@[192.0.2.1]x", "a@[192.0.2.1 ]");
  CHECK(parsed(bad) == "refused");
}

TEST_CASE("postmaster alone needs no domain") {
  const auto mailbox = Mailbox::parse("PostMaster");
  REQUIRE(mailbox.has_value());
  CHECK(mailbox->domain().empty());
  CHECK(mailbox->to_string() == "PostMaster");
}

TEST_CASE("what is no address is refused as invalid") {
  const std::string bad = GENERATE(as<std::string>{}, "", "@", "alice", "alice@", "@example.com", ".a@example.com",
                                   "a.@example.com", "a..b@example.com", "a b@example.com", "a@b@example.com", "a@-b.example",
                                   "a@example.com ", " a@example.com", "<a@example.com>", "\"a@example.com", "\"a\"b@example.com",
                                   "\"a\\", "\"a\"", "a\r\n@example.com", "a@example.com\n", "\"a\tb\"@example.com",
                                   std::string("a\0@example.com", 14), "a,b@example.com", "\"a\x7F\"@example.com");
  const auto mailbox = Mailbox::parse(bad);
  REQUIRE_FALSE(mailbox.has_value());
  CHECK(mailbox.error().kind == Kind::invalid);
}

TEST_CASE("an address may be beyond ASCII, its domain is compared in ASCII") {
  const auto mailbox = Mailbox::parse("\xE7\x94\xA8\xE6\x88\xB7@\xE4\xBE\x8B\xE5\xAD\x90.Example").value();
  CHECK(mailbox.local_part() == "\xE7\x94\xA8\xE6\x88\xB7");
  CHECK(mailbox.domain() == "xn--fsqu00a.example");
  CHECK_FALSE(mailbox.is_ascii());
  CHECK(Mailbox::parse(mailbox.to_string()) == mailbox);
  CHECK(mailbox.to_utf8() == "\xE7\x94\xA8\xE6\x88\xB7@\xE4\xBE\x8B\xE5\xAD\x90.example");
  CHECK(Mailbox::parse(mailbox.to_utf8()) == mailbox);
  CHECK(parsed("\"\xC3\xBC x\"@example.com") == "\"\xC3\xBC x\"@example.com");
  CHECK(Mailbox::parse("bob@bücher.example").value().is_ascii());
}

TEST_CASE("letters that look alike are not the same") {
  CHECK(parsed("p\xD0\xBEstmaster@example.com") == "p\xD0\xBEstmaster@example.com");
  CHECK(Mailbox::parse("a@ex\xD0\xB0mple.com").value().domain() == "xn--exmple-4nf.com");
  CHECK(Mailbox::parse("a@\xEF\xBD\x8Cocalhost").value().domain() == "localhost");  // full-width: it is the same, and taken so
}

TEST_CASE("octets that are no text, and what no domain may hold, are told apart") {
  const std::string bad = GENERATE(as<std::string>{}, "j\xFCrgen@example.com", "\xC0\xAF@example.com", "\xED\xA0\x80@example.com",
                                   "alice@\xEF\xBC\xBB"
                                   "192.0.2.1\xEF\xBC\xBD",
                                   "a@\xE2\x84\x80.example", "a@\xCC\x88x.example", "a\xC2\x85@example.com");
  CHECK(Mailbox::parse(bad).error().kind == Kind::unsupported);
}

TEST_CASE("the lengths of RFC 5321 4.5.3.1 hold for what is printed") {
  CHECK(parsed(std::string(64, 'a') + "@example.com") != "refused");
  CHECK(parsed(std::string(65, 'a') + "@example.com") == "refused");
  CHECK(parsed('"' + std::string(62, ' ') + "\"@example.com") != "refused");
  CHECK(parsed('"' + std::string(63, ' ') + "\"@example.com") == "refused");
  const std::string longest = "a@" + repeat("b.", 125) + "bb";
  REQUIRE(longest.size() == 254);
  CHECK(parsed(longest) == longest);
  CHECK(parsed("a" + longest) == "refused");
}

TEST_CASE("what was printed is read as the same value") {
  const std::string local_part =
      GENERATE(as<std::string>{}, "alice", "a.b", "a..b", ".", " ", "\"", "\\", "a\\\"b", "<>", "@", "(x)", "");
  const std::string domain = GENERATE(as<std::string>{}, "example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]");
  const Mailbox mailbox(local_part, domain);
  CHECK(Mailbox::parse(mailbox.to_string()) == mailbox);
  std::string printed = "before";
  mail::print_mailbox(printed, local_part, domain);
  CHECK(printed == mailbox.to_string());
  CHECK(ReversePath::parse(mailbox.to_string()) == ReversePath(mailbox));
}

TEST_CASE("the null reverse-path is the empty text") {
  CHECK(ReversePath().is_null());
  CHECK(ReversePath().to_string().empty());
  CHECK(ReversePath::parse("") == ReversePath());
  CHECK_FALSE(ReversePath::parse("a@example.com")->is_null());
  CHECK_FALSE(ReversePath::parse("<>").has_value());
}

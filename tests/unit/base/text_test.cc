// Operations on text: ASCII case, trimming, splitting, and the encodings with their published examples.
#include "base/text.h"

#include <limits>
#include <random>

#include "tests/catch.h"

using Parts = std::vector<std::string_view>;

TEST_CASE("case is that of ASCII alone") {
  CHECK(base::lower("AbZ[\xC3\x84") == "abz[\xC3\x84");
  CHECK(base::upper("AbZ{\xC3\xA4") == "ABZ{\xC3\xA4");
  CHECK(base::equal_ignoring_case("MAIL", "mail"));
  CHECK_FALSE(base::equal_ignoring_case("MAIL", "mai"));
  CHECK_FALSE(base::equal_ignoring_case("[", "{"));
  CHECK(base::starts_with_ignoring_case("FROM:<a>", "from:"));
  CHECK(base::starts_with_ignoring_case("x", ""));
  CHECK_FALSE(base::starts_with_ignoring_case("fro", "from"));
}

TEST_CASE("white space is trimmed at both ends") {
  CHECK(base::trim(" \t\r\na b\n ") == "a b");
  CHECK(base::trim(" \t").empty());
  CHECK(base::trim("").empty());
}

TEST_CASE("splitting keeps empty parts, words do not") {
  CHECK(base::split("a,,b,", ',') == Parts{"a", "", "b", ""});
  CHECK(base::split("", ',') == Parts{""});
  CHECK(base::words("  a\t b ") == Parts{"a", "b"});
  CHECK(base::words(" ").empty());
}

TEST_CASE("a number is digits that fit") {
  CHECK(base::parse_number("0") == 0U);
  CHECK(base::parse_number("007") == 7U);
  CHECK(base::parse_number("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  const std::string bad =
      GENERATE(as<std::string>{}, "", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999");
  CHECK_FALSE(base::parse_number(bad).has_value());
}

TEST_CASE("base64 is that of RFC 4648") {
  const auto [octets, text] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}}));
  CHECK(base::base64_encode(octets) == text);
  CHECK(base::base64_decode(text) == octets);
}

TEST_CASE("base64 may be folded and unpadded, and nothing else") {
  CHECK(base::base64_decode("Zm9v\r\n YmE") == "fooba");
  CHECK(base::base64_decode("+/8=") == "\xFB\xFF");
  const std::string bad = GENERATE(as<std::string>{}, "Z", "Zm9vY", "Zg==Zg==", "Zm9-", "Zm9v.", "\xC3\xA4");
  CHECK_FALSE(base::base64_decode(bad).has_value());
}

TEST_CASE("any octets come back from base64") {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string octets(random() % 40, '\0');
    for (char& c : octets) c = static_cast<char>(random());
    REQUIRE(base::base64_decode(base::base64_encode(octets)) == octets);
  }
}

TEST_CASE("octets are shown in hexadecimal") {
  CHECK(base::hex(std::string("\0\x0F\xFF", 3)) == "000fff");
  CHECK(base::hex("").empty());
}

TEST_CASE("Crockford's base 32 sorts as its numbers and forgives what is read aloud") {
  CHECK(base::crockford32(0, 3) == "000");
  CHECK(base::crockford32(31, 1) == "Z");
  CHECK(base::crockford32(1234, 4) == "016J");
  CHECK(base::parse_crockford32("016j") == 1234U);
  CHECK(base::parse_crockford32("oIlL") == base::parse_crockford32("0111"));
  CHECK(base::parse_crockford32(base::crockford32(std::numeric_limits<std::uint64_t>::max(), 13)) ==
        std::numeric_limits<std::uint64_t>::max());
  const std::string bad = GENERATE(as<std::string>{}, "", "U", "a-b", "00000000000000", "G000000000000");
  CHECK_FALSE(base::parse_crockford32(bad).has_value());
}

TEST_CASE("patterns match without regard to case") {
  CHECK(base::matches_pattern("*", ""));
  CHECK(base::matches_pattern("*", "anything"));
  CHECK(base::matches_pattern("*.Example.com", "news.example.COM"));
  CHECK(base::matches_pattern("a*b*c", "aXbbYc"));
  CHECK(base::matches_pattern("?ob", "bob"));
  CHECK(base::matches_pattern("", ""));
  CHECK_FALSE(base::matches_pattern("", "a"));
  CHECK_FALSE(base::matches_pattern("*.example.com", "example.com"));
  CHECK_FALSE(base::matches_pattern("a*b", "abc"));
  CHECK_FALSE(base::matches_pattern("?", ""));
  CHECK_FALSE(base::matches_pattern("a", "ab"));
  CHECK_FALSE(base::matches_pattern("*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("the distance of two words counts single changes") {
  CHECK(base::edit_distance("", "") == 0);
  CHECK(base::edit_distance("hostname", "hostname") == 0);
  CHECK(base::edit_distance("hostnam", "hostname") == 1);
  CHECK(base::edit_distance("kitten", "sitting") == 3);
  CHECK(base::edit_distance("abc", "") == 3);
}

TEST_CASE("what a terminal may not show is spelt out") {
  CHECK(base::printable("plain text") == "plain text");
  CHECK(base::printable("\xE4\xBD\xA0\xF0\x9F\x93\xA7") == "\xE4\xBD\xA0\xF0\x9F\x93\xA7");
  CHECK(base::printable(std::string("a\0\n\x1B\x7F", 5)) == "a\\x00\\x0a\\x1b\\x7f");
  CHECK(base::printable("\xC4\xE3\xBA\xC3") == "\\xc4\\xe3\\xba\\xc3");
  CHECK(base::printable("\xC0\x80") == "\\xc0\\x80");
  CHECK(base::printable("\xED\xA0\x80") == "\\xed\\xa0\\x80");
  CHECK(base::printable("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(base::printable("\xC2\x9B") == "\\xc2\\x9b");
  CHECK(base::printable("\xE4\xBD") == "\\xe4\\xbd");
}

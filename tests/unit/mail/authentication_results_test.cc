// What is written into Authentication-Results can be read back, whatever a stranger put in; and false fields are known.
#include "mail/authentication_results.h"

#include <algorithm>
#include <random>
#include <vector>

#include "base/text.h"
#include "tests/catch.h"

namespace {

using mail::DkimOutcome;

std::string field_of(const std::vector<DkimOutcome>& outcomes) {
  return mail::authentication_results("relay.example.com", outcomes);
}

/// One thing of RFC 8601 2.2: "dkim=pass", "reason=..." and so on, without quotes.
using Statement = std::vector<std::string>;

/// A reader of the field as strict as the grammar: statements between ";", words between blanks, quoted strings.
std::vector<Statement> read(std::string_view field) {
  REQUIRE(field.ends_with("\r\n"));
  const std::string text = mail::unfold(field);
  std::vector<Statement> all{{""}};
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    REQUIRE((c >= ' ' && c <= '~'));
    if (c == '"') {
      in_quotes = !in_quotes;
    } else if (in_quotes) {
      all.back().back() += c == '\\' ? text[++i] : c;
    } else if (c == ';') {
      all.emplace_back();
      if (text.at(++i) == ' ') all.back().emplace_back();
    } else if (c == ' ') {
      all.back().emplace_back();
    } else {
      REQUIRE(std::string_view("()<>@,\\/[]?").find(c) == std::string_view::npos);
      all.back().back() += c;
    }
  }
  REQUIRE_FALSE(in_quotes);
  return all;
}

/// What a reader is to find of a value: no control characters, nothing but ASCII, one blank between words.
std::string shown(std::string_view value, std::size_t most) {
  std::string text(value.substr(0, most));
  for (char& c : text) {
    if (c == '\t' || c == '\r' || c == '\n') c = ' ';
    if (c < ' ' || c > '~') c = '?';
  }
  const auto both_blank = [](char a, char b) { return a == ' ' && b == ' '; };
  text.erase(std::ranges::unique(text, both_blank).begin(), text.end());
  return text;
}

std::size_t longest_line(std::string_view field) {
  std::size_t longest = 0;
  for (const std::string_view line : base::split(field, '\n')) longest = std::max(longest, line.size());
  return longest - 1;  // CR
}

bool is_false(std::string_view value, std::string_view name = "Authentication-Results") {
  const std::string raw = std::string(name) + ":" + std::string(value) + "\r\n";
  mail::HeaderBlock header;
  header.feed(raw);
  header.finish();
  return mail::is_false_result(header.fields().at(0), "relay.example.com");
}

}  // namespace

TEST_CASE("a message without a signature") { CHECK(field_of({}) == "Authentication-Results: relay.example.com; dkim=none\r\n"); }

TEST_CASE("a signature with all that is known of it") {
  CHECK(field_of({{"pass", "", "a.com", "us", "rsa-sha256", "oINEO8hgn+gn"}}) ==
        "Authentication-Results: relay.example.com;\r\n"
        " dkim=pass header.d=a.com header.s=us header.a=rsa-sha256 header.b=oINEO8hg\r\n");
}

TEST_CASE("several signatures, each with its reason") {
  CHECK(field_of({{"fail", "the body hash does not match", "newyork.example.com", "rashani", "rsa-sha256", "oINEO8hgn/gn"},
                  {"neutral", "v= is not 1", "", "", "", ""},
                  {"pass", "the domain is testing (t=y)", "a.com", "ed", "ed25519-sha256", "E/RSuvUfQVP3"}}) ==
        "Authentication-Results: relay.example.com;\r\n"
        " dkim=fail reason=\"the body hash does not match\" header.d=newyork.example.com\r\n"
        " header.s=rashani header.a=rsa-sha256 header.b=oINEO8hg;\r\n"
        " dkim=neutral reason=\"v= is not 1\";\r\n"
        " dkim=pass reason=\"the domain is testing (t=y)\" header.d=a.com header.s=ed\r\n"
        " header.a=ed25519-sha256 header.b=\"E/RSuvUf\"\r\n");
}

TEST_CASE("so much of a signature is shown as tells it from the others") {
  const auto starts = [](const std::vector<std::string_view>& signatures) {
    std::vector<DkimOutcome> outcomes;
    for (const std::string_view signature : signatures) outcomes.push_back(DkimOutcome{"pass", "", "", "", "", signature});
    std::vector<std::string> found;
    for (const Statement& statement : read(field_of(outcomes))) {
      if (statement.back().starts_with("header.b=")) found.push_back(statement.back().substr(9));
    }
    return found;
  };
  CHECK(starts({"abcdefghi", "abcdefgxi"}) == std::vector<std::string>{"abcdefgh", "abcdefgx"});
  CHECK(starts({"abcdefghijk", "abcdefghiXk", "Zbcdefghijk"}) ==
        std::vector<std::string>{"abcdefghij", "abcdefghiX", "Zbcdefgh"});
  CHECK(starts({"abcdefghijk", "abcdefghijk"}) == std::vector<std::string>{"abcdefgh", "abcdefgh"});
  CHECK(starts({"abcdefghi", "abcdefghij"}) == std::vector<std::string>{"abcdefghi", "abcdefghij"});
  CHECK(starts({"abc"}) == std::vector<std::string>{"abc"});
}

TEST_CASE("nothing that a stranger wrote breaks the field") {
  std::mt19937 random(7);
  const std::string_view signs = "ab.-= ;\"\\()\t\r\n\x01\x7f\xc3\xa9/<>@,:[]?1";
  const auto text = [&](std::size_t most) {
    std::string made(random() % (most + 1), 'x');
    for (char& c : made) c = signs[random() % signs.size()];
    return made;
  };
  for (int round = 0; round < 300; ++round) {
    const std::string reason = text(400);
    const std::string domain = text(600);
    const std::string selector = text(8);
    const std::string algorithm = text(20);
    const std::string field =
        field_of({{"permerror", reason, domain, selector, algorithm, ""}, {"pass", "", "a.com", "us", "rsa-sha256", "12345678"}});
    INFO(field);
    Statement expected{"dkim=permerror"};
    if (!reason.empty()) expected.push_back("reason=" + shown(reason, 200));
    if (!domain.empty()) expected.push_back("header.d=" + shown(domain, 253));
    if (!selector.empty()) expected.push_back("header.s=" + shown(selector, 253));
    if (!algorithm.empty()) expected.push_back("header.a=" + shown(algorithm, 253));
    const std::vector<Statement> statements = read(field);
    REQUIRE(statements.size() == 3);
    REQUIRE(statements[0] == Statement{"Authentication-Results:", "relay.example.com"});
    REQUIRE(statements[1] == expected);
    REQUIRE(statements[2] == Statement{"dkim=pass", "header.d=a.com", "header.s=us", "header.a=rsa-sha256", "header.b=12345678"});
    REQUIRE(longest_line(field) <= 998);
    REQUIRE(is_false(std::string_view(field).substr(field.find(':') + 1, field.size() - field.find(':') - 3)));
  }
}

TEST_CASE("lines are of 78 octets at most where words allow it") {
  std::vector<DkimOutcome> outcomes;
  const std::string many = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
  for (int i = 0; i < 20; ++i) outcomes.push_back({"fail", many, "news.example.com", "selector", "rsa-sha256", "12345678"});
  CHECK(longest_line(field_of(outcomes)) <= 78);
}

TEST_CASE("a field that claims to be ours is false") {
  for (const char* ours : {" relay.example.com; dkim=pass header.d=a.com", " RELAY.example.COM; none", "relay.example.com;none",
                           " (c (nested) c) relay.example.com (c)\r\n\t1 (c); dkim=pass", " \"relay.example.com\"; spf=pass",
                           " \"relay\\.example.com\" ; x=y", "\r\n relay.example.com", " relay.example.com 1; none",
                           " relay.example.com(c); dkim=pass"}) {
    INFO(ours);
    CHECK(is_false(ours));
  }
  CHECK(is_false(" relay.example.com; dkim=pass", "authentication-RESULTS"));
  CHECK(is_false(" relay.example.com; dkim=pass", "Authentication-Results "));
  CHECK(mail::is_false_result(mail::Field{"Authentication-Results", " b\xc3\xbc\x63her.example; none", ""},
                              "xn--bcher-kva.example"));
}

TEST_CASE("a field of another version, or one that nobody can read and that names us, is false") {
  CHECK(is_false(" mx.example.net 2; dkim=pass"));
  CHECK(is_false(" mx.example.net 2"));
  CHECK(is_false(" relay.example.com dkim=pass"));
  CHECK(is_false(" (no end relay.example.com; dkim=pass"));
  CHECK(is_false(" ; relay.example.com; dkim=pass"));
  CHECK(is_false(" \"relay.example.com; dkim=pass"));
  CHECK(is_false(" mx.example.net 1 relay.example.com; dkim=pass"));
}

TEST_CASE("fields of others stay") {
  for (const char* other : {" mx.example.net; dkim=pass header.d=relay.example.com", " mx.example.net 1; none", "", " ; none",
                            " notrelay.example.com; none", " relay.example.com.example.net; none",
                            " spf=none (sender IP is ) smtp.mailfrom=a.com", " (relay.example.com) mx.example.net; none"}) {
    INFO(other);
    CHECK_FALSE(is_false(other));
  }
  CHECK_FALSE(is_false(" relay.example.com; dkim=pass", "X-Authentication-Results"));
  CHECK_FALSE(is_false(" relay.example.com; dkim=pass", "ARC-Authentication-Results"));
}

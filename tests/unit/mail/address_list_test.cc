// Recipients as they are written in fields and on command lines.
#include "mail/address_list.h"

#include "base/text.h"
#include "tests/catch.h"

namespace {

/// The addresses with "|" between them, or "cannot be read".
std::string read(std::string_view value) {
  const auto addresses = mail::addresses_in(value);
  if (!addresses) return "cannot be read";
  std::string all;
  for (const std::string& address : *addresses) all += (all.empty() ? "" : "|") + address;
  return all;
}

struct Row {
  std::string_view value;
  std::string_view addresses;
};

}  // namespace

TEST_CASE("every address of a list is found") {
  const Row row = GENERATE(values<Row>({
      {"bob@example.net", "bob@example.net"},
      {" bob@example.net ,\r\n\tcarol@example.org\r\n", "bob@example.net|carol@example.org"},
      {"Bob <bob@example.net>", "bob@example.net"},
      {"Bob B. Builder <bob@example.net>, Carol <carol@example.org>", "bob@example.net|carol@example.org"},
      {"\"Builder, Bob\" <bob@example.net>", "bob@example.net"},
      {"\"a \\\" <x@y.example>\" <bob@example.net>", "bob@example.net"},
      {"=?utf-8?q?Builder,_Bob?= <bob@example.net>", "bob@example.net"},
      {"=?utf-8?q?a?= =?utf-8?q?b,c?= <bob@example.net>", "bob@example.net"},
      {"bob@example.net (Bob, the builder (really))", "bob@example.net"},
      {"(first) bob (second) @ (third) example.net", "bob@example.net"},
      {"\"bob smith\"@example.net", "\"bob smith\"@example.net"},
      {"bob@[192.0.2.1], <carol@[IPv6:2001:db8::1]>", "bob@[192.0.2.1]|carol@[IPv6:2001:db8::1]"},
      {"<@relay.example,@other.example:bob@example.net>", "bob@example.net"},
      {"Builders: bob@example.net, Carol <carol@example.org>;", "bob@example.net|carol@example.org"},
      {"A: a@example.net;, B: b@example.net;, c@example.net", "a@example.net|b@example.net|c@example.net"},
      {"undisclosed-recipients:;", ""},
      {"", ""},
      {" , ,bob@example.net,,", "bob@example.net"},
      {"<>", ""},
      {"root", "root"},
      {"root, Bob <bob>", "root|bob"},
  }));
  CAPTURE(row.value);
  CHECK(read(row.value) == row.addresses);
}

TEST_CASE("what cannot be read is not guessed") {
  const std::string value =
      GENERATE(as<std::string>{}, "bob carol", "bob@example.net carol@example.org", "Bob <bob@example.net> carol@example.org",
               "Bob <bob@example.net", "bob@example.net>", "<bob@example.net><carol@example.org>", "\"bob@example.net",
               "bob@example.net (Bob", "Bob <bob@example.net;>", "Bob <bob@example.net>: x");
  CAPTURE(value);
  CHECK(read(value) == "cannot be read");
}

TEST_CASE("a local part alone is at the given domain") {
  CHECK(mail::qualified("root", "relay.example.com")->to_string() == "root@relay.example.com");
  CHECK(mail::qualified("bob@example.net", "relay.example.com")->to_string() == "bob@example.net");
  CHECK(mail::qualified("\"a@b\"", "relay.example.com")->to_string() == "\"a@b\"@relay.example.com");
  CHECK_FALSE(mail::qualified("a b", "relay.example.com"));
}

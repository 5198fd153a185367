// The header of a message: its fields and its end, at any cut and within bounds; unfolding and the Message-ID.
#include "mail/header.h"

#include "tests/catch.h"

using mail::Field;
using mail::HeaderBlock;

namespace {

struct Scan {
  HeaderBlock header;
  std::string body;
};

/// As a relay does it: what feed() leaves over is body, behind what was held back.
Scan scan(std::string_view content, std::size_t piece = 1U << 20U) {
  Scan result;
  for (std::size_t i = 0; i < content.size(); i += piece) {
    const std::string_view in = content.substr(i, piece);
    const bool was_complete = result.header.complete();
    const std::size_t head = was_complete ? 0 : result.header.feed(in);
    if (!was_complete) result.body += result.header.held_back();
    result.body += in.substr(head);
  }
  if (!result.header.complete()) {
    result.header.finish();
    result.body += result.header.held_back();
  }
  return result;
}

std::vector<std::string> names(const HeaderBlock& header) {
  std::vector<std::string> result;
  for (const Field& field : header.fields()) result.emplace_back(field.name);
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("fields are shown as they stand in the message") {
  const Scan result = scan("From: a@b.example\r\nSubject:two\r\n\tlines\r\n  of it\r\nX-Empty:\r\n\r\nbody\r\n");
  const HeaderBlock& header = result.header;
  CHECK(header.complete());
  CHECK_FALSE(header.had_no_separator());
  REQUIRE(header.fields().size() == 3);
  CHECK(header.fields()[0].raw == "From: a@b.example\r\n");
  CHECK(header.fields()[0].name == "From");
  CHECK(header.fields()[0].value == " a@b.example");
  CHECK(header.fields()[1].raw == "Subject:two\r\n\tlines\r\n  of it\r\n");
  CHECK(header.fields()[1].value == "two\r\n\tlines\r\n  of it");
  CHECK(header.fields()[2].value.empty());
  CHECK(header.raw() == "From: a@b.example\r\nSubject:two\r\n\tlines\r\n  of it\r\nX-Empty:\r\n\r\n");
  CHECK(result.body == "body\r\n");
}

TEST_CASE("fields are found in any case, top to bottom") {
  const Scan result = scan("Received: 1\r\nrECEIVED: 2\r\nReceived-SPF: x\r\nreceived : 3\r\n\r\n");
  const auto found = result.header.find("Received");
  REQUIRE(found.size() == 3);
  CHECK(found[0]->value == " 1");
  CHECK(found[1]->name == "rECEIVED");
  CHECK(found[2]->name == "received");
  CHECK(found[2]->raw == "received : 3\r\n");
  CHECK(result.header.count("RECEIVED") == 3);
  CHECK(result.header.count("From") == 0);
}

TEST_CASE("a header may be all there is") {
  CHECK(names(scan("A: 1\r\nB: 2\r\n").header) == Names{"A", "B"});
  CHECK(scan("A: 1\r\n").header.fields()[0].raw == "A: 1\r\n");
  CHECK(scan("A: 1").header.fields()[0].value == " 1");
  CHECK(scan("").header.complete());
  CHECK(scan("\r\nbody\r\n").header.fields().empty());
  CHECK(scan("\r\nbody\r\n").body == "body\r\n");
}

TEST_CASE("a line of blanks alone is a fold, not the end") {
  const Scan result = scan("A: 1\r\n \r\nB: 2\r\n\r\n");
  CHECK(names(result.header) == Names{"A", "B"});
  CHECK(result.header.fields()[0].value == " 1\r\n ");
}

TEST_CASE("a line that is no field ends the header and is body") {
  const std::string line = GENERATE(as<std::string>{}, "foo", ":foo", " : x", "fo o: x", "From alice Mon Jan  1 00:00:00 2026",
                                    "\xC3\xA4: x", ">From: x");
  const Scan result = scan("A: 1\r\n" + line + "\r\nB: 2\r\n\r\nx");
  if (line.front() == ' ' || line == ">From: x") {
    CHECK_FALSE(result.header.had_no_separator());
  } else {
    CHECK(result.header.had_no_separator());
    CHECK(names(result.header) == Names{"A"});
    CHECK(result.header.raw() == "A: 1\r\n");
    CHECK(result.body == line + "\r\nB: 2\r\n\r\nx");
  }
}

TEST_CASE("a message that starts with a fold or without a field has no header") {
  CHECK(scan(" folded\r\nA: 1\r\n\r\n").header.fields().empty());
  CHECK(scan(" folded\r\nA: 1\r\n\r\n").body == " folded\r\nA: 1\r\n\r\n");
  CHECK(scan("words").body == "words");
}

TEST_CASE("the header is the same however the content is cut") {
  const std::string content =
      GENERATE(as<std::string>{}, "From: a\r\nTo: b,\r\n c\r\n\r\nbody\r\n\r\nX: no field\r\n",
               "From: a\r\nno field here\r\nbody\r\n", "\r\n\r\n", "A: 1\r\n", "no field", "A:\r\n\t\r\n\r\n.");
  const Scan whole = scan(content);
  for (std::size_t piece = 1; piece <= content.size(); ++piece) {
    const Scan cut = scan(content, piece);
    REQUIRE(cut.body == whole.body);
    REQUIRE(cut.header.raw() == whole.header.raw());
    REQUIRE(cut.header.had_no_separator() == whole.header.had_no_separator());
    REQUIRE(names(cut.header) == names(whole.header));
    REQUIRE(cut.header.raw() + cut.body == content);
  }
}

TEST_CASE("a header over its bounds is told and not kept") {
  const std::string filled = "A: " + std::string(HeaderBlock::max_octets - 7, 'a') + "\r\n\r\n";
  REQUIRE(filled.size() == HeaderBlock::max_octets);
  CHECK_FALSE(scan(filled).header.too_large());
  CHECK(scan("B" + filled).header.too_large());
  CHECK(scan("B" + filled, 1000).header.raw().empty());
  CHECK(scan("B" + filled, 1000).header.complete());
  CHECK(scan(std::string(HeaderBlock::max_octets + 1, 'a')).header.too_large());

  std::string fields;
  for (std::size_t i = 0; i < HeaderBlock::max_fields; ++i) fields += "A:\r\n";
  CHECK(scan(fields + "\r\n").header.fields().size() == HeaderBlock::max_fields);
  CHECK(scan(fields + "A:\r\n\r\n").header.too_large());
  CHECK(scan(fields + "A:\r\n\r\n").header.fields().empty());
}

TEST_CASE("a large body behind a header is not counted") {
  const Scan result = scan("A: 1\r\n\r\n" + std::string(2 * HeaderBlock::max_octets, 'b'));
  CHECK_FALSE(result.header.too_large());
  CHECK(result.body.size() == 2 * HeaderBlock::max_octets);
}

TEST_CASE("a moved header shows its fields where it is now") {
  const std::string content =
      GENERATE(as<std::string>{}, "A: 1\r\n\r\n", "From: alice@example.com\r\nSubject: a longer one\r\n\r\n");
  auto from = std::make_unique<HeaderBlock>();
  from->feed(content);
  HeaderBlock moved(std::move(*from));
  HeaderBlock assigned;
  from.reset();
  REQUIRE_FALSE(moved.fields().empty());
  assigned = std::move(moved);
  CHECK(assigned.fields()[0].raw.data() == assigned.raw().data());
  CHECK(assigned.raw() == content);
  CHECK(assigned.count(content.substr(0, content.find(':'))) == 1);
}

TEST_CASE("unfolding takes line ends away and nothing else") {
  CHECK(mail::unfold(" two\r\n\tlines (comment)\r\n  \r\n") == "two\tlines (comment)");
  CHECK(mail::unfold("").empty());
}

TEST_CASE("the one Message-ID is found") {
  CHECK(mail::message_id(scan("Message-Id: <a@b.example>\r\n\r\n").header) == "<a@b.example>");
  CHECK(mail::message_id(scan("message-id:\r\n <a@b.example> (x)\r\n\r\n").header) == "<a@b.example>");
  const std::string none =
      GENERATE(as<std::string>{}, "A: 1", "Message-ID:", "Message-ID: a@b.example", "Message-ID: <a b@c>",
               "Message-ID: <a@b\r\n c>", "Message-ID: <a@b", "Message-ID: >a@b<", "Message-ID: <a@b>\r\nMessage-ID: <c@d>");
  CHECK(mail::message_id(scan(none + "\r\n\r\n").header).empty());
}

TEST_CASE("TLS-Required says No, once, or nothing at all") {
  const auto asks = [](const std::string& fields) { return mail::asks_for_no_tls_policy(scan(fields + "\r\n\r\n").header); };
  CHECK(asks("TLS-Required: No"));
  CHECK(asks("Subject: x\r\ntls-required:\r\n no "));
  CHECK_FALSE(asks("Subject: No"));
  CHECK_FALSE(asks("TLS-Required: Yes"));
  CHECK_FALSE(asks("TLS-Required:"));
  CHECK_FALSE(asks("TLS-Required: No\r\nTLS-Required: No"));
}

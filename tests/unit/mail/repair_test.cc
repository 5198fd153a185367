// A header that lacks what it must have is given it; its trace can be taken away.
#include "mail/repair.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tests/catch.h"

namespace {

mail::HeaderBlock header_of(std::string_view text) {
  mail::HeaderBlock header;
  header.feed(text);
  header.finish();
  return header;
}

const base::Time now = base::Time(std::chrono::seconds(1'795'524'000));  // 2026-11-24 12:40:00
const std::string date = "Date: Tue, 24 Nov 2026 12:40:00 +0000\r\n";
const std::string message_id = "Message-ID: <0ABC.1795524000@relay.example.com>\r\n";

bool is_trace(const mail::Field& field) { return base::equal_ignoring_case(field.name, "Received"); }

std::string without_trace(std::string_view text) { return mail::without_fields(header_of(text), is_trace); }

std::string missing(std::string_view text) { return mail::missing_fields(header_of(text), "relay.example.com", "0ABC", now); }

}  // namespace

TEST_CASE("Date and Message-ID are added where they lack") {
  CHECK(missing("From: a@a.com\r\n\r\nbody") == date + message_id);
  CHECK(missing("From: a@a.com\r\ndate: x\r\n\r\n") == message_id);
  CHECK(missing("From: a@a.com\r\nMessage-Id: <x@y>\r\n\r\n") == date);
  CHECK(missing("From: a@a.com\r\nResent-Date: x\r\n\r\n") == date + message_id);
  CHECK(missing("Date: x\r\nMessage-ID:\r\n\r\n").empty());
  CHECK(missing("\r\nDate: in the body\r\n") == date + message_id);
  CHECK(mail::message_id(header_of(message_id)) == "<0ABC.1795524000@relay.example.com>");
}

TEST_CASE("nothing is added where it could do harm") {
  CHECK(missing("DKIM-Signature: v=1; h=from:date:message-id\r\nFrom: a@a.com\r\n\r\n").empty());
  CHECK(missing("a body without a header\r\n").empty());
  const std::string large = "From: a@a.com\r\nX: " + std::string(mail::HeaderBlock::max_octets - 23, 'x') + "\r\n\r\n";
  REQUIRE(header_of(large).raw().size() == mail::HeaderBlock::max_octets - 1);
  CHECK(missing(large).empty());
  std::string many;
  for (std::size_t i = 0; i < mail::HeaderBlock::max_fields - 1; ++i) many += "X: x\r\n";
  CHECK(missing(many).empty());
}

TEST_CASE("without its trace a header is otherwise what it was") {
  CHECK(without_trace("Received: a\r\n b\r\nFrom: x\r\nreceived : c\r\nTo:\r\n y\r\n\r\nReceived: body\r\n") ==
        "From: x\r\nTo:\r\n y\r\n\r\n");
  CHECK(without_trace("Received: a\r\nFrom: x\r\nno field\r\n") == "From: x\r\n");
  CHECK(without_trace("From: x\r\nReceived: a") == "From: x\r\n");
  CHECK(without_trace("Received: a\r\n\r\n") == "\r\n");
  CHECK(without_trace("From: x\r\n\r\n") == "From: x\r\n\r\n");
}

TEST_CASE("a trace for the log is short") {
  const auto header = header_of("Received: from a\r\n\tby b; date\r\nFrom: x\r\nReceived: from c\r\n\r\n");
  CHECK(mail::values_of(header, is_trace, 100) == "from a\tby b; date | from c");
  CHECK(mail::values_of(header, is_trace, 8) == "from a\tb");
  CHECK(mail::values_of(header_of("From: x\r\n\r\n"), is_trace, 100).empty());
}

// What receivers refuse is told at once, with the name of the field.
#include "mail/sanity.h"

#include "tests/catch.h"

namespace {

std::string flaw_of(std::string_view text) {
  mail::HeaderBlock header;
  header.feed(text);
  header.finish();
  return mail::flaw(header);
}

const std::string from = "From: alice@a.com\r\n";

}  // namespace

TEST_CASE("mail without one readable author is flawed") {
  struct Row {
    std::string text;
    std::string flaw;
  };
  const std::string none = "there is no From: field";
  const std::string unreadable = "the From: field has no address that can be read";
  for (const Row& row : {
           Row{"", none},
           Row{"Subject: x\r\n\r\nbody", none},
           Row{"no header at all\r\nFrom: alice@a.com\r\n", none},
           Row{"Subject: x\r\n\r\nFrom: alice@a.com\r\n", none},
           Row{"X-From: alice@a.com\r\n\r\n", none},
           Row{from + "from : bob@a.com\r\n\r\n", "there are 2 From: fields, and only one is allowed"},
           Row{from + from + from, "there are 3 From: fields, and only one is allowed"},
           Row{"From:\r\n\r\n", unreadable},
           Row{"From: Alice\r\n\r\n", unreadable},
           Row{"From: <>\r\n\r\n", unreadable},
           Row{"From: undisclosed:;\r\n\r\n", unreadable},
           Row{"From: Alice <alice>\r\n\r\n", unreadable},
           Row{"From: alice@\r\n\r\n", unreadable},
           Row{from + "\r\n", ""},
           Row{from, ""},
           Row{"FROM:\r\n Alice <alice@a.com>\r\n\r\nFrom: x", ""},
           Row{"From: Alice <alice@a.com>, bob@b.com\r\n\r\n", ""},
           Row{"From: =?utf-8?q?=41?= <alice@a.com>\r\n\r\n", ""},
           Row{"From: \xe6\x82\xa8 <\xe6\x82\xa8@a.com>\r\n\r\n", ""},
       }) {
    INFO(row.text);
    CHECK(flaw_of(row.text) == row.flaw);
  }
}

TEST_CASE("what may stand once stands once") {
  for (const std::string name : {"Date", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References",
                                 "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}) {
    INFO(name);
    const std::string field = name + ": x\r\n";
    CHECK(flaw_of(from + field + "\r\n" + field).empty());
    CHECK(flaw_of(field + from + "X-Other: y\r\n" + field) == "there are 2 " + name + ": fields, and only one is allowed");
  }
  for (const std::string name :
       {"Received", "Comments", "Keywords", "Resent-From", "DKIM-Signature", "X-Mailer", "Subject-Old"}) {
    CHECK(flaw_of(from + name + ": x\r\n" + name + ": x\r\n\r\n").empty());
  }
}

// Replies: how they are printed, and how they are read from whatever a server sends.
#include "mail/reply.h"

#include "tests/catch.h"

using mail::EnhancedStatus;
using mail::Reply;
using mail::ReplyParser;

namespace {

/// The one reply in `wire`, to_string(); "invalid" or "nothing yet" else.
std::string read(std::string_view wire) {
  ReplyParser parser;
  parser.feed(wire);
  const auto reply = parser.next();
  if (!reply) return "invalid";
  return *reply ? (*reply)->to_string() : "nothing yet";
}

}  // namespace

TEST_CASE("a reply goes out with its code and status in every line") {
  CHECK(Reply(250, EnhancedStatus{2, 0, 0}, "queued").to_wire() == "250 2.0.0 queued\r\n");
  CHECK(Reply(550, EnhancedStatus{5, 7, 1}, "one\ntwo\nthree").to_wire() ==
        "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n");
  CHECK(Reply(250, "mx.example.com\nPIPELINING").to_wire() == "250-mx.example.com\r\n250 PIPELINING\r\n");
  CHECK(Reply(354, "").to_wire() == "354 \r\n");
  Reply without_lines;
  without_lines.code = 250;
  CHECK(without_lines.to_wire() == "250 \r\n");
}

TEST_CASE("no text breaks out of its line") {
  CHECK(Reply(550, EnhancedStatus{5, 1, 1}, "a\r\n250 ok").to_wire() == "550-5.1.1 a \r\n550 5.1.1 250 ok\r\n");
  Reply reply(550, "x");
  reply.lines = {std::string("a\r\n250 ok\n\0\x7F", 12), "gr\xC3\xBC\xC3\x9F"};
  CHECK(reply.to_wire() == "550-a  250 ok   \r\n550 gr????\r\n");
  CHECK(reply.to_string() == "550 a  250 ok    gr\xC3\xBC\xC3\x9F");
  CHECK(Reply(550, std::string(2000, 'a')).to_wire().size() == 512);
}

TEST_CASE("a reply stands on one line in logs") {
  CHECK(Reply(550, EnhancedStatus{5, 1, 1}, "no such user\nsee https://example.com").to_string() ==
        "550 5.1.1 no such user see https://example.com");
  CHECK(Reply(421, "").to_string() == "421");
  CHECK(Reply(550, "\xC4\xE3").to_string() == "550 \\xc4\\xe3");
}

TEST_CASE("the class of a reply is its first digit") {
  CHECK(Reply(250, "").is_positive());
  CHECK(Reply(354, "").is_intermediate());
  CHECK(Reply(451, "").is_transient());
  CHECK(Reply(550, "").is_permanent());
  CHECK_FALSE(Reply(451, "").is_permanent());
}

TEST_CASE("an enhanced status is read at the start of a text") {
  CHECK(EnhancedStatus::parse("5.7.1 refused") == EnhancedStatus{5, 7, 1});
  CHECK(EnhancedStatus::parse("4.7.650") == EnhancedStatus{4, 7, 650});
  CHECK(EnhancedStatus::parse("5.1.1: no such user") == EnhancedStatus{5, 1, 1});
  CHECK(EnhancedStatus{5, 7, 26}.to_string() == "5.7.26");
  const std::string none = GENERATE(as<std::string>{}, "", "5", "5.7", "5.7.", "3.7.1", "5.7.1.9", "5.7.1a", "55.7.1", "5.1234.1",
                                    " 5.7.1", "a5.7.1", "5..1", "5.7.-1");
  CHECK_FALSE(EnhancedStatus::parse(none).has_value());
}

TEST_CASE("a reply of one line is read") {
  CHECK(read("220 mx.example.com ESMTP\r\n") == "220 mx.example.com ESMTP");
  CHECK(read("250\r\n") == "250");
  CHECK(read("250 \r\n") == "250");
  CHECK(read("250 ok\n") == "250 ok");
  CHECK(read("250 ok") == "nothing yet");
  CHECK(read("250-ok\r\n") == "nothing yet");
}

TEST_CASE("a reply of several lines is read with its status once") {
  ReplyParser parser;
  parser.feed("550-5.7.1 [192.0.2.1] is listed\r\n550-5.7.1  see\r\n550 5.7.26 elsewhere\r\n");
  const auto reply = parser.next();
  REQUIRE((reply && *reply));
  CHECK((*reply)->code == 550);
  CHECK((*reply)->status == EnhancedStatus{5, 7, 1});
  CHECK((*reply)->lines == std::vector<std::string>{"[192.0.2.1] is listed", "see", "5.7.26 elsewhere"});
  CHECK(parser.empty());
}

TEST_CASE("a status of another class than the code's is text") {
  ReplyParser parser;
  parser.feed("450 5.7.1 confused\r\n550 4.2.1\r\n");
  const auto first = parser.next();
  REQUIRE((first && *first));
  CHECK_FALSE((*first)->status.has_value());
  CHECK((*first)->lines.front() == "5.7.1 confused");
  CHECK((*parser.next())->to_string() == "550 4.2.1");
}

TEST_CASE("replies come out the same however their octets are cut") {
  const std::string wire = "250-mx\r\n250-SIZE 1000\r\n250 8BITMIME\n354 go\r\n550-5.1.1 a\r\n550 5.1.1 b\r\n";
  for (std::size_t size = 1; size <= wire.size(); ++size) {
    ReplyParser parser;
    std::vector<std::string> replies;
    for (std::size_t i = 0; i < wire.size(); i += size) {
      parser.feed(std::string_view(wire).substr(i, size));
      for (;;) {
        auto reply = parser.next();
        REQUIRE(reply.has_value());
        if (!*reply) break;
        replies.push_back((*reply)->to_string());
      }
    }
    REQUIRE(replies == std::vector<std::string>{"250 mx SIZE 1000 8BITMIME", "354 go", "550 5.1.1 a b"});
    REQUIRE(parser.empty());
  }
}

TEST_CASE("a reply read in part counts as something read") {
  ReplyParser parser;
  CHECK(parser.empty());
  parser.feed("250-a\r\n");
  CHECK((parser.next().has_value() && !parser.empty()));
  parser.feed("250 b\r\n220 c");
  CHECK((parser.next()->has_value() && !parser.empty()));
}

TEST_CASE("what is no SMTP is invalid, and stays so") {
  const std::string bad = GENERATE(as<std::string>{}, "HTTP/1.1 400 Bad Request\r\n", "\r\n", "25\r\n", "2500\r\n", "199 x\r\n",
                                   "600 x\r\n", "2a0 x\r\n", "250_x\r\n", "-250 x\r\n", "250-a\r\n550 b\r\n", "250-a\r\nb\r\n");
  ReplyParser parser;
  parser.feed(bad);
  REQUIRE_FALSE(parser.next().has_value());
  CHECK(parser.next().error().kind == base::Kind::invalid);
}

TEST_CASE("a server cannot make us keep more than the bounds") {
  CHECK(read("250 " + std::string(2042, 'a') + "\r\n") != "invalid");
  CHECK(read("250 " + std::string(2043, 'a') + "\r\n") == "invalid");
  CHECK(read(std::string(2047, '2')) == "nothing yet");
  CHECK(read(std::string(2048, '2')) == "invalid");
  std::string lines;
  for (int i = 0; i < 127; ++i) lines += "250-x\r\n";
  CHECK(read(lines + "250 x\r\n") != "invalid");
  CHECK(read(lines + "250-x\r\n250 x\r\n") == "invalid");
  std::string large;
  for (int i = 0; i < 20; ++i) large += "250-" + std::string(2000, 'a') + "\r\n";
  CHECK(read(large) == "invalid");
}

TEST_CASE("control characters of a server end in no line of ours") {
  CHECK(read(std::string("550 a\0b\x1B[2Jc\td\r\n", 16)) == "550 a b [2Jc d");
}

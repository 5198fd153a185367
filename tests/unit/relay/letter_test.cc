// What becomes of a message that a local program writes, and of the options of sendmail.
#include "relay/cli/letter.h"

#include "base/text.h"
#include "relay/cli/sendmail_options.h"
#include "tests/catch.h"

namespace {

using relay::cli::DotLine;
using relay::cli::Letter;
using relay::cli::SendmailMode;

relay::cli::Sender sender() {
  relay::cli::Sender sender;
  sender.address = "ann@relay.example.com";
  sender.full_name = "Ann \"A.\" Example";
  return sender;
}

const std::string dated = "From: a@example.com\r\nDate: Tue, 24 Nov 2026 12:39:34 +0000\r\nMessage-ID: <1@example.com>\r\n";

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : "|") + one;
  return text;
}

std::string recipients_in(const std::string& header) {
  const Letter letter(header + "\n\nhello\n");
  const auto found = letter.recipients();
  return found ? joined(*found) : "cannot be read";
}

struct Row {
  std::string header;
  std::string recipients;
};

}  // namespace

TEST_CASE("the line ends of a letter become CR LF") {
  const std::string letter =
      GENERATE_COPY(as<std::string>{}, dated + "\r\none\r\n.two\r\n", dated + "\none\n.two\n", dated + "\none\n.two");
  CHECK(Letter(letter).finish(sender()) == dated + "\r\none\r\n.two\r\n");
}

TEST_CASE("a letter without From gets one") {
  CHECK(Letter("To: bob@example.net\n\nhi\n").finish(sender()) ==
        "From: \"Ann \\\"A.\\\" Example\" <ann@relay.example.com>\r\n"
        "To: bob@example.net\r\n\r\nhi\r\n");
  CHECK(Letter(dated + "\nhi\n").finish(sender()) == dated + "\r\nhi\r\n");
}

TEST_CASE("a letter without a header is all text") {
  const std::string message = Letter("Good morning\nBob\n").finish(sender());
  CHECK(message.starts_with("From: "));
  CHECK(message.ends_with("<ann@relay.example.com>\r\n\r\nGood morning\r\nBob\r\n"));
  CHECK(Letter("").finish(sender()).ends_with("<ann@relay.example.com>\r\n\r\n"));
}

TEST_CASE("nobody sees Bcc") {
  const std::string letter =
      dated + "Bcc: secret@example.org,\n other@example.org\nTo: bob@example.net\nresent-bcc: x@y.example\n\nBcc: text\n";
  CHECK(Letter(letter).finish(sender()) == dated + "To: bob@example.net\r\n\r\nBcc: text\r\n");
}

TEST_CASE("the first line of a mailbox file is no part of a letter") {
  CHECK(Letter("From ann Tue Nov 24 12:39:34 2026\n" + dated + "\nhi\n").finish(sender()) == dated + "\r\nhi\r\n");
}

TEST_CASE("the recipients of -t stand in the header") {
  const Row row = GENERATE(values<Row>({
      {"To: bob@example.net", "bob@example.net"},
      {"to: Bob <bob@example.net>\nCC: (x) carol@example.org,\n\tdave@example.org\nBcc: eve@example.net",
       "bob@example.net|carol@example.org|dave@example.org|eve@example.net"},
      {"To: a@example.net\nTo: b@example.net", "a@example.net|b@example.net"},
      {"To: team: a@example.net, B <b@example.net>;", "a@example.net|b@example.net"},
      {"To: undisclosed-recipients:;\nBcc: a@example.net", "a@example.net"},
      {"To: a@example.net\nResent-To: b@example.net\nResent-Bcc: c@example.net", "b@example.net|c@example.net"},
      {"Subject: x\nReply-To: a@example.net", ""},
      {"To: root", "root"},
      {"To: bob carol", "cannot be read"},
  }));
  CAPTURE(row.header);
  CHECK(recipients_in(row.header) == row.recipients);
}

TEST_CASE("a line with a dot alone ends what is typed, but not with -i") {
  CHECK(relay::cli::up_to_dot("a\n.\nb\n", DotLine::ends) == "a\n");
  CHECK(relay::cli::up_to_dot("a\r\n.\r\nb\n", DotLine::ends) == "a\r\n");
  CHECK(relay::cli::up_to_dot("a\n.", DotLine::ends) == "a\n");
  CHECK(relay::cli::up_to_dot("a\n..\n.b\n", DotLine::ends) == "a\n..\n.b\n");
  CHECK(relay::cli::up_to_dot(".\na\n", DotLine::ends).empty());
  CHECK(relay::cli::up_to_dot("a\n.\nb\n", DotLine::is_text) == "a\n.\nb\n");
}

TEST_CASE("sendmail's options are understood as its callers write them") {
  using Words = std::vector<std::string>;
  const auto parse = [](const Words& words) {
    auto options = relay::cli::parse_sendmail(words);
    REQUIRE(options);
    return *options;
  };
  CHECK(parse({"-t", "-i"}).recipients_in_header);
  CHECK(parse({"-ti"}).dot_is_text);
  CHECK(parse({"-t", "-oi"}).dot_is_text);
  CHECK(parse({"-o", "i", "bob@example.net"}).dot_is_text);
  CHECK_FALSE(parse({"-t"}).dot_is_text);
  CHECK(parse({"-oem", "-odb", "-om", "-t"}).recipients_in_header);
  CHECK(parse({"-fann@example.com", "bob"}).from == "ann@example.com");
  CHECK(parse({"-f", "ann@example.com", "bob"}).from == "ann@example.com");
  CHECK(parse({"-r", "ann@example.com", "bob"}).from == "ann@example.com");
  CHECK(parse({"-tif", "ann@example.com"}).from == "ann@example.com");
  CHECK(parse({"-f", "", "bob"}).from == "");
  CHECK_FALSE(parse({"bob"}).from.has_value());
  CHECK(parse({"-FAnn", "bob"}).full_name == "Ann");
  CHECK(joined(parse({"bob", "-i", "carol"}).recipients) == "bob|carol");
  CHECK(joined(parse({"-i", "--", "-strange@example.net"}).recipients) == "-strange@example.net");
  CHECK(parse({"-N", "success,Failure", "bob"}).notify == "SUCCESS,FAILURE");
  CHECK(parse({"-Nnever", "bob"}).notify == "NEVER");
  CHECK(parse({"-R", "hdrs", "-V", "order 7", "bob"}).ret == "HDRS");
  CHECK(parse({"-V", "order 7", "bob"}).envid == "order 7");
  CHECK(parse({"-G", "-U", "-v", "-m", "-n", "-O", "DeliveryMode=b", "-B8BITMIME", "-h", "3", "-L", "x", "-Xlog", "bob"})
            .recipients.size() == 1);
  CHECK(parse({"-bm", "bob"}).mode == SendmailMode::take_message);
  CHECK(parse({"-bs"}).mode == SendmailMode::speak_smtp);
  CHECK(parse({"-bp"}).mode == SendmailMode::list_queue);
  CHECK(parse({"-bi"}).mode == SendmailMode::nothing);
  CHECK(parse({"-I"}).mode == SendmailMode::nothing);
  CHECK(parse({"-q30m"}).mode == SendmailMode::nothing);
  CHECK(parse({"-C", "/etc/x.toml", "bob"}).config_path == "/etc/x.toml");
}

TEST_CASE("what sendmail does not know is wrong usage") {
  using Words = std::vector<std::string>;
  const Words words =
      GENERATE(values<Words>({{"-Z"}, {"-f"}, {"-bd"}, {"-bz"}, {"-N", "sometimes"}, {"-N", "never,delay"}, {"-R", "all"}}));
  CHECK_FALSE(relay::cli::parse_sendmail(words));
}

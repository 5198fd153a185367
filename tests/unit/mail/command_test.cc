// Commands: each as a value, and the reply to each that cannot be understood.
#include "mail/command.h"

#include "base/text.h"
#include "mail/xtext.h"
#include "tests/catch.h"

using mail::BodyType;
using mail::parse_command;
namespace command = mail::command;

namespace {

template <class T>
T expect(std::string_view line) {
  auto parsed = parse_command(line);
  REQUIRE(parsed.has_value());
  REQUIRE(std::holds_alternative<T>(*parsed));
  return std::get<T>(*parsed);
}

/// Code and enhanced status of the refusal.
std::string refusal(std::string_view line) {
  auto parsed = parse_command(line);
  if (parsed) return "understood";
  if (!parsed.error().status) return "without status";
  return std::to_string(parsed.error().code) + ' ' + parsed.error().status->to_string();
}

std::string reverse_path(std::string_view line) { return expect<command::MailFrom>(line).reverse_path.to_string(); }
std::string forward_path(std::string_view line) { return expect<command::RcptTo>(line).recipient.mailbox.to_string(); }

}  // namespace

TEST_CASE("verbs are known in any case and with white space behind them") {
  expect<command::Data>("DATA");
  expect<command::Data>("data \t ");
  expect<command::Rset>("rSeT");
  expect<command::Quit>("QUIT ");
  expect<command::StartTls>("StartTLS");
  expect<command::Noop>("NOOP");
  expect<command::Noop>("NOOP any words\twith a tab");
  expect<command::Help>("HELP");
  expect<command::Help>("HELP MAIL");
  CHECK(expect<command::Vrfy>("VRFY  bob ").argument == "bob");
}

TEST_CASE("unknown and unfinished verbs are refused") {
  const std::string bad =
      GENERATE(as<std::string>{}, "", " ", "XYZZY", "DATAX", "DAT", "MAILFROM:<a@b>", " NOOP", "MAIL\xC3\xA4 x",
               std::string("NO\0OP", 5), "NOOP\r", "NOOP\n", "NOOP \x1B", "RCPT TO:<a@b.example>\r", "QUIT\x7F");
  CHECK(refusal(bad) == "500 5.5.2");
  CHECK(refusal("EXPN staff") == "502 5.5.1");
  CHECK(refusal("ETRN staff") == "502 5.5.1");
}

TEST_CASE("verbs without arguments take none") {
  const std::string verb = GENERATE(as<std::string>{}, "DATA", "RSET", "QUIT", "STARTTLS");
  CHECK(refusal(verb + " now") == "501 5.5.4");
}

TEST_CASE("EHLO and HELO need a word, whatever word it is") {
  CHECK(expect<command::Ehlo>("EHLO Client.Example").argument == "Client.Example");
  CHECK(expect<command::Helo>("helo  [192.0.2.1] ").argument == "[192.0.2.1]");
  CHECK(expect<command::Ehlo>("EHLO [IPv6:2001:db8::1]").argument == "[IPv6:2001:db8::1]");
  CHECK(expect<command::Ehlo>("EHLO my_pc").argument == "my_pc");
  CHECK(expect<command::Ehlo>("EHLO " + std::string(255, 'a')).argument.size() == 255);
  CHECK(refusal("EHLO") == "501 5.5.4");
  CHECK(refusal("HELO ") == "501 5.5.4");
  CHECK(refusal("EHLO two words") == "501 5.5.4");
  CHECK(refusal("EHLO a\tb") == "501 5.5.4");
  CHECK(refusal("EHLO \xE4\xBD\xA0") == "501 5.5.4");
  CHECK(refusal("EHLO " + std::string(256, 'a')) == "501 5.5.4");
}

TEST_CASE("MAIL names the reverse-path") {
  CHECK(reverse_path("MAIL FROM:<Alice@Example.COM>") == "Alice@example.com");
  CHECK(reverse_path("mail from: <alice@example.com>  ") == "alice@example.com");
  CHECK(reverse_path("MAIL  FROM:<alice@example.com>") == "alice@example.com");
  CHECK(reverse_path("MAIL FROM:<\"a> b\"@example.com>") == "\"a> b\"@example.com");
  CHECK(reverse_path("MAIL FROM:<\"a\\\">\"@example.com>") == "\"a\\\">\"@example.com");
  CHECK(reverse_path("MAIL FROM:<alice@[192.0.2.1]>") == "alice@[192.0.2.1]");
  CHECK(expect<command::MailFrom>("MAIL FROM:<>").reverse_path.is_null());
}

TEST_CASE("a source route is taken and forgotten") {
  CHECK(reverse_path("MAIL FROM:<@a.example,@b.example:alice@example.com>") == "alice@example.com");
  CHECK(forward_path("RCPT TO:<@a.example:bob@example.net>") == "bob@example.net");
  CHECK(refusal("RCPT TO:<@a.example>") == "553 5.1.3");
  CHECK(refusal("RCPT TO:<@a.example,b.example:bob@example.net>") == "553 5.1.3");
  CHECK(refusal("RCPT TO:<@:bob@example.net>") == "553 5.1.3");
  CHECK(refusal("RCPT TO:<@a.example:@b.example:bob@example.net>") == "553 5.1.3");
}

TEST_CASE("MAIL takes SIZE and BODY") {
  const auto mail = expect<command::MailFrom>("MAIL FROM:<a@b.example> SIZE=1234 BODY=8BITMIME");
  CHECK(mail.size == 1234U);
  CHECK(mail.body == BodyType::eight_bit);
  CHECK(expect<command::MailFrom>("MAIL FROM:<> body=7bit\tsize=0").size == 0U);
  CHECK_FALSE(expect<command::MailFrom>("MAIL FROM:<>").size.has_value());
  CHECK(expect<command::MailFrom>("MAIL FROM:<> SIZE=18446744073709551615").size == 18446744073709551615U);
  CHECK(expect<command::MailFrom>("MAIL FROM:<> SIZE=99999999999999999999").size == 18446744073709551615U);  // RFC 1870 3
}

TEST_CASE("parameters that cannot be understood are refused") {
  const std::string bad =
      GENERATE(as<std::string>{}, "SIZE", "SIZE=", "SIZE=many", "SIZE=-1", "SIZE=+1", "SIZE=1 SIZE=1",
               "SIZE=000000000000000000001", "BODY", "BODY=", "BODY=7BIT body=7BIT", "SMTPUTF8 SMTPUTF8", "AUTH=<> AUTH=<>");
  CHECK(refusal("MAIL FROM:<a@b.example> " + bad) == "501 5.5.4");
  CHECK(refusal("MAIL FROM:<a@b.example> BODY=BINARYMIME") == "555 5.5.4");  // it is none of those that are offered
}

TEST_CASE("AUTH has a mechanism and perhaps an initial response") {
  const auto plain = expect<command::Auth>("auth plain AGEAYg==");
  CHECK(plain.mechanism == "PLAIN");
  CHECK(plain.initial == "AGEAYg==");
  CHECK(expect<command::Auth>("AUTH SCRAM-SHA-256").initial == std::nullopt);
  CHECK(expect<command::Auth>("AUTH X =").initial == "=");
  CHECK(refusal("AUTH") == "501 5.5.4");
  CHECK(refusal("AUTH PLAIN a b") == "501 5.5.4");
  CHECK(refusal("AUTH PL@IN") == "501 5.5.4");
}

TEST_CASE("a refused AUTH never repeats what may be a password") {
  for (const std::string line : {"AUTH PLAIN secret secret", "AUTH secret!", "AUTH PLAIN! secret"}) {
    CHECK(mail::parse_command(line).error().to_string().find("secret") == std::string::npos);
  }
}

TEST_CASE("MAIL takes AUTH as RFC 4954 has it and forgets it") {
  CHECK(expect<command::MailFrom>("MAIL FROM:<a@b.example> AUTH=<>").reverse_path.to_string() == "a@b.example");
  CHECK(expect<command::MailFrom>("MAIL FROM:<> AUTH=e+3Dmc2@example.com").reverse_path.is_null());
  CHECK(refusal("MAIL FROM:<> AUTH=") == "501 5.5.4");
  CHECK(refusal("MAIL FROM:<> AUTH=" + std::string(501, 'x')) == "501 5.5.4");
}

TEST_CASE("parameters that were not offered are refused as such") {
  const std::string unknown = GENERATE(as<std::string>{}, "FUTURE=1", "HOLDFOR=60", "DSN", "=1", "SIZES=1", "SIZE1");
  CHECK(refusal("MAIL FROM:<a@b.example> " + unknown) == "555 5.5.4");
  CHECK(refusal("RCPT TO:<a@b.example> " + unknown) == "555 5.5.4");
}

TEST_CASE("MAIL takes RET and ENVID") {
  const auto mail = expect<command::MailFrom>("MAIL FROM:<a@b.example> RET=FULL ENVID=QQ+2B31+204159");
  CHECK(mail.ret == mail::Return::full);
  CHECK(mail.envid == "QQ+2B31+204159");
  CHECK(expect<command::MailFrom>("MAIL FROM:<> envid=x ret=Hdrs").ret == mail::Return::headers);
  CHECK(expect<command::MailFrom>("MAIL FROM:<>").ret == mail::Return::unspecified);
  CHECK(expect<command::MailFrom>("MAIL FROM:<> ENVID=" + std::string(100, 'x')).envid.size() == 100);
}

TEST_CASE("RCPT takes NOTIFY and ORCPT") {
  const auto bob =
      expect<command::RcptTo>("RCPT TO:<bob@example.net> NOTIFY=delay,SUCCESS ORCPT=rfc822;Bob@Example.NET").recipient;
  CHECK(bob.notify.to_string() == "SUCCESS,DELAY");
  CHECK(bob.notify.wants_success());
  CHECK_FALSE(bob.notify.wants_failure());
  CHECK(bob.orcpt == "rfc822;Bob@Example.NET");
  const auto never = expect<command::RcptTo>("RCPT TO:<bob@example.net> notify=Never").recipient.notify;
  CHECK(never.is_given());
  CHECK_FALSE((never.wants_success() || never.wants_failure() || never.wants_delay()));
  const auto nothing = expect<command::RcptTo>("RCPT TO:<bob@example.net>").recipient;
  CHECK_FALSE(nothing.notify.is_given());
  CHECK((nothing.notify.wants_failure() && nothing.notify.wants_delay() && !nothing.notify.wants_success()));
  CHECK(nothing.orcpt.empty());
  CHECK(expect<command::RcptTo>("RCPT TO:<bob@example.net> ORCPT=utf-8;").recipient.orcpt == "utf-8;");
}

TEST_CASE("DSN parameters that cannot be understood are refused") {
  const std::string of_mail = GENERATE(as<std::string>{}, "RET", "RET=", "RET=HDR", "RET=FULL,HDRS", "RET=FULL RET=FULL", "ENVID",
                                       "ENVID=", "ENVID=a=b", "ENVID=a+", "ENVID=a+2", "ENVID=a+2b", "ENVID=a+0A", "ENVID=a+FF",
                                       "ENVID=a+7F", "ENVID=\xC3\xA4", "ENVID=a ENVID=b");
  CHECK(refusal("MAIL FROM:<a@b.example> " + of_mail) == "501 5.5.4");
  const std::string of_rcpt = GENERATE(
      as<std::string>{}, "NOTIFY", "NOTIFY=", "NOTIFY=SUCCESS,", "NOTIFY=,DELAY", "NOTIFY=NEVER,DELAY", "NOTIFY=SUCCESS;DELAY",
      "NOTIFY=NEVER NOTIFY=NEVER", "ORCPT", "ORCPT=", "ORCPT=;bob@example.net", "ORCPT=rfc822", "ORCPT=rfc 822;x",
      "ORCPT=rfc(822);x", "ORCPT=rfc822;a=b", "ORCPT=rfc822;a+0Db", "ORCPT=rfc822;\xC3\xA4", "ORCPT=rfc822;a ORCPT=rfc822;a");
  CHECK(refusal("RCPT TO:<a@b.example> " + of_rcpt) == "501 5.5.4");
  CHECK(refusal("MAIL FROM:<> ENVID=" + std::string(101, 'x')) == "501 5.5.4");
  CHECK(refusal("RCPT TO:<a@b.example> ORCPT=rfc822;" + std::string(494, 'x')) == "501 5.5.4");
}

TEST_CASE("a DSN parameter behind the wrong path is not supported there") {
  CHECK(refusal("MAIL FROM:<a@b.example> NOTIFY=NEVER") == "555 5.5.4");
  CHECK(refusal("RCPT TO:<a@b.example> RET=FULL") == "555 5.5.4");
}

TEST_CASE("xtext is read as RFC 3461 writes it") {
  CHECK(mail::decode_xtext("").value() == "");
  CHECK(mail::decode_xtext("a+2Bb+3Dc+20d+09e~!").value() == "a+b=c d\te~!");
  CHECK(mail::encode_xtext("a+b=c d~") == "a+2Bb+3Dc+20d~");
  CHECK_FALSE(mail::decode_xtext("+"));
  CHECK_FALSE(mail::decode_xtext("+4"));
  CHECK_FALSE(mail::decode_xtext("+4g"));
  CHECK_FALSE(mail::decode_xtext("a b"));
  CHECK_FALSE(mail::decode_xtext("+00"));
}

TEST_CASE("an address in UTF-8 comes back from the forms that RFC 6533 has for it") {
  for (const std::string address : {"j\xC3\xBCrgen+x=y\\@b\xC3\xBC"
                                    "cher.example",
                                    "\xE7\x94\xA8 \xF0\x9F\x93\xAC@c.example"}) {
    const std::string ascii = mail::encode_utf8_address(address);
    CHECK(base::is_ascii(ascii));
    CHECK(mail::decode_utf8_address(ascii) == address);
  }
  CHECK(mail::decode_utf8_address("\xC3\xBC\\x{7528}@c.example") == "\xC3\xBC\xE7\x94\xA8@c.example");
  const std::string bad = GENERATE(as<std::string>{}, "a+b", "a=b", "a b", "\\", "\\x{", "\\x{}", "\\x{7}", "\\x{fc}", "\\x{G0}",
                                   "\\x{0A}", "\\x{7F}", "\\x{D800}", "\\x{110000}", "\\x{0000041}", "\xFC");
  CHECK_FALSE(mail::decode_utf8_address(bad).has_value());
}

TEST_CASE("RCPT names a mailbox") {
  CHECK(forward_path("RCPT TO:<bob@example.net>") == "bob@example.net");
  CHECK(forward_path("rcpt to: <bob@example.net>") == "bob@example.net");
  CHECK(forward_path("RCPT TO:<PostMaster>") == "PostMaster");
}

TEST_CASE("addresses that are none are refused, each path with its own status") {
  const std::string bad = GENERATE(as<std::string>{}, "alice", "alice@", "@", "a b@example.com", "a@-b.example", "a@example.com.",
                                   " a@example.com", "a\t@example.com", "<a@example.com", "a@[300.1.1.1]");
  CHECK(refusal("MAIL FROM:<" + bad + ">") == "553 5.1.7");
  CHECK(refusal("RCPT TO:<" + bad + ">") == "553 5.1.3");
  CHECK(refusal("RCPT TO:<>") == "553 5.1.3");
  CHECK(refusal("MAIL FROM:<postmaster>") == "553 5.1.7");
  CHECK(refusal("MAIL FROM:<j\xC3\xBCrgen@example.com>") == "550 5.6.7");
}

TEST_CASE("MAIL takes REQUIRETLS, which has no value") {
  CHECK(expect<command::MailFrom>("MAIL FROM:<a@b.example> requiretls SIZE=1").requiretls);
  CHECK_FALSE(expect<command::MailFrom>("MAIL FROM:<a@b.example>").requiretls);
  CHECK(refusal("MAIL FROM:<a@b.example> REQUIRETLS=1") == "501 5.5.4");
  CHECK(refusal("RCPT TO:<a@b.example> REQUIRETLS") == "555 5.5.4");
}

TEST_CASE("an address beyond ASCII needs SMTPUTF8") {
  const auto mail = expect<command::MailFrom>("MAIL FROM:<jürgen@bücher.example> SMTPUTF8 BODY=8BITMIME");
  CHECK(mail.reverse_path.to_string() == "j\xC3\xBCrgen@xn--bcher-kva.example");
  CHECK(mail.utf8 == mail::SmtpUtf8::given);
  CHECK(expect<command::MailFrom>("MAIL FROM:<a@b.example>").utf8 == mail::SmtpUtf8::absent);
  CHECK(refusal("MAIL FROM:<alice@bücher.example>") == "550 5.6.7");
  CHECK(refusal("MAIL FROM:<a@b.example> SMTPUTF8=1") == "501 5.5.4");
  CHECK(refusal("MAIL FROM:<j\xFCrgen@example.com> SMTPUTF8") == "553 5.1.7");
  CHECK(expect<command::RcptTo>("RCPT TO:<bob@bücher.example>").needs_utf8);
  CHECK_FALSE(expect<command::RcptTo>("RCPT TO:<bob@example.com>").needs_utf8);
}

TEST_CASE("ORCPT beyond ASCII is kept in ASCII") {
  const auto rcpt = expect<command::RcptTo>("RCPT TO:<b@c.example> ORCPT=utf-8;j\xC3\xBCrgen\\x{2B}x@c.example");
  CHECK(rcpt.recipient.orcpt == "utf-8;j\\x{FC}rgen\\x{2B}x@c.example");
  CHECK(rcpt.needs_utf8);
  CHECK(refusal("RCPT TO:<b@c.example> ORCPT=rfc822;j\xC3\xBCrgen@c.example") == "501 5.5.4");
  CHECK(refusal("RCPT TO:<b@c.example> ORCPT=utf-8;j\xFCrgen@c.example") == "501 5.5.4");
  std::string long_one = "RCPT TO:<b@c.example> ORCPT=utf-8;";
  for (int i = 0; i < 100; ++i) long_one += "\xE7\x94\xA8";
  CHECK(refusal(long_one) == "501 5.5.4");
}

TEST_CASE("a path stands in angle brackets behind its keyword") {
  const std::string bad =
      GENERATE(as<std::string>{}, "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM:a@b.example", "MAIL <a@b.example>",
               "MAIL TO:<a@b.example>", "MAIL FROM:<a@b.example", "MAIL FROM:<a@b.example>SIZE=1", "MAIL FROM:<\"a@b.example>",
               "RCPT", "RCPT FROM:<a@b.example>", "RCPT TO:<a@b.example>x");
  CHECK(refusal(bad) == "501 5.5.4");
}

TEST_CASE("a refusal is one clean line whatever the client sent") {
  const auto parsed = parse_command("MAIL FROM:<" + std::string(1500, '\xFF') + "@x> ");
  REQUIRE_FALSE(parsed.has_value());
  const std::string wire = parsed.error().to_wire();
  CHECK(wire.size() <= 512);
  CHECK(wire.find('\r') == wire.size() - 2);
}

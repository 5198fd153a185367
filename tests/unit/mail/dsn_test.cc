// Notices: their words, their fields, their parts. tests/dsn reads whole ones with another parser.
#include "mail/dsn.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mail/dsn_words.h"
#include "tests/catch.h"

using mail::EnhancedStatus;
using mail::Mailbox;
using mail::Report;
using mail::ReportAction;
using mail::ReportedRecipient;
using mail::ReportKind;

namespace {

constexpr base::Time noon{base::Duration(1795523974123)};  // 2026-11-24T12:39:34.123Z

ReportedRecipient recipient(std::string_view address, ReportAction action, std::string reply) {
  ReportedRecipient made;
  made.mailbox = Mailbox::parse(address).value();
  made.action = action;
  made.status = mail::status_of_text(reply, EnhancedStatus{5, 0, 0});
  made.remote_mta = "mx.example.net";
  made.reply = std::move(reply);
  made.last_attempt = noon + std::chrono::hours(4);
  return made;
}

Report report_of(ReportKind kind, ReportedRecipient about) {
  Report report;
  report.kind = kind;
  report.hostname = "relay.example.com";
  report.from = Mailbox("MAILER-DAEMON", "example.com");
  report.to = Mailbox("alice", "sender.example");
  report.message_id_token = "0NOTICE0000";
  report.now = noon + std::chrono::hours(5);
  report.arrived = noon;
  report.queue_id = "0ORIGINAL00";
  report.original_sender = mail::ReversePath(report.to);
  report.subject = " Offer";
  report.returned = "From: alice@sender.example\r\nSubject: Offer\r\n\r\n";
  report.recipients.push_back(std::move(about));
  return report;
}

Report failure(std::string reply) {
  return report_of(ReportKind::failure, recipient("bob@example.net", ReportAction::failed, std::move(reply)));
}

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }

std::size_t count(std::string_view text, std::string_view words) {
  std::size_t found = 0;
  for (std::size_t at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a reply's status is the enhanced one, else that of its code") {
  const EnhancedStatus otherwise{4, 4, 0};
  const auto [reply, status] = GENERATE(table<std::string, std::string>({
      {"550 5.1.1 no such user", "5.1.1"},
      {"550 no such user", "5.0.0"},
      {"450 later", "4.0.0"},
      {"250 2.1.5 ok", "2.1.5"},
      {"250", "2.0.0"},
      {"552 4.2.2 full", "5.2.2"},  // the code is what was acted on
      {"550 5.7.1: refused", "5.7.1"},
      {"550 5.7.1.9 said no", "5.0.0"},
      {"gave up, expired: 452 4.2.2 full", "4.2.2"},
      {"the destination rests: 421 busy", "4.0.0"},
      {"no such domain: example.net", "4.1.2"},
      {"gave up, expired: the destination rests: cannot connect: Connection refused", "4.4.1"},
      {"timed out waiting for the reply to DATA", "4.4.2"},
      {"something new", "4.4.0"},
      {"", "4.4.0"},
      {"354 go ahead", "4.4.0"},
  }));
  INFO(reply);
  CHECK(mail::status_of_text(reply, otherwise).to_string() == status);
}

TEST_CASE("a failure is told in both languages: what happened, the receiver's words, what to do") {
  Report report = failure("550 5.1.1 <bob@example.net>: user unknown");
  report.subject = " =?gb2312?B?sai827Wl?=";
  const std::string words = mail::report_words(report);
  const std::size_t middle = words.find("____");
  REQUIRE(middle != std::string::npos);
  const std::string english = words.substr(0, middle);
  const std::string chinese = words.substr(middle);
  for (const std::string& half : {english, chinese}) {
    CHECK(has(half, "550 5.1.1 <bob@example.net>: user unknown"));
    CHECK(has(half, "mx.example.net"));
    CHECK(has(half, "报价单"));
    CHECK(has(half, "0ORIGINAL00"));
    CHECK(has(half, "relay.example.com"));
  }
  CHECK(has(english, "Your message to bob@example.net could not be delivered.\nNo further attempt will be made.\n"));
  CHECK(has(english, "Accepted: 24 Nov 2026 12:39 UTC"));
  CHECK(has(english, "What it means: The recipient's mail service does not know this address.\nWhat to do: Check the address"));
  CHECK(has(chinese, "您发给 bob@example.net 的邮件未能送达。\n系统不会再尝试投递。\n"));
  CHECK(has(chinese, "接收时间：2026年11月24日 20:39（北京时间）"));
  CHECK(has(chinese, "说明：对方邮件系统中没有这个邮箱地址。\n建议：请逐字核对"));
  CHECK_FALSE(has(words, "{"));
}

TEST_CASE("time in China is told by China's clocks") {
  Report report = failure("550 no");
  report.arrived = base::Time(base::Duration(1798732800000));  // 2026-12-31T16:00:00Z
  CHECK(has(mail::report_words(report), "31 Dec 2026 16:00 UTC"));
  CHECK(has(mail::report_words(report), "2027年1月1日 00:00（北京时间）"));
}

TEST_CASE("mail whose time was over says so, and what stood in its way") {
  const std::string words = mail::report_words(failure("gave up, expired: 452 4.2.2 mailbox full"));
  CHECK(has(words, "mx.example.net said: 452 4.2.2 mailbox full\n"));
  CHECK(has(words, "tried again and again until the time for it was over. The recipient's mailbox is full."));
  CHECK(has(words, "系统多次重试，直到超过投递期限。对方的邮箱已满。"));
}

TEST_CASE("our own words are not put into the receiver's mouth") {
  const Report report = failure("timed out waiting for the greeting");
  CHECK(has(mail::report_words(report), "Technical detail: timed out waiting for the greeting (mx.example.net)"));
  CHECK_FALSE(has(mail::report_words(report), "said:"));
  CHECK_FALSE(has(mail::make_report(report), "Diagnostic-Code"));
  CHECK(has(mail::make_report(failure("gave up, expired: 450 later")), "Diagnostic-Code: smtp; 450 later\r\n"));
}

TEST_CASE("a delay asks for nothing and says until when it is tried") {
  Report report = report_of(ReportKind::delay, recipient("bob@example.net", ReportAction::delayed, "451 4.3.0 busy"));
  report.recipients.front().retry_until = noon + std::chrono::days(5);
  const std::string words = mail::report_words(report);
  CHECK(has(words, "You need not do anything: it is tried again until 29 Nov 2026 12:39 UTC"));
  CHECK(has(words, "您无需进行任何操作"));
  CHECK_FALSE(has(words, "What to do:"));
  CHECK(has(mail::make_report(report), "Will-Retry-Until: Sun, 29 Nov 2026 12:39:34 +0000\r\n"));
  report.recipients.front().reply = "450 4.7.26 SPF failed";
  report.recipients.front().status = EnhancedStatus{4, 7, 26};
  CHECK(has(mail::report_words(report), "What to do: your mail administrator may be able to help"));
}

TEST_CASE("an attempt that never was has no date") {
  Report report = report_of(ReportKind::delay, recipient("bob@example.net", ReportAction::delayed, "never attempted"));
  CHECK(has(mail::report_words(report), "Last attempt: 24 Nov 2026 16:39 UTC"));
  CHECK(has(mail::make_report(report), "Last-Attempt-Date: Tue, 24 Nov 2026 16:39:34 +0000\r\n"));
  report.recipients.front().last_attempt = base::Time();
  CHECK_FALSE(has(mail::report_words(report), "Last attempt"));
  CHECK_FALSE(has(mail::make_report(report), "Last-Attempt-Date"));
}

TEST_CASE("recipients with the same trouble stand together") {
  Report report = failure("550 5.1.1 unknown one");
  report.recipients.push_back(recipient("full@example.net", ReportAction::failed, "552 5.2.2 full"));
  report.recipients.push_back(recipient("carol@example.net", ReportAction::failed, "550 5.1.1 unknown two"));
  const std::string words = mail::report_words(report);
  CHECK(has(words, "the 3 recipients below"));
  CHECK(count(words, "does not know this address") == 1);
  CHECK(words.find("unknown two") < words.find("does not know this address"));
  CHECK(words.find("full@example.net") > words.find("does not know this address"));
}

TEST_CASE("a thousand recipients are all reported and fifty told one by one") {
  Report report = failure("550 5.1.1 unknown");
  for (int i = 1; i < 1000; ++i) {
    report.recipients.push_back(recipient(fmt::format("r{}@example.net", i), ReportAction::failed, "550 5.1.1 unknown"));
  }
  const std::string words = mail::report_words(report);
  CHECK(count(words, "550 5.1.1 unknown") == 100);  // fifty in each language
  CHECK(has(words, "... and 950 more recipients"));
  CHECK(has(words, "另外 950 位收件人"));
  CHECK(count(mail::make_report(report), "\r\nFinal-Recipient: ") == 1000);
}

TEST_CASE("the postmaster is told as such") {
  Report report = failure("550 5.7.26 SPF failed");
  report.original_sender = mail::ReversePath();
  const std::string words = mail::report_words(report);
  CHECK(has(words, "you are told as postmaster"));
  CHECK(has(words, "特此通知您（邮件管理员）"));
  CHECK_FALSE(has(words, "Your message"));
  CHECK_FALSE(has(words, "forward this notice"));
  CHECK(has(words, "really comes from the sender (SPF"));
}

TEST_CASE("success says whether the message is in the mailbox") {
  Report report = report_of(ReportKind::success, recipient("bob@example.net", ReportAction::relayed, "250 2.0.0 ok"));
  CHECK(has(mail::report_words(report), "sends no reports of its own"));
  CHECK(has(mail::make_report(report), "\r\nAction: relayed\r\nStatus: 2.0.0\r\n"));
  report.recipients.front().action = ReportAction::delivered;
  CHECK(has(mail::report_words(report), "put into the recipient's mailbox"));
  CHECK_FALSE(has(mail::report_words(report), "What to do"));
}

TEST_CASE("the subject says what happened and to whom") {
  Report report = failure("550 no");
  CHECK(mail::report_subject(report) == "Mail not delivered to bob@example.net / 邮件未送达");
  report.recipients.push_back(report.recipients.front());
  CHECK(mail::report_subject(report) == "Mail not delivered to 2 recipients / 邮件未送达");
  report.kind = ReportKind::delay;
  CHECK(mail::report_subject(report) == "Mail delayed to 2 recipients / 邮件投递延迟");
}

TEST_CASE("DSN parameters come back decoded, and only where they were given") {
  Report report = failure("550 no");
  CHECK_FALSE(has(mail::make_report(report), "Original-"));
  report.envid = "QQ+2B31+204159";
  report.recipients.front().orcpt = "rfc822;Bob+2Bx@Example.NET";
  CHECK(has(mail::make_report(report), "\r\nOriginal-Envelope-Id: QQ+31 4159\r\nReporting-MTA: dns; relay.example.com\r\n"));
  CHECK(has(mail::make_report(report), "\r\nOriginal-Recipient: rfc822; Bob+x@Example.NET\r\nFinal-Recipient: rfc822; bob@"));
}

TEST_CASE("no text of the original ends the parts of a report") {
  Report report = failure("550 no");
  const auto boundary = [&] {
    const std::string text = mail::make_report(report);
    const std::size_t start = text.find("boundary=\"") + 10;
    return text.substr(start, text.find('"', start) - start);
  };
  const std::string usual = boundary();
  report.returned = fmt::format("X: y\r\n--{}--\r\n", usual);
  const std::string other = boundary();
  CHECK(other != usual);
  CHECK_FALSE(has(report.returned, other));
  CHECK(count(mail::make_report(report), fmt::format("\r\n--{}", other)) == 4);
}

TEST_CASE("a whole message comes back as it was, a header as text") {
  Report report = failure("550 no");
  report.returned = "Subject: \xC4\xE3\r\n\r\nno end";
  CHECK(has(mail::make_report(report), "Content-Type: text/rfc822-headers\r\n"));
  CHECK(has(mail::make_report(report), "Subject: =C4=E3\r\n\r\nno end\r\n"));
  CHECK(mail::body_type_of(mail::make_report(report)) == mail::BodyType::seven_bit);
  report.returned_form = mail::Returned::full;
  const std::string text = mail::make_report(report);
  CHECK(has(text, "Content-Type: message/rfc822\r\n"));
  CHECK(count(text, "Content-Transfer-Encoding: 8bit\r\n") == 2);
  CHECK(has(text, report.returned));
  CHECK(mail::body_type_of(text) == mail::BodyType::eight_bit);
  report.returned = "Subject: x\r\n\r\nbody\r\n";
  CHECK(mail::body_type_of(mail::make_report(report)) == mail::BodyType::seven_bit);
}

TEST_CASE("a notice stands below the message that it is about") {
  Report report = failure("550 no");
  CHECK_FALSE(has(mail::make_report(report), "References"));
  report.message_id = "<1@sender.example>";
  CHECK(has(mail::make_report(report), "\r\nIn-Reply-To: <1@sender.example>\r\nReferences: <1@sender.example>\r\n"));
  report.message_id = GENERATE(as<std::string>{}, "<a b@c>", "<a@b>\r\nX: y", "<a@b><c@d>", "a@b", "<>", "<\xE4@b>",
                               "<" + std::string(600, 'x') + "@b>");
  CHECK_FALSE(has(mail::make_report(report), "References"));
}

TEST_CASE("a letter to the postmaster has the same style") {
  mail::Letter letter;
  letter.hostname = "relay.example.com";
  letter.from = Mailbox("MAILER-DAEMON", "example.com");
  letter.to = Mailbox("admin", "example.com");
  letter.message_id_token = "0LETTER0000";
  letter.now = noon;
  letter.subject = "Paused mail expires / 暂停的邮件即将过期";
  letter.english = "Mail expires.\n";
  letter.chinese = "邮件即将过期。\n";
  const std::string text = mail::make_letter(letter);
  CHECK(text.starts_with(
      "From: Mail Delivery System <MAILER-DAEMON@example.com>\r\nTo: <admin@example.com>\r\nSubject: Paused mail"));
  CHECK(has(text, "\r\nMessage-ID: <0LETTER0000@relay.example.com>\r\n"));
  CHECK(has(text, "\r\nAuto-Submitted: auto-replied\r\n"));
  CHECK(text.find("Mail expires.") < text.find("=E9=82=AE=E4=BB=B6=E5=8D=B3"));
  CHECK(mail::body_type_of(text) == mail::BodyType::seven_bit);
}

TEST_CASE("a recipient beyond ASCII is told of in ASCII to a sender who may not know UTF-8") {
  auto about =
      recipient("jürgen+x@bücher.example", ReportAction::failed, "the server does not offer SMTPUTF8, which this address needs");
  about.orcpt = "utf-8;j\\x{FC}rgen@c.example";
  Report report = report_of(ReportKind::failure, std::move(about));
  const std::string text = mail::make_report(report);
  CHECK(has(text, "Final-Recipient: utf-8; j\\x{FC}rgen\\x{2B}x@b\\x{FC}cher.example\r\n"));
  CHECK(has(text, "Original-Recipient: utf-8; j\\x{FC}rgen@c.example\r\n"));
  CHECK(has(text, "Status: 5.6.7\r\n"));
  CHECK(has(text, "Content-Type: message/delivery-status\r\n"));
  CHECK(base::is_ascii(text));
}

TEST_CASE("a sender beyond ASCII gets a report of RFC 6533") {
  Report report = report_of(ReportKind::failure, recipient("jürgen@bücher.example", ReportAction::failed, "550 5.1.1 no"));
  report.to = Mailbox::parse("\xE7\x94\xA8\xE6\x88\xB7@\xE4\xBE\x8B\xE5\xAD\x90.example").value();
  report.original_sender = mail::ReversePath(report.to);
  report.utf8 = mail::SmtpUtf8::needed;
  report.returned = "Subject: \xC3\xBC\r\n\r\nhello\r\n";
  report.returned_form = mail::Returned::full;
  const std::string text = mail::make_report(report);
  CHECK(has(text, "To: <\xE7\x94\xA8\xE6\x88\xB7@\xE4\xBE\x8B\xE5\xAD\x90.example>\r\n"));
  CHECK(has(text, "Content-Type: message/global-delivery-status\r\n"));
  CHECK(has(text, "Final-Recipient: utf-8; jürgen@bücher.example\r\n"));
  CHECK(has(text, "Content-Type: message/global\r\n"));
  CHECK(has(text, report.returned));
}

TEST_CASE("a report of RFC 6533 names the original recipient without its encoding") {
  auto orcpt_in_report = [](std::string orcpt) {
    auto about = recipient("jürgen@bücher.example", ReportAction::failed, "550 5.1.1 no");
    about.orcpt = std::move(orcpt);
    Report report = report_of(ReportKind::failure, std::move(about));
    report.to = Mailbox::parse("\xE7\x94\xA8@c.example").value();
    return mail::make_report(report);
  };
  CHECK(has(orcpt_in_report("utf-8;j\\x{FC}rgen\\x{2B}x@c.example"), "Original-Recipient: utf-8; jürgen+x@c.example\r\n"));
  CHECK(has(orcpt_in_report("rfc822;a+2Bb@c.example"), "Original-Recipient: rfc822; a+b@c.example\r\n"));
  // Neither encoding nor address: as it came.
  CHECK(has(orcpt_in_report("utf-8;j\\x{FC}+2Bx@c.example"), "Original-Recipient: utf-8; j\\x{FC}+2Bx@c.example\r\n"));
  CHECK(has(orcpt_in_report("utf-8;\\x{FC}"), "Original-Recipient: utf-8; \\x{FC}\r\n"));
}

TEST_CASE("a header in UTF-8 goes back to a sender in ASCII in seven bits") {
  Report report = failure("550 no");
  report.utf8 = mail::SmtpUtf8::needed;
  report.returned = "Subject: \xC3\xBC\r\n\r\nhello\r\n";
  CHECK(has(mail::make_report(report), "Content-Type: message/global-headers\r\n"));
  CHECK(mail::body_type_of(mail::make_report(report)) == mail::BodyType::seven_bit);
  report.returned_form = mail::Returned::full;
  const std::string text = mail::make_report(report);
  CHECK(has(text, "Content-Type: message/global\r\n"));
  CHECK(has(text, "Subject: =C3=BC\r\n\r\nhello\r\n"));
  CHECK(count(text, "Content-Transfer-Encoding: 8bit\r\n") == 0);
}

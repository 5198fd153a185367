// Writes notices of every kind, with kind and with hostile contents, to a folder: dsn_samples FOLDER. check.py knows what must be
// in them.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <string>

#include "mail/dsn.h"

namespace {

using mail::EnhancedStatus;
using mail::Mailbox;
using mail::Report;
using mail::ReportAction;
using mail::ReportedRecipient;
using mail::ReportKind;

constexpr base::Time noon{base::Duration(1795523974123)};  // 2026-11-24T12:39:34.123Z

Report base_report(ReportKind kind) {
  Report report;
  report.kind = kind;
  report.hostname = "relay.example.com";
  report.from = Mailbox("MAILER-DAEMON", "example.com");
  report.to = Mailbox("alice", "sender.example");
  report.message_id_token = "0NOTICE0000";
  report.now = noon + std::chrono::hours(5);
  report.arrived = noon;
  report.queue_id = "0ORIGINAL00";
  report.message_id = "<20261124.1@sender.example>";
  report.original_sender = mail::ReversePath(report.to);
  report.subject = " Offer No. 5";
  report.returned = "From: alice@sender.example\r\nTo: bob@example.net\r\nSubject: Offer No. 5\r\n\r\n";
  return report;
}

ReportedRecipient recipient(std::string_view address, ReportAction action, std::string reply) {
  ReportedRecipient made;
  made.mailbox = Mailbox::parse(address).value();
  made.action = action;
  const std::uint16_t category = action == ReportAction::failed ? 5 : action == ReportAction::delayed ? 4 : 2;
  made.status = mail::status_of_text(reply, EnhancedStatus{category, 0, 0});
  made.remote_mta = "mx.example.net";
  made.reply = std::move(reply);
  made.last_attempt = noon + std::chrono::hours(4);
  return made;
}

Report user_unknown() {
  Report report = base_report(ReportKind::failure);
  report.envid = "QQ+2B31+204159";
  report.subject = " =?gb2312?B?sai827Wl?=";
  report.recipients.push_back(recipient("bob@example.net", ReportAction::failed,
                                        "550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in local table"));
  report.recipients.front().orcpt = "rfc822;Bob+2Bx@Example.NET";
  return report;
}

Report many_recipients() {
  Report report = base_report(ReportKind::failure);
  for (int i = 0; i < 70; ++i) {
    const std::string reply = i % 3 == 0 ? "552 5.2.2 mailbox full" : i % 3 == 1 ? "no such domain: example.net" : "550 no";
    report.recipients.push_back(recipient(fmt::format("user{}@example.net", i), ReportAction::failed, reply));
    if (i % 3 == 1) report.recipients.back().remote_mta.clear();
  }
  return report;
}

Report delayed() {
  Report report = base_report(ReportKind::delay);
  report.recipients.push_back(
      recipient("bob@example.net", ReportAction::delayed, "the destination rests: timed out waiting for the connection"));
  report.recipients.back().retry_until = noon + std::chrono::days(5);
  return report;
}

Report relayed() {
  Report report = base_report(ReportKind::success);
  report.recipients.push_back(recipient("bob@example.net", ReportAction::relayed, "250 2.0.0 Ok: queued as 12345"));
  report.recipients.push_back(recipient("carol@example.net", ReportAction::delivered, "250 ok"));
  return report;
}

Report whole_message() {
  Report report = base_report(ReportKind::failure);
  report.recipients.push_back(recipient("bob@example.net", ReportAction::failed, "552 5.3.4 message size exceeds 10 MB"));
  report.returned_form = mail::Returned::full;
  report.returned = "Subject: \xE4\xBD\xA0\xE5\xA5\xBD\r\n\r\nbody \xC4\xE3\xBA\xC3\r\n--=_0NOTICE0000--\r\nmore, without an end";
  return report;
}

Report header_of_8bit() {
  Report report = base_report(ReportKind::failure);
  report.recipients.push_back(recipient("bob@example.net", ReportAction::failed, "gave up, expired: 452 4.2.2 mailbox full"));
  report.subject = " \xB1\xA8\xBC\xDB";
  report.returned = fmt::format("Subject: \xB1\xA8\xBC\xDB\r\nX-Long: {}\r\n--=_0NOTICE0000\r\n", std::string(3000, 'x'));
  return report;
}

Report long_header() {
  Report report = base_report(ReportKind::failure);
  report.recipients.push_back(recipient("bob@example.net", ReportAction::failed, "550 5.7.1 SPF check failed"));
  report.returned = fmt::format("X-Long: {}\r\n", std::string(1500, 'x'));
  return report;
}

Report hostile() {
  Report report = base_report(ReportKind::failure);
  report.subject =
      "a\r\nBcc: everybody@example.net\r\n\r\n--=_0NOTICE0000 =?utf-8?B?DQotLT1fMA0K4oCu?= \xFF" + std::string(9000, 'y');
  report.message_id = "<a@b>\r\nBcc: everybody@example.net";
  report.envid = "not=xtext\r\nAction: delivered";
  report.queue_id = "0ORIGINAL00";
  report.returned = "Subject: x\r\n--=_0NOTICE0000\r\nContent-Type: text/html\r\n\r\n--=_0NOTICE0000--\r\n";
  const std::string reply =
      "550 5.7.1 no\r\n\r\nFinal-Recipient: rfc822; x\r\n--=_0NOTICE0000--\r\n \xE6\x8B\x92\xE6\x94\xB6\xFF";
  report.recipients.push_back(recipient("\"a b=?utf-8?Q?=0A?=\"@example.net", ReportAction::failed,
                                        reply + std::string(1, '\0') + std::string(30000, 'z')));
  report.recipients.back().orcpt = "rfc822;x\r\nAction: delivered";
  report.recipients.back().remote_mta = "mx\r\nStatus: 2.0.0";
  return report;
}

Report for_the_postmaster() {
  Report report = base_report(ReportKind::failure);
  report.to = Mailbox("postmaster", "example.com");
  report.original_sender = mail::ReversePath();
  report.recipients.push_back(recipient("bob@example.net", ReportAction::failed, "550 5.1.1 no such user"));
  return report;
}

Report nothing_known() {
  Report report = base_report(ReportKind::failure);
  report.subject.clear();
  report.returned.clear();
  report.message_id.clear();
  report.recipients.push_back(recipient("bob@[192.0.2.1]", ReportAction::failed, ""));
  report.recipients.back().remote_mta.clear();
  return report;
}

mail::Letter letter() {
  mail::Letter letter;
  letter.hostname = "relay.example.com";
  letter.from = Mailbox("MAILER-DAEMON", "example.com");
  letter.to = Mailbox("postmaster", "example.com");
  letter.message_id_token = "0LETTER0000";
  letter.now = noon;
  letter.subject = "Mail to a paused destination expires / 暂停投递的邮件即将过期";
  letter.english = "The delivery to *.example.net is paused, and mail waits there.\n.\nFrom now on it expires.\n";
  letter.chinese = "发往 *.example.net 的投递已暂停，有邮件在等待。\n";
  return letter;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::map<std::string, std::string> samples{{"user-unknown", mail::make_report(user_unknown())},
                                                   {"many-recipients", mail::make_report(many_recipients())},
                                                   {"delayed", mail::make_report(delayed())},
                                                   {"relayed", mail::make_report(relayed())},
                                                   {"whole-message", mail::make_report(whole_message())},
                                                   {"header-of-8bit", mail::make_report(header_of_8bit())},
                                                   {"long-header", mail::make_report(long_header())},
                                                   {"hostile", mail::make_report(hostile())},
                                                   {"for-the-postmaster", mail::make_report(for_the_postmaster())},
                                                   {"nothing-known", mail::make_report(nothing_known())},
                                                   {"letter", mail::make_letter(letter())}};
  for (const auto& [name, content] : samples) {
    std::ofstream file(fmt::format("{}/{}.eml", argv[1], name), std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) return 1;
  }
  return 0;
}

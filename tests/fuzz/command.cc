// Fuzzes command lines: a refusal is clean SMTP with a status; a path that is taken is taken again as it is printed, and so are
// its DSN parameters.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mail/command.h"
#include "mail/xtext.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const mail::Reply& reply) {
  require(reply.is_permanent() && reply.status && reply.status->category == 5);
  const std::string wire = reply.to_wire();
  require(wire.size() <= 512 && wire.find('\r') == wire.size() - 2 && wire.find('\n') == wire.size() - 1);
  mail::ReplyParser parser;
  parser.feed(wire);
  const auto read = parser.next();
  require(read && *read && (*read)->code == reply.code && (*read)->status == reply.status);
}

void check(const mail::command::MailFrom& mail) {
  std::string line = "MAIL FROM:<" + mail.reverse_path.to_string() + ">";
  if (mail.utf8 != mail::SmtpUtf8::absent) line += " SMTPUTF8";
  if (mail.requiretls) line += " REQUIRETLS";
  if (!mail.envid.empty()) {
    require(mail.envid.size() <= 100 && mail::decode_xtext(mail.envid));
    line += " ENVID=" + mail.envid;
  }
  const auto again = mail::parse_command(line);
  require(again.has_value());
  const auto& read = std::get<mail::command::MailFrom>(*again);
  require(read.reverse_path == mail.reverse_path && read.envid == mail.envid && read.utf8 == mail.utf8 &&
          read.requiretls == mail.requiretls);
}

void check(const mail::Recipient& recipient) {
  std::string line = "RCPT TO:<" + recipient.mailbox.to_string() + ">";
  if (recipient.notify.is_given()) line += " NOTIFY=" + recipient.notify.to_string();
  if (!recipient.orcpt.empty()) {
    require(recipient.orcpt.size() <= 500 && recipient.orcpt.find(';') != std::string::npos);
    line += " ORCPT=" + recipient.orcpt;
  }
  const auto again = mail::parse_command(line);
  require(again && std::get<mail::command::RcptTo>(*again).recipient == recipient);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto parsed = mail::parse_command(line);
  if (!parsed) {
    check(parsed.error());
  } else if (const auto* mail_from = std::get_if<mail::command::MailFrom>(&*parsed)) {
    check(*mail_from);
  } else if (const auto* rcpt_to = std::get_if<mail::command::RcptTo>(&*parsed)) {
    check(rcpt_to->recipient);
  } else if (const auto* ehlo = std::get_if<mail::command::Ehlo>(&*parsed)) {
    require(!ehlo->argument.empty() && ehlo->argument.find_first_of(" \t\r\n") == std::string::npos);
  }
  return 0;
}

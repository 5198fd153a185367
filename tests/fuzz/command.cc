// Fuzzes command lines: a refusal is clean SMTP with a status; a path that is taken is taken again as it is printed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mail/command.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto parsed = mail::parse_command(line);
  if (!parsed) {
    check(parsed.error());
  } else if (const auto* mail_from = std::get_if<mail::command::MailFrom>(&*parsed)) {
    const auto again = mail::parse_command("MAIL FROM:<" + mail_from->reverse_path.to_string() + ">");
    require(again && std::get<mail::command::MailFrom>(*again).reverse_path == mail_from->reverse_path);
  } else if (const auto* rcpt_to = std::get_if<mail::command::RcptTo>(&*parsed)) {
    const auto again = mail::parse_command("RCPT TO:<" + rcpt_to->mailbox.to_string() + ">");
    require(again && std::get<mail::command::RcptTo>(*again).mailbox == rcpt_to->mailbox);
  } else if (const auto* ehlo = std::get_if<mail::command::Ehlo>(&*parsed)) {
    require(!ehlo->argument.empty() && ehlo->argument.find_first_of(" \t\r\n") == std::string::npos);
  }
  return 0;
}

// The form of notices: their header, their parts, and the fields of message/delivery-status.
#include "mail/dsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "mail/advice.h"
#include "mail/dsn_words.h"
#include "mail/encoding.h"
#include "mail/header.h"
#include "mail/xtext.h"

namespace mail {
namespace {

constexpr std::size_t longest_line = 998;       // RFC 5322 2.1.1
constexpr std::size_t longest_reference = 500;  // a Message-ID that is worth repeating
constexpr std::size_t most_of_a_diagnostic = 2000;
constexpr std::size_t longest_token = 60;  // a boundary has 70 octets (RFC 2046 5.1.1)

/// What boundaries and Message-IDs may hold, whatever the caller gave.
std::string token_of(std::string_view text) {
  std::string token;
  for (const char c : text.substr(0, longest_token)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    token += plain ? c : '-';
  }
  return token.empty() ? "0" : token;
}

/// What is common to all notices.
struct Head {
  const std::string& hostname;
  const Mailbox& from;
  const Mailbox& to;
  const std::string& token;
  base::Time now;
};

/// Without Content-Type and the empty line.
std::string write_head(const Head& head, std::string_view subject) {
  std::string text = fmt::format("From: Mail Delivery System <{}>\r\nTo: <{}>\r\n", head.from.to_string(),
                                 head.to.is_ascii() ? head.to.to_string() : head.to.to_utf8());
  text += unstructured_field("Subject", subject);
  fmt::format_to(std::back_inserter(text), "Date: {}\r\nMessage-ID: <{}@{}>\r\n", date_time(head.now), token_of(head.token),
                 head.hostname);
  text += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  return text;
}

/// So that the notice stands below the message that it is about.
std::string write_reference(std::string_view message_id) {
  const bool good = message_id.size() > 2 && message_id.size() <= longest_reference &&
                    message_id.find('>') == message_id.size() - 1 && message_id.rfind('<') == 0 &&
                    std::ranges::all_of(message_id, [](char c) { return c > ' ' && c <= '~'; });
  return good ? fmt::format("In-Reply-To: {0}\r\nReferences: {0}\r\n", message_id) : std::string();
}

std::string write_text_part(std::string_view words) {
  return fmt::format("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                     quoted_printable(words));
}

// ---- message/delivery-status ----

std::string_view to_string(ReportAction action) {
  switch (action) {
    case ReportAction::failed: return "failed";
    case ReportAction::delayed: return "delayed";
    case ReportAction::delivered: return "delivered";
    case ReportAction::relayed: return "relayed";
  }
  return "failed";
}

/// RFC 3464 2.2.
std::string write_status_of_message(const Report& report) {
  std::string text;
  if (!report.envid.empty()) text += plain_field("Original-Envelope-Id", decode_xtext(report.envid).value_or(report.envid));
  text += plain_field("Reporting-MTA", fmt::format("dns; {}", report.hostname));
  text += plain_field("Arrival-Date", date_time(report.arrived));
  return text;
}

/// Whether the report is one of RFC 6533: its reader has an address beyond ASCII, so that the hosts on its way take UTF-8.
bool is_global(const Report& report) { return !report.to.is_ascii(); }

std::string final_recipient(const Mailbox& mailbox, bool global) {
  if (mailbox.is_ascii()) return plain_field("Final-Recipient", fmt::format("rfc822; {}", mailbox.to_string()));
  if (global) return fmt::format("Final-Recipient: utf-8; {}\r\n", mailbox.to_utf8());
  return plain_field("Final-Recipient", fmt::format("utf-8; {}", encode_utf8_address(mailbox.to_utf8())));
}

/// RFC 6533 3, 4.1: in a report that may hold UTF-8 without its encoding. What only claims to be of that type stays as it is.
std::string original_recipient(const std::string& orcpt, bool global) {
  const std::size_t semicolon = std::min(orcpt.find(';'), orcpt.size());
  const std::string_view type = std::string_view(orcpt).substr(0, semicolon);
  const std::string address = orcpt.substr(std::min(semicolon + 1, orcpt.size()));
  if (!base::equal_ignoring_case(type, "utf-8")) {
    return plain_field("Original-Recipient", fmt::format("{}; {}", type, decode_xtext(address).value_or(address)));
  }
  const auto decoded = global ? decode_utf8_address(address) : std::nullopt;
  if (decoded && Mailbox::parse(*decoded)) return fmt::format("Original-Recipient: {}; {}\r\n", type, *decoded);
  return plain_field("Original-Recipient", fmt::format("{}; {}", type, address));
}

/// RFC 3464 2.3, in its order.
std::string write_status_of(const ReportedRecipient& recipient, std::string_view queue_id, bool global) {
  std::string text = "\r\n";
  if (!recipient.orcpt.empty()) text += original_recipient(recipient.orcpt, global);
  text += final_recipient(recipient.mailbox, global);
  text += plain_field("Action", to_string(recipient.action));
  text += plain_field("Status", recipient.status.to_string());
  if (!recipient.remote_mta.empty()) text += plain_field("Remote-MTA", fmt::format("dns; {}", recipient.remote_mta));
  const Told told(recipient.reply);
  if (told.speaker == Told::Speaker::receiver) {
    text += plain_field("Diagnostic-Code", fmt::format("smtp; {}", told.words.substr(0, most_of_a_diagnostic)));
  }
  if (recipient.last_attempt != base::Time()) text += plain_field("Last-Attempt-Date", date_time(recipient.last_attempt));
  text += plain_field("Final-Log-ID", queue_id);
  const bool will_retry = recipient.action == ReportAction::delayed && recipient.retry_until;
  if (will_retry) text += plain_field("Will-Retry-Until", date_time(*recipient.retry_until));
  return text;
}

std::string write_status_part(const Report& report) {
  const bool global = is_global(report);
  std::string text =
      fmt::format("Content-Type: message/{}\r\nContent-Description: Delivery report\r\n{}\r\n",
                  global ? "global-delivery-status" : "delivery-status", global ? "Content-Transfer-Encoding: 8bit\r\n" : "");
  text += write_status_of_message(report);
  for (const ReportedRecipient& recipient : report.recipients) text += write_status_of(recipient, report.queue_id, global);
  return text;
}

// ---- the original ----

bool has_long_line(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > longest_line + 1) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

/// RFC 6533 4.5: a message with UTF-8 in its header, to a sender who may be reached by hosts without SMTPUTF8 alone.
bool hides_utf8(const Report& report) { return report.utf8 == SmtpUtf8::needed && !is_global(report); }

void write_original_message(std::string& text, const Report& report) {
  const std::string& returned = report.returned;
  const bool eight_bit = body_type_of(returned) == BodyType::eight_bit;
  const bool encode = eight_bit && hides_utf8(report);
  fmt::format_to(std::back_inserter(text),
                 "Content-Type: message/{}\r\nContent-Description: Undelivered message\r\n"
                 "Content-Transfer-Encoding: {}\r\n\r\n",
                 report.utf8 == SmtpUtf8::needed ? "global" : "rfc822",
                 encode      ? "quoted-printable"
                 : eight_bit ? "8bit"
                             : "7bit");
  text += encode ? quoted_printable(returned) : returned;
}

void write_original_header(std::string& text, const Report& report) {
  const std::string& returned = report.returned;
  const bool eight_bit = body_type_of(returned) == BodyType::eight_bit;
  const bool encode = eight_bit || has_long_line(returned) || returned.find('\0') != std::string::npos;
  const bool utf8 = eight_bit && is_utf8(returned);
  const bool global = utf8 && report.utf8 == SmtpUtf8::needed;  // RFC 6533 4.3, 6.3
  fmt::format_to(std::back_inserter(text),
                 "Content-Type: {}{}\r\nContent-Description: Header of the message\r\n"
                 "Content-Transfer-Encoding: {}\r\n\r\n",
                 global ? "message/global-headers" : "text/rfc822-headers", utf8 && !global ? "; charset=utf-8" : "",
                 encode ? "quoted-printable" : "7bit");
  text += encode ? quoted_printable(returned) : returned;
}

/// Of a whole message nothing is changed if it can be helped, so 8-bit octets stay. A header is text, which may be encoded
/// (RFC 6522 4).
void write_original_part(std::string& text, const Report& report) {
  if (report.returned_form == Returned::full) {
    write_original_message(text, report);
  } else {
    write_original_header(text, report);
  }
  if (!text.ends_with("\r\n")) text += "\r\n";
}

/// A boundary that stands nowhere in the original: whoever wrote that must not end our parts. "=_" is in no quoted-printable
/// text, and the lines of message/delivery-status begin with names or blanks. Who knows our token does not know what his message
/// hashes to with it inside.
std::string choose_boundary(const Report& report) {
  const std::string token = token_of(report.message_id_token);
  std::string boundary = fmt::format("=_{}", token);
  std::size_t salt = 0;
  while (report.returned.find(boundary) != std::string::npos) {
    if (salt == 0) salt = std::hash<std::string>()(report.returned) | 1U;
    boundary = fmt::format("=_{}_{:x}", token.substr(0, token.size() / 2), salt++);
  }
  return boundary;
}

}  // namespace

std::string make_report(const Report& report) {
  const std::string boundary = choose_boundary(report);
  const bool returns_8bit =
      report.returned_form == Returned::full && body_type_of(report.returned) == BodyType::eight_bit && !hides_utf8(report);
  const bool eight_bit = returns_8bit || is_global(report);
  std::string text =
      write_head(Head{report.hostname, report.from, report.to, report.message_id_token, report.now}, report_subject(report));
  text += write_reference(report.message_id);
  fmt::format_to(std::back_inserter(text),
                 "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n"
                 "Content-Transfer-Encoding: {}\r\n\r\n",
                 boundary, eight_bit ? "8bit" : "7bit");
  text += fmt::format("--{}\r\n{}", boundary, write_text_part(report_words(report)));
  text += fmt::format("\r\n--{}\r\n{}", boundary, write_status_part(report));
  text += fmt::format("\r\n--{}\r\n", boundary);
  write_original_part(text, report);
  text += fmt::format("\r\n--{}--\r\n", boundary);
  return text;
}

std::string make_letter(const Letter& letter) {
  std::string text =
      write_head(Head{letter.hostname, letter.from, letter.to, letter.message_id_token, letter.now}, letter.subject);
  return text + write_text_part(in_both_languages(letter.english, letter.chinese));
}

BodyType body_type_of(std::string_view content) {
  const bool eight_bit = std::ranges::any_of(content, [](char c) { return static_cast<unsigned char>(c) >= 0x80U; });
  return eight_bit ? BodyType::eight_bit : BodyType::seven_bit;
}

EnhancedStatus status_of_text(std::string_view reply, EnhancedStatus otherwise) {
  const Told told(reply);
  if (told.speaker == Told::Speaker::relay) {
    const auto own = status_of_own_words(told.words);
    return own ? EnhancedStatus{otherwise.category, own->subject, own->detail} : otherwise;
  }
  const auto category = static_cast<std::uint16_t>(told.words.front() - '0');
  if (category != 2 && category != 4 && category != 5) return otherwise;
  const std::string_view text = told.words.substr(std::min<std::size_t>(told.words.size(), 4));
  // A status whose class contradicts the code: the code is what was acted on.
  if (const auto status = EnhancedStatus::parse(text)) return EnhancedStatus{category, status->subject, status->detail};
  return EnhancedStatus{category, 0, 0};
}

}  // namespace mail

// Notices about anything at all: whatever receivers, senders and subjects say, the parts stay three, the fields stay ours, and
// every line of ours is ASCII, ends with CR LF and is no longer than mail may carry.
#include "mail/dsn.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "mail/encoding.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

mail::Mailbox mailbox(std::string_view text) {
  auto parsed = mail::Mailbox::parse(text);
  const bool whole = parsed && !parsed->domain().empty();
  return whole ? *parsed : mail::Mailbox("bob", "example.net");
}

/// The fields of the input stand between octets of 0x1D.
mail::Report report_of(std::uint8_t choices, std::string_view input) {
  std::array<std::string, 8> parts;
  std::size_t at = 0;
  for (const std::string_view part : base::split(input, '\x1D')) {
    if (at < parts.size()) parts[at++] = part;
  }
  mail::Report report;
  report.kind = mail::ReportKind{static_cast<std::uint8_t>(choices % 3U)};
  report.hostname = "relay.example.com";
  report.from = mail::Mailbox("MAILER-DAEMON", "example.com");
  report.to = mail::Mailbox("alice", "sender.example");
  report.message_id_token = "0NOTICE0000";
  report.queue_id = "0ORIGINAL00";
  if ((choices & 4U) != 0) report.original_sender = mail::ReversePath(report.to);
  if ((choices & 8U) != 0) report.returned_form = mail::Returned::full;
  report.subject = parts[0];
  report.returned = parts[1];
  report.message_id = parts[2];
  report.envid = parts[3];
  for (int i = 0; i < ((choices & 16U) != 0 ? 2 : 1); ++i) {
    mail::ReportedRecipient recipient;
    recipient.action = mail::ReportAction{static_cast<std::uint8_t>(choices >> 5U & 3U)};
    recipient.reply = parts[4];
    recipient.orcpt = parts[5];
    recipient.remote_mta = parts[6];
    recipient.mailbox = mailbox(parts[7]);
    recipient.status = mail::status_of_text(recipient.reply, mail::EnhancedStatus{5, 0, 0});
    require(recipient.status.category == 2 || recipient.status.category == 4 || recipient.status.category == 5);
    report.recipients.push_back(std::move(recipient));
  }
  return report;
}

/// Lines of ours, without their ends.
std::vector<std::string_view> check_lines(std::string_view text) {
  require(text.ends_with("\r\n"));
  std::vector<std::string_view> lines = base::split(text, '\n');
  lines.pop_back();
  for (std::string_view& line : lines) {
    require(line.ends_with('\r'));
    line.remove_suffix(1);
    require(line.size() <= 998 && line.find('\r') == std::string_view::npos);
    require(std::ranges::all_of(line, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; }));
  }
  return lines;
}

std::string_view cut(std::string_view& text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  require(end != std::string_view::npos);
  const std::string_view part = text.substr(0, end + 2);  // with its CR LF
  text.remove_prefix(end + separator.size());
  return part;
}

void check_head(std::string_view head) {
  constexpr std::array<std::string_view, 11> known{"From",
                                                   "To",
                                                   "Subject",
                                                   "Date",
                                                   "Message-ID",
                                                   "In-Reply-To",
                                                   "References",
                                                   "Auto-Submitted",
                                                   "MIME-Version",
                                                   "Content-Type",
                                                   "Content-Transfer-Encoding"};
  for (const std::string_view line : check_lines(head)) {
    if (line.empty() || line.starts_with(' ') || line.starts_with('\t')) continue;
    require(std::ranges::find(known, line.substr(0, line.find(':'))) != known.end());
  }
}

/// Empty lines stand behind the head of the part, before each recipient, and at the end: nowhere else.
void check_status(std::string_view part, std::size_t recipients) {
  std::size_t empty_lines = 0;
  std::size_t final_recipients = 0;
  for (const std::string_view line : check_lines(part)) {
    empty_lines += line.empty() ? 1 : 0;
    const bool final_recipient = line.starts_with("Final-Recipient: rfc822;") || line.starts_with("Final-Recipient: utf-8;");
    final_recipients += final_recipient ? 1 : 0;
    require(line.empty() || line.starts_with(' ') || line.find(':') != std::string_view::npos);
  }
  require(final_recipients == recipients && empty_lines == recipients + 2);
}

void check(const mail::Report& report, std::string_view text) {
  constexpr std::string_view naming = "\r\n\tboundary=\"";
  const std::size_t start = text.find(naming) + naming.size();
  const std::string boundary(text.substr(start, text.find('"', start) - start));
  require(boundary.size() <= 70 && report.returned.find(boundary) == std::string::npos);
  const std::string between = "\r\n--" + boundary + "\r\n";
  check_head(cut(text, between));
  for (const std::string_view line : check_lines(cut(text, between))) require(line.size() <= 76);
  check_status(cut(text, between), report.recipients.size());
  const std::string_view original = cut(text, "\r\n--" + boundary + "--\r\n");
  require(text.empty() && original.find(between) == std::string_view::npos);
  if (report.returned_form == mail::Returned::full) {
    require(original.find(report.returned) != std::string_view::npos);
  } else if (original.find("quoted-printable") != std::string_view::npos) {
    check_lines(original);
  }
}

}  // namespace

/// The first octet chooses.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const mail::Report report = report_of(data[0], input);
  check(report, mail::make_report(report));
  const std::string shown = mail::readable(input, 100);
  require(mail::is_utf8(shown) && shown.size() <= 403);
  require(std::ranges::none_of(shown, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }));
  check_lines(mail::unstructured_field("Subject", shown));
  return 0;
}

// From outcomes to reports.
#include "relay/delivery/reports.h"

#include <fmt/format.h>

#include <map>

#include "mail/header.h"
#include "queue/content_file.h"

namespace relay::delivery {
namespace {

using queue::Event;
using queue::NoticeTo;

/// A report returns a whole message (RET=FULL) up to this size, else its header, and of that no more than the other.
constexpr std::size_t most_of_message = 50'000;
constexpr std::size_t most_of_header = 64U << 10U;

/// The first octets of the content; what cannot be read is left out of the report.
std::string beginning_of(const queue::Content& content) {
  if (!content.is_file()) return std::string(content.octets().substr(0, most_of_header));
  auto reader = queue::ContentReader::open(content);
  if (!reader) return {};
  std::string text(most_of_header, '\0');
  const auto count = reader->read(text);
  text.resize(count ? *count : 0);
  return text;
}

/// On a worker. Without the empty line when it is only the header; cut at a line end when there is too much.
std::string header_in(const std::string& beginning) {
  if (beginning.starts_with("\r\n")) return {};
  const std::size_t end = std::min(beginning.find("\r\n\r\n"), beginning.rfind("\r\n"));
  return end == std::string::npos ? std::string() : beginning.substr(0, end + 2);
}

std::string subject_in(const std::string& header) {
  mail::HeaderBlock block;
  block.feed(header);
  block.finish();
  const auto subject = block.find("Subject");
  return subject.empty() ? std::string() : std::string(subject.front()->value);
}

/// On a worker.
std::string content_of(mail::Report report, const queue::Message& message) {
  const std::string header = header_in(beginning_of(message.content));
  report.subject = subject_in(header);
  // RFC 8689 5: REQUIRETLS stands above RET=FULL.
  const bool full = report.kind == mail::ReportKind::failure && message.envelope.ret == mail::Return::full &&
                    !mail::carries_requiretls(message.envelope.tls) && !message.content.is_file() &&
                    message.content.size() <= most_of_message;
  report.returned_form = full ? mail::Returned::full : mail::Returned::headers;
  report.returned = full ? std::string(message.content.octets()) : header;
  return mail::make_report(report);
}

mail::ReportKind kind_of(Event event) {
  switch (event) {
    case Event::failed: return mail::ReportKind::failure;
    case Event::delayed: return mail::ReportKind::delay;
    case Event::delivered:
    case Event::relayed: return mail::ReportKind::success;
  }
  return mail::ReportKind::failure;
}

std::string_view words_of(mail::ReportKind kind) {
  switch (kind) {
    case mail::ReportKind::failure: return "failure";
    case mail::ReportKind::delay: return "delay";
    case mail::ReportKind::success: return "success";
  }
  return "failure";
}

struct Meaning {
  mail::ReportAction action;
  mail::EnhancedStatus status;  ///< where the reply carries none
};

Meaning meaning_of(Event event) {
  switch (event) {
    case Event::failed: return {mail::ReportAction::failed, {5, 0, 0}};
    case Event::delayed: return {mail::ReportAction::delayed, {4, 0, 0}};
    case Event::delivered: return {mail::ReportAction::delivered, {2, 0, 0}};
    case Event::relayed: return {mail::ReportAction::relayed, {2, 0, 0}};
  }
  return {mail::ReportAction::failed, {5, 0, 0}};
}

mail::ReportedRecipient reported(const Concern& concern, const mail::Recipient& recipient) {
  const queue::DeliveryRecord& record = concern.record;
  const Meaning meaning = meaning_of(concern.event);
  mail::ReportedRecipient told;
  told.mailbox = recipient.mailbox;
  told.orcpt = recipient.orcpt;
  told.action = meaning.action;
  told.status = mail::status_of_text(record.reply, meaning.status);
  told.remote_mta = record.mx;
  told.reply = record.reply;
  told.last_attempt = record.when;
  if (concern.event == Event::delayed) told.retry_until = record.expires;
  return told;
}

}  // namespace

queue::NoticeDecision Reports::decide(const queue::Message& message, const Concern& concern) {
  const mail::Recipient& recipient = message.envelope.recipients.at(concern.record.index);
  return queue::notice_to(message.origin, message.envelope.reverse_path, recipient.notify, concern.event, concern.refusal);
}

Task<std::vector<Notice>> Reports::make(MessagePtr message, std::vector<Concern> concerns) {
  std::map<std::pair<NoticeTo, mail::ReportKind>, std::vector<Concern>> readers;
  for (Concern& concern : concerns) {
    const queue::NoticeDecision decision = decide(*message, concern);
    if (decision.to != NoticeTo::nobody) {
      readers[std::pair(decision.to, kind_of(concern.event))].push_back(std::move(concern));
    } else if (concern.event == Event::failed) {
      services_.log.info("notice-dropped").with("of", message->id.to_string()).with("reason", decision.reason);
    }
  }
  std::vector<Notice> notices;
  for (auto& [reader, about] : readers) co_await report(message, std::move(about), reader.first, notices);
  co_return notices;
}

/// One that is too large for the store becomes two: many recipients with long replies.
Task<void> Reports::report(MessagePtr message, std::vector<Concern> concerns, NoticeTo to, std::vector<Notice>& notices) {
  mail::Report report = report_on(*message, concerns, to);
  const queue::QueueId id = maker_.next_id();
  report.message_id_token = id.to_string();
  Notice notice;
  notice.of = message->id;
  notice.kind = words_of(report.kind);
  mail::Recipient reader(report.to);
  auto work = [&report, &message] { return content_of(std::move(report), *message); };
  auto executor = services_.workers.get_executor();
  auto content = co_await on(executor, services_.loop, work);
  if (content.size() > queue::content_in_row_limit && concerns.size() > 1) {
    const auto middle = concerns.begin() + static_cast<std::ptrdiff_t>(concerns.size() / 2);
    std::vector<Concern> others(std::make_move_iterator(middle), std::make_move_iterator(concerns.end()));
    concerns.erase(middle, concerns.end());
    co_await this->report(message, std::move(concerns), to, notices);
    co_await this->report(message, std::move(others), to, notices);
    co_return;
  }
  const auto wish = mail::carries_requiretls(message->envelope.tls) ? mail::TlsWish::preferred : mail::TlsWish::none;
  auto made = co_await maker_.make(id, std::move(content), std::move(reader), queue::origin_of_notice(to), wish);
  if (!made) {
    services_.log.error("notice-dropped").with("of", message->id.to_string()).with("reason", made.error().words);
    co_return;
  }
  notice.message = std::move(*made);
  notices.push_back(std::move(notice));
}

mail::Report Reports::report_on(const queue::Message& message, const std::vector<Concern>& concerns, NoticeTo to) const {
  const auto settings = services_.settings.get();
  mail::Report report;
  report.kind = kind_of(concerns.front().event);
  report.hostname = settings->config.hostname;
  report.from = mailer_daemon(*settings);
  report.to = to == NoticeTo::sender ? message.envelope.reverse_path.mailbox() : settings->postmaster;
  report.now = base::now();
  report.arrived = message.received;
  report.queue_id = message.id.to_string();
  report.message_id = message.message_id;
  report.envid = message.envelope.envid;
  report.utf8 = message.envelope.utf8;
  report.original_sender = message.envelope.reverse_path;
  for (const Concern& concern : concerns) {
    report.recipients.push_back(reported(concern, message.envelope.recipients.at(concern.record.index)));
  }
  return report;
}

Task<base::Result<queue::Message>> Reports::letter(std::string subject, std::string english, std::string chinese) {
  const auto settings = services_.settings.get();
  const queue::QueueId id = maker_.next_id();
  mail::Letter letter;
  letter.hostname = settings->config.hostname;
  letter.from = mailer_daemon(*settings);
  letter.to = settings->postmaster;
  letter.message_id_token = id.to_string();
  letter.now = base::now();
  letter.subject = std::move(subject);
  letter.english = std::move(english);
  letter.chinese = std::move(chinese);
  std::string content = mail::make_letter(letter);
  mail::Recipient reader(letter.to);
  co_return co_await maker_.make(id, std::move(content), std::move(reader), queue::Origin::last_notice);
}

void Reports::tell(const Notice& notice) {
  services_.log.info("notice")
      .with("id", notice.message.id.to_string())
      .with("of", notice.of.to_string())
      .with("kind", notice.kind)
      .with("to", fmt::format("<{}>", notice.message.envelope.recipients.front().mailbox.to_string()));
}

}  // namespace relay::delivery

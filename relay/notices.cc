// From content to a sealed message, over the same draft that takes mail from clients.
#include "relay/notices.h"

#include <fmt/format.h>

#include "mail/dsn.h"

namespace relay {

using base::Kind;
using base::Result;

mail::Mailbox mailer_daemon(const Settings& settings) { return {"MAILER-DAEMON", settings.postmaster.domain()}; }

Task<Result<queue::Message>> NoticeMaker::make(queue::QueueId id, std::string content, mail::Recipient to, queue::Origin origin,
                                               mail::TlsWish wish) {
  if (content.size() > queue::content_in_row_limit) {
    co_return base::fail(Kind::invalid, fmt::format("a notice of {} octets is too large", content.size()));
  }
  intake::Draft draft(services_.settings.get(), origin, id, budget_);
  draft.take(content);
  draft.finish();
  mail::Envelope envelope;
  envelope.body = mail::body_type_of(content);
  envelope.utf8 = to.mailbox.is_ascii() ? mail::SmtpUtf8::absent : mail::SmtpUtf8::given;
  envelope.tls = wish;
  to.notify = mail::Notify(mail::Notify::never);  // RFC 3461 6.1
  envelope.recipients.push_back(std::move(to));
  auto work = [this, &draft, &envelope] { return draft.seal(services_.disk, std::move(envelope), mail::Client(), base::now()); };
  auto executor = services_.workers.get_executor();
  auto sealed = co_await on(executor, services_.loop, work);
  if (!sealed) co_return std::unexpected(sealed.error());
  if (!sealed->signing_error.empty()) {
    services_.log.error("sign-failure").with("id", id.to_string()).with("reason", sealed->signing_error);
  }
  co_return std::move(sealed->message);
}

}  // namespace relay

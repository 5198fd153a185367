// Our own mail, reports to senders and letters to the postmaster: sealed and signed like all other, ready for the store.
#pragma once

#include <string>
#include <string_view>

#include "mail/address.h"
#include "mail/envelope.h"
#include "queue/message.h"
#include "relay/intake/draft.h"
#include "relay/services.h"

namespace relay {

/// MAILER-DAEMON at the postmaster's domain, so that a [[dkim.sign]] rule and SPF cover it.
mail::Mailbox mailer_daemon(const Settings& settings);

/// What the postmaster must know, in a letter of our own.
struct Alert {
  std::string_view kind;  ///< for the log
  std::string subject;
  std::string english;
  std::string chinese;
};

/// On the loop alone.
class NoticeMaker {
 public:
  NoticeMaker(Services& services, queue::QueueIdMaker& ids, intake::BufferBudget& budget)
      : services_(services), ids_(ids), budget_(budget) {}
  NoticeMaker(const NoticeMaker&) = delete;
  NoticeMaker& operator=(const NoticeMaker&) = delete;

  /// For a notice that is about to be made; its Message-ID is built of it.
  queue::QueueId next_id() { return ids_.next(base::now()); }
  /// A message with a null reverse-path to one recipient. `content` is all of it but trace and signature, in CR LF lines, at most
  /// what fits into a row (queue::content_in_row_limit). A signature that cannot be made is logged and left out, whatever
  /// dkim.on_sign_failure says: a notice has nobody who would bring it again. Errors: Kind::invalid for content that is too
  /// large.
  Task<base::Result<queue::Message>> make(queue::QueueId id, std::string content, mail::Recipient to, queue::Origin origin,
                                          mail::TlsWish wish = mail::TlsWish::none);

 private:
  Services& services_;
  queue::QueueIdMaker& ids_;
  intake::BufferBudget& budget_;
};

}  // namespace relay

// Notices in the language of mail: delivery status notifications (RFC 3461, 3464, 6522) and letters to the postmaster, as
// complete content without trace fields and signature. Pure: values in, octets out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/reply.h"

namespace mail {

/// What a report is about; success: delivered or relayed, by recipient.
enum class ReportKind : std::uint8_t { failure, delay, success };
/// RFC 3464 2.3.3.
enum class ReportAction : std::uint8_t { failed, delayed, delivered, relayed };
/// How much of the original message a report holds.
enum class Returned : std::uint8_t { headers, full };

class ReportedRecipient {
 public:
  Mailbox mailbox;
  std::string orcpt;  ///< as in Recipient
  ReportAction action = ReportAction::failed;
  EnhancedStatus status;   ///< see status_of_text()
  std::string remote_mta;  ///< host that spoke last; empty: none did
  /// The receiver's words ("550 5.1.1 no such user": they start with three digits), or ours. What we say of mail whose time was
  /// over, "gave up, expired: ", may stand before either. Any octets.
  std::string reply;
  base::Time last_attempt;                ///< Time(): not known, or there was none
  std::optional<base::Time> retry_until;  ///< of a delayed one
};

class Report {
 public:
  ReportKind kind = ReportKind::failure;
  std::string hostname;
  Mailbox from;                  ///< MAILER-DAEMON at the postmaster's domain
  Mailbox to;                    ///< the original sender, or the postmaster
  std::string message_id_token;  ///< left part of Message-ID, unique: the report's own queue id
  base::Time now;
  base::Time arrived;                ///< the original, here
  std::string queue_id;              ///< of the original
  std::string message_id;            ///< of the original with angle brackets; may be empty
  std::string envid;                 ///< as in Envelope
  SmtpUtf8 utf8 = SmtpUtf8::absent;  ///< of the original
  ReversePath original_sender;       ///< null: the report is for the postmaster
  std::string subject;               ///< of the original, the raw value of the field; may be empty
  std::string returned;              ///< the header of the original, or all of it, as it is
  Returned returned_form = Returned::headers;
  std::vector<ReportedRecipient> recipients;  ///< at least one
};

/// multipart/report with CR LF line ends: words for people in English and Chinese, message/delivery-status, the original. To an
/// address beyond ASCII it is one of RFC 6533 (message/global-delivery-status), which needs SMTPUTF8. What we write else is ASCII
/// in lines of at most 78 octets (998 where an address is long); `returned` alone may hold more.
std::string make_report(const Report& report);

/// Words to the postmaster that are no delivery status.
class Letter {
 public:
  std::string hostname;
  Mailbox from;
  Mailbox to;
  std::string message_id_token;
  base::Time now;
  std::string subject;  ///< UTF-8
  std::string english;  ///< paragraphs, '\n' ends a line
  std::string chinese;  ///< UTF-8
};

/// text/plain in the style of a report, English first.
std::string make_letter(const Letter& letter);

/// BODY= of a content: a report returns 8-bit octets of a message that had them.
BodyType body_type_of(std::string_view content);

/// What a reply says as the queue keeps it ("550 5.1.1 no such user"): the enhanced status in it, else X.0.0 of its code. Of
/// words that are ours ("no such domain: x") what they mean, in the category of `otherwise`; else `otherwise`.
EnhancedStatus status_of_text(std::string_view reply, EnhancedStatus otherwise);

}  // namespace mail

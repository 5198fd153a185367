// What a reply means to the one who wrote the message, and what he can do: causes told from statuses and words, and their advice
// in English and Chinese. Only for people: nothing is decided by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mail/reply.h"

namespace mail {

/// Why a message was not delivered.
enum class Cause : std::uint8_t {
  no_mailbox,
  mailbox_closed,
  mailbox_full,
  too_large,
  no_domain,
  no_mail_service,
  bad_address,
  sender_refused,
  cannot_connect,
  dns_trouble,
  tls,
  authentication,
  reverse_name,
  blocked,
  content,
  policy,
  rate,
  busy,
  relay_denied,
  form,
  no_utf8,
  no_requiretls,
  loop,
  protocol,
  time_over,
  returned_by_admin,
  relay_trouble,
  not_handed_over,
  refused,
};
constexpr std::size_t cause_count = static_cast<std::size_t>(Cause::refused) + 1;

/// Who can do something about it.
enum class Helper : std::uint8_t { sender, administrator };

/// One cause, for people. "{from}" stands for the sender's domain, "{relay}" for our host name.
struct Advice {
  Cause cause;
  Helper helper;
  std::string_view meaning;
  std::string_view to_do;
  std::string_view meaning_zh;
  std::string_view to_do_zh;
};
const Advice& advice_for(Cause cause);

/// A reply text as the queue keeps it, without what we put before it.
class Told {
 public:
  enum class Speaker : std::uint8_t { receiver, relay };
  explicit Told(std::string_view reply);

  std::string_view words;
  Speaker speaker = Speaker::relay;  ///< receiver: the words start with a reply code
  bool gave_up = false;              ///< its time was over
};

/// `status` as in status_of_text().
Cause cause_of(const Told& told, EnhancedStatus status);

/// Subject and detail (RFC 3463) of words that are ours; the category stays the caller's. Nothing when they are not known.
struct OwnStatus {
  std::uint16_t subject;
  std::uint16_t detail;
};
std::optional<OwnStatus> status_of_own_words(std::string_view words);

}  // namespace mail

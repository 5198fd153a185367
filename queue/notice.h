// Whom a notice about a message goes to (RFC 3461, 3464): the sender who asked or may be told, the postmaster for what has no
// sender, nobody where it would be backscatter or a loop.
#pragma once

#include <cstdint>
#include <string_view>

#include "mail/envelope.h"
#include "queue/message.h"

namespace queue {

enum class NoticeTo : std::uint8_t { nobody, sender, postmaster };
/// What became of a recipient; relayed: handed on to a host that does not send notices of success itself.
enum class Event : std::uint8_t { failed, delayed, delivered, relayed };
/// How a failed one was refused: as such, or because the receiver takes no null reverse-path at all (5xx at MAIL).
enum class Refusal : std::uint8_t { usual, null_reverse_path };

class NoticeDecision {
 public:
  NoticeTo to = NoticeTo::nobody;
  std::string_view reason;  ///< of nobody, for the log
  friend bool operator==(const NoticeDecision&, const NoticeDecision&) = default;
};

NoticeDecision notice_to(Origin origin, const mail::ReversePath& reverse_path, mail::Notify notify, Event event,
                         Refusal refusal = Refusal::usual);

/// What the notice itself is then. One to the postmaster causes no other.
Origin origin_of_notice(NoticeTo to);

}  // namespace queue

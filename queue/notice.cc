// The rules, one origin after the other.
#include "queue/notice.h"

namespace queue {
namespace {

constexpr NoticeDecision sender{NoticeTo::sender, {}};
constexpr NoticeDecision postmaster{NoticeTo::postmaster, {}};
constexpr NoticeDecision unwanted{NoticeTo::nobody, "the sender asked for none"};
constexpr NoticeDecision from_stranger{NoticeTo::nobody, "it came from outside, its reverse-path may be forged"};
constexpr NoticeDecision of_last{NoticeTo::nobody, "it was itself the last notice"};
constexpr NoticeDecision null_refused{NoticeTo::nobody, "the receiver takes no null reverse-path"};
constexpr NoticeDecision no_sender{NoticeTo::nobody, "it has no sender"};

bool wants(mail::Notify notify, Event event) {
  switch (event) {
    case Event::failed: return notify.wants_failure();
    case Event::delayed: return notify.wants_delay();
    case Event::delivered:
    case Event::relayed: return notify.wants_success();
  }
  return false;
}

/// Mail without a reverse-path is told of to the postmaster when it is lost, else to nobody.
NoticeDecision without_sender(Event event, Refusal refusal) {
  if (event != Event::failed) return no_sender;
  return refusal == Refusal::null_reverse_path ? null_refused : postmaster;
}

}  // namespace

NoticeDecision notice_to(Origin origin, const mail::ReversePath& reverse_path, mail::Notify notify, Event event,
                         Refusal refusal) {
  switch (origin) {
    case Origin::stranger: return from_stranger;
    case Origin::last_notice: return of_last;
    case Origin::notice: return without_sender(event, refusal);
    case Origin::trusted: break;
  }
  if (!wants(notify, event)) return unwanted;
  return reverse_path.is_null() ? without_sender(event, refusal) : sender;
}

Origin origin_of_notice(NoticeTo to) { return to == NoticeTo::sender ? Origin::notice : Origin::last_notice; }

}  // namespace queue

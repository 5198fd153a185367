// Every case of whom a notice goes to.
#include "queue/notice.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace {

using mail::Notify;
using queue::Event;
using queue::NoticeTo;
using queue::Origin;
using queue::Refusal;

const mail::ReversePath alice{mail::Mailbox("alice", "client.example")};
const mail::ReversePath null_path;
const Notify not_given;
const Notify never(Notify::never);
const Notify success(Notify::success);
const Notify failure(Notify::failure);
const Notify delay(Notify::delay);
const Notify all(Notify::success | Notify::failure | Notify::delay);

/// The answers for failed, delayed, delivered and relayed: s(ender), p(ostmaster), - (nobody).
std::string answers(Origin origin, const mail::ReversePath& path, Notify notify, Refusal refusal = Refusal::usual) {
  std::string text;
  for (const Event event : {Event::failed, Event::delayed, Event::delivered, Event::relayed}) {
    const auto decision = queue::notice_to(origin, path, notify, event, refusal);
    CHECK(decision.reason.empty() == (decision.to != NoticeTo::nobody));
    text += decision.to == NoticeTo::sender ? 's' : decision.to == NoticeTo::postmaster ? 'p' : '-';
  }
  return text;
}

}  // namespace

TEST_CASE("mail of somebody we relay for: its sender, as NOTIFY says") {
  CHECK(answers(Origin::trusted, alice, not_given) == "ss--");
  CHECK(answers(Origin::trusted, alice, never) == "----");
  CHECK(answers(Origin::trusted, alice, success) == "--ss");
  CHECK(answers(Origin::trusted, alice, failure) == "s---");
  CHECK(answers(Origin::trusted, alice, delay) == "-s--");
  CHECK(answers(Origin::trusted, alice, all) == "ssss");
  CHECK(answers(Origin::trusted, alice, not_given, Refusal::null_reverse_path) == "ss--");
}

TEST_CASE("mail without a reverse-path that is lost: the postmaster, unless the receiver takes none such") {
  CHECK(answers(Origin::trusted, null_path, not_given) == "p---");
  CHECK(answers(Origin::trusted, null_path, failure) == "p---");
  CHECK(answers(Origin::trusted, null_path, all) == "p---");
  CHECK(answers(Origin::trusted, null_path, never) == "----");
  CHECK(answers(Origin::trusted, null_path, success) == "----");
  CHECK(answers(Origin::trusted, null_path, delay) == "----");
  CHECK(answers(Origin::trusted, null_path, not_given, Refusal::null_reverse_path) == "----");
}

TEST_CASE("a notice of ours that is lost: the postmaster once") {
  CHECK(answers(Origin::notice, null_path, not_given) == "p---");
  CHECK(answers(Origin::notice, null_path, not_given, Refusal::null_reverse_path) == "----");
  CHECK(answers(Origin::last_notice, null_path, not_given) == "----");
  CHECK(answers(Origin::last_notice, null_path, not_given, Refusal::null_reverse_path) == "----");
  CHECK(queue::origin_of_notice(NoticeTo::sender) == Origin::notice);
  CHECK(queue::origin_of_notice(NoticeTo::postmaster) == Origin::last_notice);
}

TEST_CASE("a stranger's mail: nobody, whatever it asks for") {
  for (const auto& path : {alice, null_path}) {
    for (const Notify notify : {not_given, never, success, failure, delay, all}) {
      CHECK(answers(Origin::stranger, path, notify) == "----");
    }
  }
}

TEST_CASE("the log says why nobody is told") {
  CHECK(queue::notice_to(Origin::stranger, alice, not_given, Event::failed).reason ==
        "it came from outside, its reverse-path may be forged");
  CHECK(queue::notice_to(Origin::trusted, alice, never, Event::failed).reason == "the sender asked for none");
  CHECK(queue::notice_to(Origin::last_notice, null_path, not_given, Event::failed).reason == "it was itself the last notice");
  CHECK(queue::notice_to(Origin::notice, null_path, not_given, Event::failed, Refusal::null_reverse_path).reason ==
        "the receiver takes no null reverse-path");
}

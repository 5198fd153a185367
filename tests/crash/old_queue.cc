// The messages of the plan that version 1 could have kept, as it left them.
#include "old_queue.h"

#include <utility>
#include <vector>

#include "base/file.h"
#include "queue/content_file.h"
#include "tests/unit/queue/version_1.h"

namespace crash {
namespace {

/// One record for each recipient, of a state that version 1 knew, and somebody who waits or has failed.
bool is_old(std::uint32_t number) {
  bool stays = false;
  for (std::uint32_t index = 0; index < recipients_of(number); ++index) {
    const auto stages = stages_of(number, index);
    if (stages.size() > 1 || (!stages.empty() && stages[0] == queue::State::held)) return false;
    stays = stays || stages.empty() || stages[0] != queue::State::delivered;
  }
  return stays && !is_set_aside(number);
}

version_1::Message old_message(const std::string& spool, std::uint32_t number) {
  version_1::Message old;
  old.message = make_message(number);
  if (is_large(number)) {
    auto file = queue::ContentWriter::create(queue::real_disk(), spool, old.message.id).value();
    file.append(content_of(number)).value();
    old.message.content = file.finish().value();
  }
  for (std::uint32_t index = 0; index < recipients_of(number); ++index) {
    version_1::Recipient recipient;
    const auto stages = stages_of(number, index);
    recipient.next_attempt = old.message.received;
    if (!stages.empty()) recipient = {stages[0], 1, retry_time(number, 0), "451 try later"};
    old.recipients.push_back(std::move(recipient));
  }
  return old;
}

void note(MessageLedger& ledger, std::uint32_t number) {
  ledger.sent = true;
  ledger.accepted = Answer::done;
  for (std::uint32_t index = 0; index < recipients_of(number); ++index) {
    const auto stages = static_cast<std::uint8_t>(stages_of(number, index).size());
    ledger.recipients.at(index).tried = stages;
    ledger.recipients.at(index).done = stages;
    ledger.recipients.at(index).last = Answer::done;
  }
}

}  // namespace

bool make_old_queue(const std::string& spool, Ledger& ledger) {
  if (!base::make_directories(queue::content_folder(spool))) return false;
  std::vector<version_1::Message> messages;
  for (std::uint32_t number = 1; number < old_messages; ++number) {
    if (!is_old(number)) continue;
    messages.push_back(old_message(spool, number));
    note(ledger.messages[number], number);
  }
  ledger.migrates = true;
  return version_1::write_queue(spool, messages);
}

}  // namespace crash

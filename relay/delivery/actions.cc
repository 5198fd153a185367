// Parts of an action: a page of recipients, claimed, changed, committed with how far the action has come.
#include "relay/delivery/actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mail/address.h"

namespace relay::delivery {
namespace {

using base::Result;
using queue::Deed;
using queue::State;

/// Recipients in one part: one transaction, during which accepts wait. As many as are committed within a time that they may wait
/// for: with a million in the queue most pages that a part touches are cold.
constexpr std::size_t least_part = 40;
constexpr std::size_t most_part = 400;
constexpr std::chrono::milliseconds part_is_long(12);
constexpr std::chrono::milliseconds part_is_short(5);
/// Finished actions that are kept for those who ask.
constexpr std::size_t most_finished = 100;
constexpr std::chrono::seconds after_failure(5);

/// In which states a deed has anything to do. What was never tried is due as it is.
bool concerns(Deed deed, State state) {
  switch (deed) {
    case Deed::retry: return state == State::deferred;
    case Deed::hold: return state == State::queued || state == State::deferred;
    case Deed::release: return state == State::held;
    case Deed::bounce:
    case Deed::drop: return queue::waits(state);
  }
  return false;
}

State state_after(Deed deed) {
  switch (deed) {
    case Deed::retry:
    case Deed::release: return State::deferred;
    case Deed::hold: return State::held;
    case Deed::bounce: return State::failed;
    case Deed::drop: return State::dropped;
  }
  return State::deferred;
}

queue::DueRecipient due_of(const queue::ListRow& row) {
  queue::DueRecipient due;
  due.message = row.id;
  due.index = row.index;
  due.attempts = row.attempts;
  due.next_attempt = row.next_attempt;
  const auto mailbox = mail::Mailbox::parse(row.recipient);
  if (mailbox) due.destination = mailbox->domain();
  return due;
}

queue::DeliveryRecord record_of(Deed deed, const queue::ListRow& row, base::Time now) {
  queue::DeliveryRecord record;
  record.message = row.id;
  record.index = row.index;
  record.state = state_after(deed);
  record.attempts = row.attempts;
  record.when = now;
  record.next_attempt = now;
  record.attempted = queue::Attempted::no;
  if (deed != Deed::bounce) return record;
  record.mx = row.mx;
  record.reply =
      row.last_reply.empty()
          ? std::string("returned to the sender by the administrator of this relay")
          : fmt::format("returned to the sender by the administrator of this relay; the last reply was: {}", row.last_reply);
  return record;
}

}  // namespace

Actions::Actions(Services& services, Dispatcher& dispatcher, NoticeMaker& ids, std::unique_ptr<queue::Reader> reader)
    : services_(services),
      dispatcher_(dispatcher),
      ids_(ids),
      reader_(std::move(reader)),
      reading_(asio::make_strand(services.workers.get_executor())) {}

void Actions::start() {
  running_ = true;  // what begins meanwhile waits for what is older
  services_.tasks.spawn(take_up());
}

Task<void> Actions::take_up() {
  auto read = [reader = reader_.get()] { return reader->actions(); };
  auto left = co_await on(reading_, services_.loop, read);
  if (left) {
    for (queue::Action& action : *left) {  // newest first
      if (!find(action.id)) actions_.push_front(std::move(action));
    }
  } else {
    services_.log.error("recovery-failed").with("reason", left.error().words);
  }
  co_await run();
}

Task<Result<queue::QueueId>> Actions::begin(Deed deed, queue::Filter filter) {
  queue::Action action;
  action.id = ids_.next_id();
  action.deed = deed;
  action.filter = std::move(filter);
  action.begun = base::now();
  action.until = action.id;
  auto start = [this, &action](queue::Store::Done done) { services_.store.begin_action(action, std::move(done)); };
  const auto begun = co_await await_on_loop<Result<void>>(start);
  if (!begun) co_return std::unexpected(begun.error());
  services_.log.info("action").with("id", action.id.to_string()).with("deed", queue::to_string(deed));
  const queue::QueueId id = action.id;
  actions_.push_back(std::move(action));
  if (!std::exchange(running_, true)) services_.tasks.spawn(run());
  co_return id;
}

std::optional<queue::Action> Actions::find(queue::QueueId id) const {
  const auto found = std::ranges::find(actions_, id, &queue::Action::id);
  if (found == actions_.end()) return std::nullopt;
  return *found;
}

std::vector<queue::Action> Actions::running() const {
  std::vector<queue::Action> unfinished;
  std::ranges::copy_if(actions_, std::back_inserter(unfinished), [](const queue::Action& action) { return !action.finished; });
  return unfinished;
}

/// References into a deque stay good while it grows at its end; it shrinks only here.
Task<void> Actions::run() {
  for (;;) {
    const auto next = std::ranges::find_if(actions_, [](const queue::Action& action) { return !action.finished; });
    if (next == actions_.end() || stopping_) break;
    queue::Action& action = *next;
    const bool worked = co_await work_off_part(action);
    if (!worked) {
      Timer pause(services_.loop, after_failure);
      co_await pause.async_wait(as_result);
    } else if (action.finished) {
      end(action);
    }
  }
  running_ = false;
}

void Actions::end(const queue::Action& action) {
  services_.log.info("action-done")
      .with("id", action.id.to_string())
      .with("deed", queue::to_string(action.deed))
      .with("touched", action.touched)
      .with("skipped", action.skipped);
  while (actions_.size() > most_finished && actions_.front().finished) actions_.pop_front();
}

/// A page of recipients, and what the action makes of those that it may have.
struct Actions::Part {
  std::vector<queue::DueRecipient> wanted;
  std::map<queue::RecipientKey, const queue::ListRow*> rows;
  std::set<std::string> destinations;
  std::map<queue::QueueId, std::vector<Concern>> bounced;
  std::size_t kept = 0;  ///< records that change nothing
  Settlement settlement;
};

/// False: it could not be read now.
Task<bool> Actions::work_off_part(queue::Action& action) {
  queue::Filter filter = action.filter;
  filter.until = action.until;
  const auto look = dispatcher_.look();
  const std::size_t size = part_size_;
  auto read = [reader = reader_.get(), &filter, &action, size] {
    return reader->list(filter, action.done.message, action.done.index, size);
  };
  const auto page = co_await on(reading_, services_.loop, read);
  if (!page) {
    services_.log.error("action-waits").with("id", action.id.to_string()).with("reason", page.error().words);
    co_return false;
  }
  Part part = part_of(action.deed, *page);
  queue::ActionStep step;
  step.action = action.id;
  step.done = page->empty() ? action.done : queue::RecipientKey{page->back().id, page->back().index};
  step.skipped = part.wanted.size();
  part.settlement.jobs = dispatcher_.claim(look, std::move(part.wanted));
  change(action.deed, part);
  for (auto& [id, about] : part.bounced) co_await tell_senders(id, std::move(about), part);
  step.touched = part.settlement.recording.records.size() - part.kept;
  step.skipped -= step.touched;
  if (page->size() < size) step.finished = base::now();
  part.settlement.recording.step = step;
  const auto begun = Clock::now();
  co_await dispatcher_.committed(std::move(part.settlement));
  suit_part_to(Clock::now() - begun);
  action.done = step.done;
  action.touched += step.touched;
  action.skipped += step.skipped;
  action.finished = step.finished;
  if (action.deed == Deed::retry || action.deed == Deed::release) {
    for (const std::string& destination : part.destinations) dispatcher_.wake(destination);
  }
  co_return true;
}

void Actions::suit_part_to(Clock::duration commit) {
  if (commit > part_is_long) part_size_ = std::max(part_size_ / 2, least_part);
  if (commit < part_is_short) part_size_ = std::min(part_size_ * 2, most_part);
}

Actions::Part Actions::part_of(Deed deed, const std::vector<queue::ListRow>& page) {
  Part part;
  for (const queue::ListRow& row : page) {
    queue::DueRecipient due = due_of(row);
    if (!concerns(deed, row.state) || due.destination.empty()) continue;
    part.rows[{row.id, row.index}] = &row;
    part.destinations.insert(due.destination);
    part.wanted.push_back(std::move(due));
  }
  return part;
}

/// Records for what was claimed.
void Actions::change(Deed deed, Part& part) {
  const base::Time now = base::now();
  for (const queue::DeliveryJob& job : part.settlement.jobs) {
    for (const queue::DueRecipient& due : job.recipients) {
      const queue::ListRow& row = *part.rows.at({due.message, due.index});
      queue::DeliveryRecord record = record_of(deed, row, now);
      if (deed == Deed::bounce) {
        part.bounced[row.id].push_back(Concern{record, queue::Event::failed, queue::Refusal::usual});
      } else if (deed == Deed::drop) {
        services_.log.info("dropped").with("id", row.id.to_string()).with("to", fmt::format("<{}>", row.recipient));
      }
      part.settlement.recording.records.push_back(std::move(record));
    }
  }
}

/// Nobody's mail is given up without a word: what is damaged is set aside, what cannot be read now stays as it is.
Task<void> Actions::tell_senders(queue::QueueId id, std::vector<Concern> concerns, Part& part) {
  auto load = [reader = reader_.get(), id] { return reader->load(id); };
  auto message = co_await on(reading_, services_.loop, load);
  if (!message) {
    if (message.error().kind == base::Kind::damaged) {
      dispatcher_.set_aside(id, message.error().words);
    } else {
      services_.log.error("unreadable").with("id", id.to_string()).with("reason", message.error().words);
    }
    keep(id, part);
    co_return;
  }
  for (const Concern& concern : concerns) {
    const queue::ListRow& row = *part.rows.at({id, concern.record.index});
    const Peer peer{concern.record.mx, {}, {}};
    dispatcher_.ledger().tell(concern.record, row.recipient, row.received, peer);
  }
  auto shared = std::make_shared<const queue::Message>(std::move(*message));
  auto notices = co_await dispatcher_.reports().make(std::move(shared), std::move(concerns));
  std::ranges::move(notices, std::back_inserter(part.settlement.notices));
}

void Actions::keep(queue::QueueId id, Part& part) {
  for (queue::DeliveryRecord& record : part.settlement.recording.records) {
    if (record.message != id) continue;
    const queue::ListRow& row = *part.rows.at({id, record.index});
    record.state = row.state == State::held ? State::held : State::deferred;
    record.next_attempt = row.next_attempt;
    record.mx.clear();
    record.reply.clear();
    ++part.kept;
  }
}

}  // namespace relay::delivery

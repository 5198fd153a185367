// The admin's bulk actions: a durable row each, worked off in parts beside the deliveries, one action after the other.
#pragma once

#include <boost/asio/strand.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "queue/store.h"
#include "relay/delivery/dispatcher.h"

namespace relay::delivery {

/// On the loop alone; its reader works on a strand of the workers, so that nobody who lists the queue waits for it.
class Actions {
 public:
  Actions(Services& services, Dispatcher& dispatcher, NoticeMaker& ids, std::unique_ptr<queue::Reader> reader);
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  /// Goes on with what the last run left.
  void start();
  void stop() { stopping_ = true; }

  /// The action is durable when this comes back, and goes on in the background: mail that is accepted later is not concerned.
  /// Recipients that are being delivered are left alone and counted. Kind::refused: too many wait.
  Task<base::Result<queue::QueueId>> begin(queue::Deed deed, queue::Filter filter);
  /// Of this run, and what the last ones left.
  std::optional<queue::Action> find(queue::QueueId id) const;
  /// Not finished yet, oldest first.
  std::vector<queue::Action> running() const;

 private:
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  struct Part;

  Task<void> take_up();
  Task<void> run();
  Task<bool> work_off_part(queue::Action& action);
  void suit_part_to(Clock::duration commit);
  static Part part_of(queue::Deed deed, const std::vector<queue::ListRow>& page);
  void change(queue::Deed deed, Part& part);
  Task<void> tell_senders(queue::QueueId id, std::vector<Concern> concerns, Part& part);
  static void keep(queue::QueueId id, Part& part);
  void end(const queue::Action& action);

  Services& services_;
  Dispatcher& dispatcher_;
  NoticeMaker& ids_;
  std::unique_ptr<queue::Reader> reader_;
  Strand reading_;
  std::deque<queue::Action> actions_;  ///< by id; finished ones stay a while for who asks
  std::size_t part_size_ = 200;        ///< recipients
  bool running_ = false;
  bool stopping_ = false;
};

}  // namespace relay::delivery

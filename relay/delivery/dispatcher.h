// The heart of delivery: asks the schedule what to do, carries jobs over connections, records what became of them.
#pragma once

#include <boost/asio/strand.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/schedule.h"
#include "queue/store.h"
#include "relay/delivery/attempt.h"
#include "relay/delivery/hosts.h"
#include "relay/delivery/ledger.h"
#include "relay/services.h"

namespace relay::delivery {

/// On the loop alone; its reader works on a strand of the workers.
class Dispatcher {
 public:
  Dispatcher(Services& services, std::unique_ptr<queue::Reader> reader);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Takes up what the last run left (ids up to `newest`, the greatest of that time) and begins to deliver.
  void start(queue::QueueId newest);
  /// A durable message.
  void add(queue::Message message);
  /// No new attempts; those under way go on, idle connections end.
  void stop();
  /// Nothing is under way and every outcome is recorded.
  bool idle() const { return carriers_ == 0 && ledger_.unwritten() == 0; }

  /// The admin's: recipients of these destinations are due in the store now.
  void woken(const std::vector<queue::DestinationRow>& destinations);
  /// The admin's: the message is gone.
  void forget(queue::QueueId id);
  bool is_active(queue::QueueId id, std::uint32_t index) const { return schedule_.is_active(id, index); }
  std::optional<base::Time> rests_until(const std::string& destination) const { return schedule_.rests_until(destination); }
  /// Retry delays and limits after a reload.
  void configure(const conf::Config& config);
  /// Something may let deliveries go on: look again.
  void kick();

 private:
  /// A message whose first attempts come from memory.
  struct Fresh {
    std::shared_ptr<const queue::Message> message;
    std::size_t open = 0;  ///< recipients not yet concluded or given back to the store
  };
  /// A connection without work: it waits a moment for more.
  struct Idle {
    explicit Idle(Executor executor) : timer(executor) {}
    Timer timer;
    std::optional<queue::DeliveryJob> job;
  };
  struct RetryTimes {
    base::Time usual;
    base::Time unknown;  ///< after a final dot without a reply
  };
  using Records = Ledger::Records;
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  using MessagePtr = std::shared_ptr<const queue::Message>;

  bool paused() const;
  void dispatch();
  void offer_to_idle();
  void end_one_idle();
  void wait_until(std::optional<base::Time> time);

  Task<void> recover(queue::QueueId newest);
  Task<void> refill(queue::Refill request);
  Task<void> expire_regularly();
  Task<void> expire(queue::DeliveryJob job);

  Task<void> carry(queue::DeliveryJob job);
  Task<std::optional<queue::DeliveryJob>> try_host(queue::DeliveryJob job, dns::Candidate candidate, queue::MoreHosts more);
  Task<std::optional<Failure>> open(std::unique_ptr<Attempt>& attempt, dns::Candidate candidate, std::string destination);
  Task<std::optional<queue::DeliveryJob>> converse(Attempt& attempt, queue::DeliveryJob job, queue::MoreHosts more);
  Task<std::optional<queue::DeliveryJob>> next_job(std::string destination);
  Task<base::Result<MessagePtr>> load(queue::QueueId id);

  std::optional<queue::DeliveryJob> conclude(const Attempt& attempt, const queue::Message& message, queue::DeliveryJob job,
                                             const std::optional<Failure>& failure, queue::MoreHosts more);
  Task<void> fail_all(queue::DeliveryJob job, Failure failure, Peer peer);
  void unloadable(queue::DeliveryJob job, const base::Error& error);
  RetryTimes retry_times(const queue::DeliveryJob& job);
  queue::DeliveryRecord judge(const queue::DueRecipient& recipient, const queue::Outcome& outcome, std::string words,
                              const RetryTimes& retry);
  void finish(queue::DeliveryJob job, Records records);
  void give_back(std::vector<queue::DueRecipient> recipients, std::string why);
  void rest(const std::string& destination, const std::string& why);
  void close_fresh(queue::QueueId id, std::size_t recipients);

  Services& services_;
  Hosts hosts_;
  Ledger ledger_;
  std::unique_ptr<queue::Reader> reader_;
  Strand reading_;
  queue::Schedule schedule_;
  std::map<queue::QueueId, Fresh> fresh_;
  std::size_t fresh_octets_ = 0;
  std::map<std::string, std::list<Idle*>> idle_;
  std::vector<std::string> touched_;  ///< destinations that may have work for an idle connection
  Timer alarm_;
  std::size_t carriers_ = 0;  ///< leases of connections, each a coroutine
  bool kicked_ = false;
  bool stopping_ = false;
};

}  // namespace relay::delivery

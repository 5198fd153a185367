// The heart of delivery: asks the schedule what to do, carries jobs over connections, records what became of them.
#pragma once

#include <boost/asio/strand.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/schedule.h"
#include "queue/store.h"
#include "relay/alert_command.h"
#include "relay/delivery/attempt.h"
#include "relay/delivery/fallbacks.h"
#include "relay/delivery/hosts.h"
#include "relay/delivery/idle_connections.h"
#include "relay/delivery/ledger.h"
#include "relay/delivery/refusals.h"
#include "relay/delivery/reports.h"
#include "relay/delivery/shaping.h"
#include "relay/delivery/standing.h"
#include "relay/delivery/warmup.h"
#include "relay/services.h"

namespace relay::delivery {

/// What belongs together once something is known of recipients: one transaction, and what follows when it is durable.
class Settlement {
 public:
  std::vector<queue::DeliveryJob> jobs;  ///< whose recipients are not active any more then
  queue::Recording recording;            ///< without notices
  std::vector<Notice> notices;           ///< are recorded with it, told, and delivered
};

/// A pause and what waits for its end.
struct PauseView {
  queue::Pause pause;
  std::optional<Block> block;  ///< the receiver's will, not an admin's
  std::uint64_t destinations = 0;
  std::uint64_t recipients = 0;
};

/// On the loop alone; its reader works on a strand of the workers.
class Dispatcher {
 public:
  Dispatcher(Services& services, NoticeMaker& notices, std::unique_ptr<queue::Reader> reader);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Takes up what the last run left (ids up to `newest`, the greatest of that time) and begins to deliver.
  void start(queue::QueueId newest);
  /// A durable message.
  void add(queue::Message message);
  /// No new attempts; those under way go on, idle connections end.
  void stop();
  /// Nothing is under way and every outcome is recorded.
  bool idle() const { return carriers_ == 0 && idle_.size() == 0 && settling_ == 0 && ledger_.unwritten() == 0; }

  void woken(const std::vector<queue::DestinationRow>& destinations);
  void forget(queue::QueueId id);
  bool is_active(queue::QueueId id, std::uint32_t index) const { return schedule_.is_active(id, index); }
  /// Being delivered, or claimed.
  std::vector<queue::RecipientKey> active() const;
  std::optional<base::Time> rests_until(const std::string& destination) const { return schedule_.rests_until(destination); }

  // For what acts on waiting mail beside deliveries: take a look, read rows, claim them, commit what became of them.
  std::shared_ptr<queue::Schedule::Look> look() { return schedule_.look(); }
  /// As Schedule::claim(), in jobs by message and destination.
  std::vector<queue::DeliveryJob> claim(const std::shared_ptr<queue::Schedule::Look>& since,
                                        std::vector<queue::DueRecipient> recipients);
  /// `done` comes when it is durable; a store that takes nothing is asked again until it does.
  void commit(Settlement settlement, std::function<void()> done = {});
  Task<void> committed(Settlement settlement);
  /// A letter to the postmaster; what goes wrong with it is logged.
  Task<void> alert(Alert alert);
  /// The same, not committed yet; nothing when it cannot be made.
  Task<std::optional<Settlement>> letter(Alert alert);
  Reports& reports() { return reports_; }
  Ledger& ledger() { return ledger_; }
  /// Whatever makes its mail wait.
  Standing standing(const std::string& destination) const;
  /// Receivers that asked us to slow down.
  std::vector<Standing> limited_groups() const;
  CurrentLimits limits() const;
  const Warmup& warmup() const { return warmup_; }
  const Fallbacks& fallbacks() const { return fallbacks_; }
  bool has_pauses() const { return !pauses_.empty() || !refusals_.blocks().empty(); }
  /// The destination's rest ends, by the admin's will.
  void wake(const std::string& destination);
  /// Damage: the message is set aside, so that nothing goes round in circles.
  void set_aside(queue::QueueId id, const std::string& words);

  /// Destinations that match, or a host of which does, get nothing until resume(). Durable when it comes back. Kind::invalid: no
  /// pattern that could match; Kind::refused: there are too many.
  Task<base::Result<void>> pause(std::string pattern);
  /// How many pauses ended: one or none.
  Task<base::Result<std::uint64_t>> resume(std::string pattern);
  Task<base::Result<std::vector<PauseView>>> pauses();
  const std::vector<queue::Pause>& pause_list() const { return pauses_; }
  void pause_was_told(const std::string& pattern, base::Time when);
  std::vector<Block> block_list() const;
  void block_was_told(const std::string& name, base::Time when);
  /// What a pause or a block stops, for use on any thread.
  std::function<bool(std::string_view)> stopped_by(const std::string& pattern) const;
  std::function<bool(std::string_view)> stopped_by(const Block& block) const;

  /// Deliveries that are active for longer than the limit: their connections are closed; those that do not end by it within the
  /// grace are put off and freed.
  void watch(base::Duration limit, base::Duration grace);
  /// Found so at the last watch().
  std::size_t stuck() const { return stuck_; }
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
  /// Where the jobs of a destination go.
  struct Way {
    std::vector<dns::Candidate> hosts;
    Shaping shaping;
    std::uint64_t pauses = 0;                       ///< begun when the hosts were looked at for them
    bool falls_back = false;                        ///< what these hosts refuse because of who we are has another way
    bool refused = false;                           ///< one of them did: the others would say the same
    std::string reason;                             ///< its words
    mail::TlsWish wish = mail::TlsWish::none;       ///< of the mail at hand
    std::shared_ptr<const queue::Message> at_hand;  ///< read already, since its wish decides how a connection is opened
    bool relaxed = false;  ///< the host at hand cannot have REQUIRETLS: mail that only prefers it goes without
    bool unsure = false;   ///< a host was passed over that may have mail with REQUIRETLS another time

    /// What a connection must be opened for.
    mail::TlsWish need() const { return relaxed && wish == mail::TlsWish::preferred ? mail::TlsWish::none : wish; }
  };
  /// Mail that is not for now.
  struct Postponed {
    base::Time until;
    std::string why;
  };
  struct RetryTimes {
    base::Time usual;
    base::Time unknown;                 ///< after a final dot without a reply
    std::optional<base::Time> expires;  ///< where the host asked last has a patience of its own
  };
  /// While a job is with an attempt: what the watchdog can end.
  class UnderWay {
   public:
    UnderWay(Dispatcher& dispatcher, const queue::DeliveryJob& job, Attempt& attempt);
    ~UnderWay();
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

   private:
    Dispatcher& dispatcher_;
    queue::RecipientKey key_;
  };
  /// What the replies about a message say of those who gave them.
  struct Answers {
    bool delivered = false;
    bool must_rest = false;
    std::optional<Ruling> ruling;  ///< the last one
    std::string ruled;             ///< the reply that it is about
  };
  using Records = Ledger::Records;
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  using MessagePtr = std::shared_ptr<const queue::Message>;

  bool paused() const;
  void dispatch();
  void wait_until(std::optional<base::Time> time);

  Task<void> recover(queue::QueueId newest);
  Task<void> refill(queue::Refill request);
  Task<void> take_up_pauses();
  void end_open_connections();
  Task<void> take_up_remembered();
  Standing group_standing(const std::string& group, base::Time now) const;

  Task<void> carry(queue::DeliveryJob job);
  bool is_ours(const queue::DeliveryJob& job) const;
  Task<base::Result<Way>> find_way(std::string destination);
  bool admitted(const std::string& destination, const Way& way);
  Task<void> fall_back(queue::DeliveryJob job, const Way& before);
  void remember_fallback(const std::string& destination, base::Duration time, const std::string& reason);
  Task<std::optional<queue::DeliveryJob>> try_hosts(queue::DeliveryJob job, Way& way);
  Task<std::optional<queue::DeliveryJob>> try_host(queue::DeliveryJob job, dns::Candidate candidate, queue::MoreHosts more,
                                                   Way& way);
  Task<std::optional<Failure>> open(std::unique_ptr<Attempt>& attempt, dns::Candidate candidate, const queue::DeliveryJob& job,
                                    Way& way);
  Task<std::optional<queue::DeliveryJob>> converse(std::unique_ptr<Attempt>& attempt, queue::DeliveryJob job,
                                                   queue::MoreHosts more, Way& way);
  bool may_go_on(const Attempt& attempt, const Way& way) const;
  Task<base::Result<MessagePtr>> load(queue::QueueId id);

  std::optional<queue::DeliveryJob> conclude(const Attempt& attempt, MessagePtr message, queue::DeliveryJob job,
                                             const std::optional<Failure>& failure, queue::MoreHosts more, Way& way);
  void heed(const Answers& answers, const std::optional<Failure>& failure, const Peer& peer, const std::string& destination,
            const Way& way);
  std::optional<Postponed> postponed(const Way& way, const queue::Message& message) const;
  void put_off_until(queue::DeliveryJob job, const Postponed& postponed);
  Task<void> fail_all(queue::DeliveryJob job, Failure failure, Peer peer, const Way& way);
  void unloadable(queue::DeliveryJob job, const base::Error& error);
  RetryTimes retry_times(const queue::DeliveryJob& job, std::string_view mx, std::optional<base::Time> received);
  queue::DeliveryRecord judge(const queue::DueRecipient& recipient, const queue::Outcome& outcome, std::string words,
                              const RetryTimes& retry, const std::optional<Ruling>& ruling = std::nullopt);
  std::optional<Ruling> rule(const mail::Reply& reply, const Peer& peer, const queue::Message& message, const Way& way,
                             const std::string& destination);
  void obey(const Ruling& ruling, const Way& way, const std::string& destination, std::string_view words);
  void count(const Way& way);
  void took_mail(const Way& way, const std::string& destination);
  void remember(queue::Remembered thing);
  void forget(queue::Remembered thing);
  void rest_blocked(const Block& block);
  bool end_block(const std::string& name);
  bool end_fallback(const std::string& domain);
  void finish(queue::DeliveryJob job, Records records, std::vector<Concern> concerns, MessagePtr message);
  Task<void> report_and_commit(Settlement settlement, std::vector<Concern> concerns, MessagePtr message);
  void settled(const Settlement& settlement);
  void put_off(queue::DeliveryJob job);
  void free(const queue::ActiveRecipient& active);
  std::string why_it_waits(const std::string& destination) const;
  queue::DeliveryRecord put_back(const queue::DueRecipient& due) const;
  void give_back(std::vector<queue::DueRecipient> recipients);
  void rest(const std::string& destination, std::string_view mx, const std::string& why);
  const std::string* pause_of(const std::vector<dns::Candidate>& candidates) const;
  void close_fresh(queue::QueueId id, std::size_t recipients);
  static Peer peer_of(const Attempt& attempt);

  Services& services_;
  Hosts hosts_;
  Ledger ledger_;
  Reports reports_;
  std::unique_ptr<queue::Reader> reader_;
  Strand reading_;
  queue::Schedule schedule_;
  std::map<queue::QueueId, Fresh> fresh_;
  std::size_t fresh_octets_ = 0;
  IdleConnections idle_;
  Refusals refusals_;
  Fallbacks fallbacks_;
  Warmup warmup_;
  AlertCommand alert_command_;
  Timer alarm_;
  std::vector<queue::Pause> pauses_;
  std::map<std::string, std::string> rest_words_;      ///< why a destination rests, for what comes while it does
  std::uint64_t pauses_begun_ = 0;                     ///< a connection that is older than a pause takes no more work
  std::map<queue::RecipientKey, Attempt*> under_way_;  ///< by the first recipient of a job
  std::set<queue::RecipientKey> cut_off_;              ///< whose connection the watchdog has closed
  std::size_t stuck_ = 0;
  std::size_t carriers_ = 0;  ///< leases of connections, each a coroutine
  std::size_t settling_ = 0;  ///< reports in the making
  bool recovered_ = false;    ///< nothing is delivered before the pauses are known
  bool kicked_ = false;
  bool stopping_ = false;
};

}  // namespace relay::delivery

// All rules of the schedule together: a model store that answers late and from old snapshots, receivers that fail at random, a
// simulated clock; the invariants are checked at every step.
#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "queue/schedule.h"
#include "tests/catch.h"

namespace {

using namespace std::chrono_literals;
using queue::DeliveryJob;
using queue::DeliveryRecord;
using queue::DueRecipient;
using queue::QueueId;
using queue::Refill;
using queue::Schedule;
using queue::State;
using queue::Time;
using queue::Wait;
using Key = std::pair<std::uint64_t, std::uint32_t>;

const Time start{std::chrono::hours(500000)};
const std::vector<base::Duration> delays = {1min, 5min, 15min};

struct Row {
  std::string destination;
  State state = State::queued;
  Time next_attempt;
  std::uint32_t attempts = 0;
};

/// The whole relay around a schedule, in one thread. Everything that takes time in the daemon is an event here.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), limits_(limits(seed)), schedule_(limits_, seed) {
    for (std::size_t i = 0; i < 12; ++i) dead_until_["d" + std::to_string(i) + ".example"] = start;
  }

  void run() {
    for (std::uint64_t message = 1; message <= 400; ++message) {
      at(start + std::chrono::seconds(pick(1800)), [this, message] { accept(message); });
    }
    at(start + 20min, [this] { drop_some(); });
    for (int i = 0; i < 20; ++i) {
      at(start + std::chrono::minutes(pick(90)), [this] { strike(); });
    }
    for (int i = 0; i < 6; ++i) {
      at(start + std::chrono::minutes(pick(90)), [this] { pause_some(); });
    }
    for (int i = 0; i < 15; ++i) {
      at(start + std::chrono::minutes(pick(90)), [this] { act_on_some(); });
    }
    while (!events_.empty()) {
      auto event = events_.extract(events_.begin());
      REQUIRE(event.key() >= now_);
      now_ = event.key();
      event.mapped()();
      pump();
      ++steps_;
      REQUIRE(steps_ < 500000);
    }
  }

  void check_end() const {
    CHECK(steps_ > 2000);
    std::size_t open = 0;
    for (const auto& [key, row] : rows_) {
      if (row.state != State::delivered && row.state != State::failed) ++open;
    }
    CHECK(open == 0);
    CHECK(rows_.size() > 1000);
    CHECK(schedule_.active_connections() == 0);
    CHECK(schedule_.window_size() == 0);
  }

 private:
  static queue::ScheduleOptions limits(std::uint64_t seed) {
    queue::ScheduleOptions options;
    options.connections = 5 + seed % 7;
    options.connections_per_destination = 1 + seed % 4;
    options.recipients_per_transaction = 1 + seed % 5;
    options.window_per_destination = 1 + (seed * 7) % 40;
    options.window = 20 + seed % 50;
    return options;
  }

  std::uint64_t pick(std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_); }
  void at(Time when, std::move_only_function<void()> what) { events_.emplace(when, std::move(what)); }
  void later(std::move_only_function<void()> what) { at(now_ + base::Duration(1 + pick(400)), std::move(what)); }

  void accept(std::uint64_t message) {
    std::vector<DueRecipient> recipients;
    const auto count = static_cast<std::uint32_t>(1 + pick(8));
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string destination = "d" + std::to_string(pick(2) == 0 ? 0 : pick(12)) + ".example";
      rows_[{message, i}] = Row{destination, State::queued, now_, 0};
      recipients.push_back({QueueId(message), i, 0, now_, now_ + 24h, destination});
    }
    park(schedule_.add(std::move(recipients), now_));
  }

  /// Some destination dies for a while.
  void strike() { dead_until_["d" + std::to_string(pick(12)) + ".example"] = now_ + std::chrono::minutes(pick(30)); }

  /// The admin drops messages: the store first, then the schedule.
  void drop_some() {
    for (std::uint64_t message = 1; message < 20; ++message) {
      if (!rows_.contains({message, 0})) continue;  // not accepted yet
      for (auto& [key, row] : rows_) {
        if (key.first == message && row.state != State::delivered) row.state = State::failed;
      }
      dropped_.insert(message);
      schedule_.forget(QueueId(message));
    }
  }

  /// The admin pauses d1, d10 and d11, or what has one host, for a while.
  void pause_some() {
    const std::string pattern = pick(2) == 0 ? "d1*.example" : "mx-of-even";
    if (!pauses_.insert(pattern).second) return;
    park(schedule_.pause(pattern, now_));
    at(now_ + std::chrono::minutes(1 + pick(30)), [this, pattern] {
      pauses_.erase(pattern);
      schedule_.resume(pattern, now_);
    });
  }

  bool is_paused(const std::string& destination) const {
    return pauses_.contains("d1*.example") && destination.starts_with("d1");
  }
  static bool has_paused_host(const std::string& destination) {
    return destination == "d2.example" || destination == "d4.example";
  }

  /// The admin's deeds, the expiry sweep: rows are read, claimed a while later, and end or become due at once.
  void act_on_some() {
    std::vector<DueRecipient> rows;
    for (const auto& [key, row] : rows_) {
      const bool waits = row.state == State::queued || row.state == State::deferred;
      if (!waits || pick(5) != 0) continue;
      rows.push_back({QueueId(key.first), key.second, row.attempts, row.next_attempt, start + 24h, row.destination});
    }
    later([this, rows = std::move(rows), look = schedule_.look()]() mutable {
      for (const auto& claimed : schedule_.claim(look, std::move(rows), now_)) {
        const Key key{claimed.message.value(), claimed.index};
        REQUIRE(attempting_.insert(key).second);
        const Row& row = rows_.at(key);
        if (!dropped_.contains(key.first)) {
          REQUIRE((row.state == State::queued || row.state == State::deferred));
          REQUIRE(row.attempts == claimed.attempts);
        }
        DeliveryJob job{claimed.destination, claimed.message, {claimed}};
        DeliveryRecord record;
        record.message = claimed.message;
        record.index = claimed.index;
        record.attempts = claimed.attempts;
        record.state = pick(2) == 0 ? State::deferred : State::failed;
        record.next_attempt = now_;
        later([this, job, record] { end(job, {record}); });
      }
    });
  }

  /// What the schedule had no room for becomes deferred in the store, a while later.
  void park(std::vector<DueRecipient> recipients) {
    if (recipients.empty()) return;
    for (const auto& recipient : recipients) REQUIRE(attempting_.insert({recipient.message.value(), recipient.index}).second);
    later([this, recipients = std::move(recipients)] {
      for (const auto& recipient : recipients) {
        const Key key{recipient.message.value(), recipient.index};
        attempting_.erase(key);
        Row& row = rows_.at(key);
        if (dropped_.contains(key.first)) continue;
        REQUIRE((row.state == State::queued || row.state == State::deferred));
        row.state = State::deferred;
        row.next_attempt = recipient.next_attempt;
      }
      schedule_.parked(recipients, now_);
    });
  }

  void pump() {
    for (int turn = 0;; ++turn) {
      REQUIRE(turn < 10000);
      auto step = schedule_.next(now_);
      if (auto* job = std::get_if<DeliveryJob>(&step)) {
        ++leases_[job->destination];
        check_limits();
        REQUIRE_FALSE(is_paused(job->destination));
        const auto allowed = allowed_.find(job->destination);
        if (allowed != allowed_.end()) REQUIRE(leases_[job->destination] <= allowed->second);
        begin(std::move(*job));
      } else if (const auto* refill = std::get_if<Refill>(&step)) {
        begin(*refill);
      } else {
        const auto until = std::get<Wait>(step).until;
        if (until) REQUIRE(*until > now_);
        if (until && !wakes_.contains(*until)) {
          wakes_.insert(*until);
          at(*until, [this] { wakes_.erase(now_); });
        }
        return;
      }
    }
  }

  void check_limits() {
    std::size_t all = 0;
    for (const auto& [name, count] : leases_) {
      REQUIRE(count <= limits_.connections_per_destination);
      all += count;
    }
    REQUIRE(all <= limits_.connections);
    REQUIRE(all == schedule_.active_connections());
    REQUIRE(schedule_.window_size() <= limits_.window + 10 * dead_until_.size());
  }

  /// Rows are read at some moment and arrive later still: what is recorded in between is not seen.
  void begin(const Refill& refill) {
    REQUIRE(refilling_.insert(refill.destination).second);
    REQUIRE_FALSE(is_paused(refill.destination));
    REQUIRE(refill.limit > 0);
    later([this, refill] {
      later([this, name = refill.destination, page = read(refill)] {
        refilling_.erase(name);
        schedule_.refilled(name, page.first, page.second, std::nullopt, now_);
      });
    });
  }

  std::pair<std::vector<DueRecipient>, bool> read(const Refill& refill) {
    if (pick(30) == 0) return {{}, false};  // reading failed
    std::vector<DueRecipient> rows;
    for (const auto& [key, row] : rows_) {
      if (row.destination != refill.destination || row.state != State::deferred) continue;
      rows.push_back({QueueId(key.first), key.second, row.attempts, row.next_attempt, start + 24h, row.destination});
    }
    std::ranges::sort(rows, {}, &DueRecipient::next_attempt);
    const auto later_row = std::ranges::find_if(rows, [this](const auto& waiting) { return waiting.next_attempt > now_; });
    const bool complete = later_row - rows.begin() < static_cast<std::ptrdiff_t>(refill.limit);
    if (rows.size() > refill.limit) rows.resize(refill.limit + (complete ? 1 : 0));
    return {rows, complete};
  }

  void begin(DeliveryJob job) {
    REQUIRE(!job.recipients.empty());
    REQUIRE(job.recipients.size() <= limits_.recipients_per_transaction);
    for (const auto& recipient : job.recipients) {
      const Key key{recipient.message.value(), recipient.index};
      REQUIRE(recipient.message == job.message);
      REQUIRE(attempting_.insert(key).second);  // never two attempts at once
      REQUIRE(schedule_.is_active(recipient.message, recipient.index));
      const Row& row = rows_.at(key);
      REQUIRE(row.destination == job.destination);
      if (!dropped_.contains(key.first)) {
        REQUIRE((row.state == State::queued || row.state == State::deferred));  // never again what is done
        REQUIRE(row.next_attempt <= now_);
        REQUIRE(row.attempts == recipient.attempts);
      }
    }
    later([this, job = std::move(job)]() mutable { attempt(std::move(job)); });
  }

  void attempt(DeliveryJob job) {
    if (has_paused_host(job.destination) && schedule_.pause_matching("mx-of-even") != nullptr) return give_back(std::move(job));
    const bool dead = dead_until_.at(job.destination) > now_;
    if (dead) {
      park(schedule_.rest(job.destination, now_, delays));
      allowed_[job.destination] = 1;
    } else {
      schedule_.alive(job.destination);
      if (const auto allowed = allowed_.find(job.destination); allowed != allowed_.end()) ++allowed->second;
    }
    std::vector<DeliveryRecord> records;
    const Time next = schedule_.retry_at(job.recipients.front().attempts + 1, now_, delays);
    for (const auto& recipient : job.recipients) {
      DeliveryRecord record;
      record.message = recipient.message;
      record.index = recipient.index;
      record.attempts = recipient.attempts + 1;
      record.state = dead || pick(4) == 0 ? State::deferred : pick(10) == 0 ? State::failed : State::delivered;
      record.next_attempt = next;
      records.push_back(record);
    }
    later([this, job = std::move(job), records = std::move(records)]() mutable { confirm(std::move(job), std::move(records)); });
  }

  /// A host of the destination is paused.
  void give_back(DeliveryJob job) {
    park(schedule_.pause_by_host(job.destination, "mx-of-even", now_));
    std::vector<DeliveryRecord> records;
    for (const auto& recipient : job.recipients) {
      DeliveryRecord record;
      record.message = recipient.message;
      record.index = recipient.index;
      record.attempts = recipient.attempts;
      record.state = State::deferred;
      record.next_attempt = now_;
      records.push_back(record);
    }
    later([this, job = std::move(job), records = std::move(records)]() mutable { confirm(std::move(job), std::move(records)); });
  }

  /// The store has committed the records.
  void end(const DeliveryJob& job, const std::vector<DeliveryRecord>& records) {
    for (const auto& record : records) {
      const Key key{record.message.value(), record.index};
      attempting_.erase(key);
      Row& row = rows_.at(key);
      if (dropped_.contains(key.first)) continue;
      row.state = record.state;
      row.attempts = record.attempts;
      row.next_attempt = record.next_attempt;
    }
    schedule_.finish(job, records, now_);
  }

  void confirm(DeliveryJob job, std::vector<DeliveryRecord> records) {
    end(job, records);
    if (auto more = schedule_.next_for(job.destination, now_)) {
      REQUIRE_FALSE(is_paused(job.destination));
      begin(std::move(*more));
    } else {
      --leases_[job.destination];
      schedule_.release(job.destination);
    }
  }

  std::mt19937_64 random_;
  queue::ScheduleOptions limits_;
  Schedule schedule_;
  Time now_ = start;
  std::multimap<Time, std::move_only_function<void()>> events_;
  std::set<Time> wakes_;
  std::map<Key, Row> rows_;
  std::map<std::string, Time> dead_until_;
  std::map<std::string, std::size_t> leases_;
  std::map<std::string, std::size_t> allowed_;  // since the last rest
  std::set<std::string> pauses_;
  std::set<Key> attempting_;
  std::set<std::string> refilling_;
  std::set<std::uint64_t> dropped_;
  std::size_t steps_ = 0;
};

}  // namespace

TEST_CASE("every recipient ends, none is attempted twice at once, limits hold") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 17));
  INFO("seed " << seed);
  World world(seed);
  world.run();
  world.check_end();
}

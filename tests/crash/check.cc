// Acknowledged = delivered + queued, and the database agrees with itself.
#include "check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "fault_vfs.h"
#include "faulty_disk.h"
#include "queue/content_file.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"
#include "queue/store.h"

namespace crash {
namespace {

using queue::QueueId;
using queue::State;

constexpr std::size_t enough = 10000;

std::string read_all(const queue::Content& content) {
  auto reader = queue::ContentReader::open(content);
  std::string all;
  std::vector<char> buffer(64U << 10U);
  while (reader) {
    const auto got = reader->read(buffer);
    if (!got || *got == 0) break;
    all.append(buffer.data(), *got);
  }
  return all;
}

class Checker {
 public:
  Checker(std::string spool, const Ledger& ledger) : spool_(std::move(spool)), ledger_(ledger) {}

  std::vector<std::string> run() {
    const auto disk = make_faulty_disk();
    if (!open(*disk)) return std::move(wrong_);
    look();
    for (std::uint32_t number = 1; number < all_numbers; ++number) {
      if (ledger_.messages[number].sent) check_message(number);
    }
    for (std::uint32_t number = 1; number < most_messages; ++number) {
      if (!ledger_.messages[number].sent) continue;
      if (has_notice(number)) check_notice(number);
      if (is_of_action(number)) check_action(number);
      check_pause(number);
    }
    check_sums();
    check_newest_id();
    check_files();
    if (ledger_.migrates) check_backup();
    check_goes_on();
    store_.reset();
    reader_.reset();
    check_database();
    return std::move(wrong_);
  }

 private:
  void wrong(std::string words) { wrong_.push_back(std::move(words)); }

  bool open(queue::Disk& disk) {
    queue::StoreOptions options;
    options.spool = spool_;
    options.medium = queue::Medium::any;
    options.vfs = fault_vfs_name;
    options.disk = &disk;
    auto store = queue::open_store(options, [](queue::Completions completions) {
      for (auto& completion : completions) completion();
    });
    if (!store) {
      wrong("the queue does not open: " + store.error().words);
      return false;
    }
    store_ = std::move(*store);
    auto reader = queue::open_reader(spool_, fault_vfs_name);
    if (!reader) {
      wrong("the queue cannot be read: " + reader.error().words);
      return false;
    }
    reader_ = std::move(*reader);
    return true;
  }

  void look() {
    const auto set_aside = reader_->quarantined(enough);
    const auto pauses = reader_->pauses();
    const auto actions = reader_->actions();
    if (!set_aside || !pauses || !actions) return wrong("the small tables cannot be read");
    for (const auto& message : *set_aside) set_aside_.insert(message.id);
    for (const auto& pause : *pauses) pauses_.insert(pause.pattern);
    for (const auto& action : *actions) actions_[action.id] = action;
  }

  bool is_set_aside_now(std::uint32_t number) const { return set_aside_.contains(make_message(number).id); }

  void check_message(std::uint32_t number) {
    const MessageLedger& promised = ledger_.messages[number];
    const Answer accepted = promised.accepted;
    const auto loaded = reader_->load(make_message(number).id);
    if (!loaded && loaded.error().kind != base::Kind::invalid) wrong(fmt::format("message {}: {}", number, loaded.error().words));
    if (!is_possible(promised.set_aside, is_set_aside_now(number))) wrong(fmt::format("message {} is set aside or not", number));
    if (loaded && is_set_aside_now(number)) wrong(fmt::format("message {} was set aside and is there again", number));
    if (!loaded) {
      const bool gone = may_be_gone(number) || is_set_aside_now(number);
      if (accepted == Answer::done && !gone) wrong(fmt::format("message {} was acknowledged and is lost", number));
      return;
    }
    if (accepted == Answer::not_kept) wrong(fmt::format("message {} was answered as not kept and is there", number));
    check_whole(number, *loaded);
    check_recipients(number);
  }

  /// Whether the effect of a call may be there, or be missing.
  static bool is_possible(const CallLedger& call, bool there) {
    if (!call.tried || call.answer == Answer::not_kept) return !there;
    return there || call.answer != Answer::done;
  }

  std::vector<State> stages(std::uint32_t number, std::uint32_t index) const {
    if (!ledger_.migrates) return stages_of(number, index);
    // What had failed in version 1 waits again.
    auto stages = stages_of(number, index);
    std::ranges::replace(stages, State::failed, State::deferred);
    return stages;
  }

  /// Removed, or on the way to it when the process ended.
  bool may_be_gone(std::uint32_t number) const {
    for (std::uint32_t i = 0; i < recipients_of(number); ++i) {
      const auto planned = stages(number, i);
      if (planned.empty() || queue::waits(planned.back())) return false;
      if (ledger_.messages[number].recipients[i].tried < planned.size()) return false;
    }
    return true;
  }

  void check_whole(std::uint32_t number, const queue::Message& message) {
    const queue::Message expected = make_message(number);
    if (message.envelope != expected.envelope || message.prefix != expected.prefix || message.expires != expected.expires) {
      wrong(fmt::format("message {} has another envelope or prefix", number));
    }
    if (read_all(message.content) != content_of(number)) wrong(fmt::format("message {} has lost content", number));
  }

  void check_recipients(std::uint32_t number) {
    const auto rows = reader_->recipients(make_message(number).id);
    if (!rows || rows->size() != recipients_of(number)) return wrong(fmt::format("message {} has lost recipients", number));
    if (std::ranges::none_of(*rows, [](const queue::ListRow& row) { return queue::waits(row.state); })) {
      wrong(fmt::format("message {} stays though nobody waits", number));
    }
    for (const queue::ListRow& row : *rows) {
      const auto stage = stage_of(number, row);
      if (!stage) {
        wrong(fmt::format("recipient {} of message {} is {}", row.index, number, to_string(row.state)));
      } else if (row.state == State::deferred && !ledger_.migrates && row.next_attempt != retry_time(number, *stage - 1)) {
        wrong(fmt::format("recipient {} of message {} waits for another time", row.index, number));
      }
    }
  }

  /// How many stages have happened; none when the row is in a state that it cannot be in. A recorded reply stands; one that was
  /// not recorded may be forgotten; without one nothing has changed.
  std::optional<std::size_t> stage_of(std::uint32_t number, const queue::ListRow& row) const {
    const auto& promised = ledger_.messages[number].recipients.at(row.index);
    const auto planned = stages(number, row.index);
    const std::size_t most = promised.last == Answer::not_kept ? promised.done.load() : promised.tried.load();
    for (std::size_t stage = promised.done; stage <= most; ++stage) {
      if (row.state == (stage == 0 ? State::queued : planned.at(stage - 1))) return stage;
    }
    return std::nullopt;
  }

  /// The notice is there exactly when the outcome that it tells of is.
  void check_notice(std::uint32_t number) {
    if (ledger_.migrates) return;
    const bool there = reader_->load(make_message(notice_of(number)).id).has_value();
    const auto rows = reader_->recipients(make_message(number).id);
    if (!rows) return wrong("recipients cannot be read");
    const bool recorded =
        rows->empty() ? ledger_.messages[number].accepted == Answer::done : rows->front().state != State::queued;
    if (there != recorded) wrong(fmt::format("message {} and the notice about it do not agree", number));
    if (!is_warned(number) || rows->empty()) return;
    const queue::QueueId id = make_message(number).id;
    const auto unwarned = reader_->waiting(QueueId(id.value() - 1), id, enough);
    if (!unwarned || unwarned->empty() != there) wrong(fmt::format("message {} is warned of its delay or not", number));
  }

  /// An action's row has come exactly as far as what it has done.
  void check_action(std::uint32_t number) {
    const bool there = actions_.contains(action_of(number));
    if (!is_possible(ledger_.messages[number].action_begun, there))
      return wrong(fmt::format("action {} is there or not", number));
    if (!there) return;
    const auto rows = reader_->recipients(make_message(number).id);
    if (!rows || rows->size() != 1) return wrong(fmt::format("message {} of an action is lost", number));
    const queue::Action& action = actions_[action_of(number)];
    const auto stage = stage_of(number, rows->front());
    if (!stage || action.touched != *stage || action.finished.has_value() != (*stage == 2)) {
      wrong(fmt::format("action {} has come another way than what it did", number));
    }
  }

  void check_pause(std::uint32_t number) {
    const MessageLedger& promised = ledger_.messages[number];
    const bool there = pauses_.contains(pause_of(number));
    const bool may_be_resumed = promised.resumed.tried && promised.resumed.answer != Answer::not_kept;
    const bool possible = there ? promised.resumed.answer != Answer::done && is_possible(promised.paused, true)
                                : may_be_resumed || is_possible(promised.paused, false);
    if (!possible) wrong(fmt::format("pause {} is there or not", number));
  }

  std::vector<queue::ListRow> rows_in(std::optional<State> state) {
    queue::Filter filter;
    filter.state = state;
    auto rows = reader_->list(filter, QueueId(), 0, enough);
    if (!rows) wrong("the list cannot be read: " + rows.error().words);
    return rows ? std::move(*rows) : std::vector<queue::ListRow>();
  }

  /// The sums that the writer keeps, counted anew.
  void check_sums() {
    const auto rows = rows_in(std::nullopt);
    std::set<QueueId> messages;
    for (const auto& row : rows) messages.insert(row.id);
    const auto counts = reader_->counts();
    if (!counts || counts->messages != messages.size() || counts->recipients != rows.size() ||
        counts->held != rows_in(State::held).size() || counts->quarantined != set_aside_.size()) {
      wrong("the totals are wrong");
    }
    check_destinations();
  }

  void check_newest_id() {
    const auto newest = reader_->newest_id();
    for (std::uint32_t number = 1; number < all_numbers; ++number) {
      const bool used = ledger_.messages[number].accepted == Answer::done;
      if (used && (!newest || *newest < make_message(number).id)) return wrong("an id may be used again");
    }
  }

  void check_destinations() {
    std::map<std::string, queue::DestinationRow> expected;
    for (const auto& row : rows_in(State::deferred)) {
      const std::string name = row.recipient.substr(row.recipient.find('@') + 1);
      queue::DestinationRow& destination =
          expected.try_emplace(name, queue::DestinationRow{name, 0, row.next_attempt}).first->second;
      destination.recipients += 1;
      destination.earliest = std::min(destination.earliest, row.next_attempt);
    }
    const auto found = reader_->destinations();
    if (!found || found->size() != expected.size()) return wrong("a destination is missing or left over");
    for (const auto& row : *found) {
      const auto& wanted = expected[row.name];
      if (row.recipients != wanted.recipients || row.earliest != wanted.earliest) wrong("the sums of " + row.name + " are wrong");
    }
  }

  void check_files() {
    for (const auto& entry : std::filesystem::directory_iterator(queue::content_folder(spool_))) {
      const auto id = QueueId::parse(entry.path().filename().string());
      if (!id || !(set_aside_.contains(*id) || reader_->load(*id)))
        wrong("a content file is left over: " + entry.path().filename().string());
    }
  }

  void check_backup() {
    const std::string path = queue::database_path(spool_);
    if (!std::filesystem::exists(path + ".v1")) wrong("the old database was not kept");
    if (std::filesystem::exists(path + ".new")) wrong("a half of a migration is left over");
  }

  /// The queue takes mail and lets it go.
  void check_goes_on() {
    queue::Message message = make_message(all_numbers + 5);
    const queue::QueueId id = message.id;
    int kept = 0;
    const auto count = [&kept](const base::Result<void>& result) { kept += result ? 1 : 0; };
    store_->accept(std::move(message), count);
    queue::DeliveryRecord record;
    record.message = id;
    record.state = State::delivered;
    queue::Recording recording;
    recording.records = {record};
    store_->record(recording, count);
    reader_.reset();
    store_.reset();
    if (kept != 2) wrong("the queue takes no mail after the restart");
  }

  void check_database() {
    auto database = queue::open_for_reading(spool_, fault_vfs_name);
    if (!database) return wrong("the database cannot be read: " + database.error().words);
    auto integrity = database->prepare("PRAGMA integrity_check");
    if (!integrity || !integrity->step() || integrity->text(0) != "ok") wrong("SQLite finds the database damaged");
    const auto replies = database->query_integer(
        "SELECT count(*) FROM reply WHERE uses <> (SELECT count(*) FROM recipient WHERE reply = reply.id) OR uses = 0");
    if (!replies || replies->value_or(1) != 0) wrong("the uses of replies are wrong");
    const auto bodies = database->query_integer(
        "SELECT count(*) FROM body WHERE id NOT IN (SELECT id FROM message UNION ALL SELECT id FROM quarantine)");
    if (!bodies || bodies->value_or(1) != 0) wrong("a body is left over");
    const auto set_aside = database->query_integer(
        "SELECT count(*) FROM quarantine WHERE id NOT IN (SELECT id FROM quarantine_message) OR "
        "id NOT IN (SELECT message FROM quarantine_recipient) OR id NOT IN (SELECT id FROM body)");
    if (!set_aside || set_aside->value_or(1) != 0) wrong("something of what was set aside is lost");
  }

  const std::string spool_;
  const Ledger& ledger_;
  std::unique_ptr<queue::Store> store_;
  std::unique_ptr<queue::Reader> reader_;
  std::set<QueueId> set_aside_;
  std::set<std::string> pauses_;
  std::map<QueueId, queue::Action> actions_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check(const std::string& spool, const Ledger& ledger) {
  SimulatedDisk::instance().follow(Plan(), nullptr);
  return Checker(spool, ledger).run();
}

}  // namespace crash

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
    for (std::uint32_t number = 1; number < most_messages; ++number) check_message(number);
    check_sums();
    check_newest_id();
    check_files();
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

  void check_message(std::uint32_t number) {
    const MessageLedger& promised = ledger_.messages[number];
    const Answer accepted = promised.accepted;
    const auto loaded = reader_->load(make_message(number).id);
    if (!loaded && loaded.error().kind != base::Kind::invalid) wrong(fmt::format("message {}: {}", number, loaded.error().words));
    if (!loaded) {
      if (accepted == Answer::done && !may_be_gone(number)) wrong(fmt::format("message {} was acknowledged and is lost", number));
      return;
    }
    if (accepted == Answer::not_kept) wrong(fmt::format("message {} was answered as not kept and is there", number));
    if (promised.dropped == Answer::done) wrong(fmt::format("message {} was dropped and is there again", number));
    check_whole(number, *loaded);
    check_recipients(number);
  }

  /// Removed, or on the way to it when the process ended.
  bool may_be_gone(std::uint32_t number) const {
    const MessageLedger& promised = ledger_.messages[number];
    if (is_dropped(number)) return promised.drop_tried;
    for (std::uint32_t i = 0; i < recipients_of(number); ++i) {
      if ((fate_of(number, i) != Fate::delivered && fate_of(number, i) != Fate::failed) || !promised.recipients[i].tried)
        return false;
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
    for (const queue::ListRow& row : *rows) {
      const auto& promised = ledger_.messages[number].recipients.at(row.index);
      if (!is_possible(row, fate_of(number, row.index), promised.tried, promised.recorded)) {
        wrong(fmt::format("recipient {} of message {} is {}", row.index, number, to_string(row.state)));
      }
      if (row.state == State::deferred && row.next_attempt != retry_time(number)) {
        wrong(fmt::format("recipient {} of message {} waits for another time", row.index, number));
      }
    }
  }

  /// A recorded reply stands; one that was not recorded may be forgotten; without one nothing has changed.
  static bool is_possible(const queue::ListRow& row, Fate fate, bool tried, Answer recorded) {
    State after = State::queued;
    if (fate == Fate::delivered) after = State::delivered;
    if (fate == Fate::deferred) after = State::deferred;
    if (fate == Fate::failed) after = State::failed;
    if (recorded == Answer::done) return row.state == after;
    if (!tried || recorded == Answer::not_kept) return row.state == State::queued;
    return row.state == after || row.state == State::queued;
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
    if (!counts || counts->messages != messages.size() || counts->recipients != rows.size()) {
      wrong("the totals are wrong");
    }
    check_destinations();
  }

  void check_newest_id() {
    const auto newest = reader_->newest_id();
    for (std::uint32_t number = 1; number < most_messages; ++number) {
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
      if (!id || !reader_->load(*id)) wrong("a content file is left over: " + entry.path().filename().string());
    }
  }

  /// The queue takes mail and lets it go.
  void check_goes_on() {
    queue::Message message = make_message(most_messages + 5);
    const queue::QueueId id = message.id;
    int kept = 0;
    const auto count = [&kept](const base::Result<void>& result) { kept += result ? 1 : 0; };
    store_->accept(std::move(message), count);
    queue::DeliveryRecord record;
    record.message = id;
    record.state = State::delivered;
    store_->record({record}, count);
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
  }

  const std::string spool_;
  const Ledger& ledger_;
  std::unique_ptr<queue::Store> store_;
  std::unique_ptr<queue::Reader> reader_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check(const std::string& spool, const Ledger& ledger) {
  SimulatedDisk::instance().follow(Plan(), nullptr);
  return Checker(spool, ledger).run();
}

}  // namespace crash

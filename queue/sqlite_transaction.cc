// Accepting, recording and setting aside as changes of rows.
#include "queue/sqlite_transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "queue/content_file.h"
#include "queue/sqlite_records.h"
#include "queue/sqlite_rows.h"
#include "queue/sqlite_schema.h"

namespace queue {
namespace {

using base::Kind;

/// What is kept of a reply's words.
constexpr std::size_t reply_limit = 2048;
constexpr std::int64_t receipts_cut_at_once = 1000;

/// What must be so whatever the tables say.
Result<void> check(const Message& message, const std::string& spool) {
  const std::size_t recipients = message.envelope.recipients.size();
  if (recipients == 0) return base::fail(Kind::invalid, "a message without recipients");
  if (!message.expires_of.empty() && message.expires_of.size() != recipients) {
    return base::fail(Kind::invalid, fmt::format("{} times of expiry for {} recipients", message.expires_of.size(), recipients));
  }
  const Content& content = message.content;
  if (content.is_file() && content.path() != content_path(spool, message.id)) {
    return base::fail(Kind::invalid, fmt::format("{} is not the content file of {}", content.path(), message.id.to_string()));
  }
  return {};
}

}  // namespace

Result<void> SqliteTransaction::accept(const Message& message) {
  auto done = check(message, spool_);
  if (done) done = insert_message(message);
  if (done) done = insert_body(message);
  if (!done) return base::fail(done.error().kind, fmt::format("message {}: {}", message.id.to_string(), done.error().words));
  sums_.message_enters(message.id);
  done = insert_recipients(message);
  if (done) done = insert_receipts(message);
  return done;
}

Result<void> SqliteTransaction::insert_message(const Message& message) {
  const mail::ReversePath& sender = message.envelope.reverse_path;
  std::optional<std::string_view> local_part;
  std::optional<std::string_view> domain;
  if (!sender.is_null()) {
    local_part = sender.mailbox().local_part();
    domain = sender.mailbox().domain();
  }
  return tables_.insert_message
      .bind(message.id.value(), milliseconds(message.received), message.size(), static_cast<int>(message.origin),
            message.content.is_file() ? 1 : 0, local_part, domain, message.message_id)
      .run();
}

Result<void> SqliteTransaction::insert_body(const Message& message) {
  const Content& content = message.content;
  std::optional<Blob> octets;
  if (!content.is_file()) octets = Blob{content.octets()};
  const mail::Client& client = message.client;
  const mail::Envelope& envelope = message.envelope;
  return tables_.insert_body
      .bind(message.id.value(), milliseconds(message.expires), type_of(envelope), envelope.declared_size, client.extended ? 1 : 0,
            client.helo, client.address, client.tls, static_cast<int>(envelope.ret), envelope.envid, content.size(), message.crc,
            Blob{message.prefix}, octets)
      .run();
}

Result<void> SqliteTransaction::insert_recipients(const Message& message) {
  RecipientRow row;
  if (!message.held_for.empty()) {
    const auto reply = reply_number({}, message.held_for);
    if (!reply) return std::unexpected(reply.error());
    row.state = State::held;
    row.reply = *reply;
  }
  for (const mail::Recipient& recipient : message.envelope.recipients) {
    const Time expires = message.expires_of.empty() ? message.expires : message.expires_of[row.number];
    auto inserted = tables_.insert_recipient
                        .bind(message.id.value(), row.number, static_cast<int>(row.state), milliseconds(message.received),
                              milliseconds(expires), row.reply, int{recipient.notify.bits()}, recipient.mailbox.local_part(),
                              recipient.mailbox.domain(), recipient.orcpt)
                        .run();
    if (!inserted) return inserted;
    sums_.enter(row);
    ++row.number;
  }
  return {};
}

// The table grows at its end and is cut at its beginning: two pages are written, whatever it holds.
Result<void> SqliteTransaction::insert_receipts(const Message& message) {
  for (const Fingerprint& fingerprint : message.fingerprints) {
    auto inserted =
        tables_.insert_receipt.bind(fingerprint.high, fingerprint.low, message.id.value(), milliseconds(message.received)).run();
    if (!inserted) return inserted;
    const std::int64_t number = tables_.database.last_insert_id();
    if (number % receipts_cut_at_once != 0) continue;
    if (auto cut = tables_.delete_old_receipts.bind(number - most_receipts).run(); !cut) return cut;
    if (auto cut = tables_.delete_useless_receipts.bind(milliseconds(message.receipts_since)).run(); !cut) return cut;
  }
  return {};
}

Result<void> SqliteTransaction::record(std::span<const DeliveryRecord> records) {
  while (!records.empty()) {
    const QueueId id = records.front().message;
    const auto end = std::ranges::find_if(records, [id](const DeliveryRecord& other) { return other.message != id; });
    const auto count = static_cast<std::size_t>(end - records.begin());
    if (auto recorded = record_message(id, records.first(count)); !recorded) return recorded;
    records = records.subspan(count);
  }
  return {};
}

// A message that is gone (set aside while it was under way) needs no record. Rows of a message leave only all together.
Result<void> SqliteTransaction::record_message(QueueId id, std::span<const DeliveryRecord> records) {
  const auto rows = recipients_of(id);
  if (!rows) return std::unexpected(rows.error());
  if (rows->empty()) return {};
  std::vector<const DeliveryRecord*> record_of(rows->size());
  for (const DeliveryRecord& record : records) {
    if (record.state == State::queued) return base::fail(Kind::invalid, "a record makes nobody queued again");
    const auto row = std::ranges::lower_bound(*rows, record.index, {}, &RecipientRow::number);
    if (row == rows->end() || row->number != record.index || !waits(row->state)) continue;
    record_of[static_cast<std::size_t>(row - rows->begin())] = &record;
  }
  bool anybody_waits = false;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    anybody_waits = anybody_waits || waits(record_of[i] != nullptr ? record_of[i]->state : (*rows)[i].state);
  }
  if (!anybody_waits) return remove(id, *rows);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (record_of[i] == nullptr) continue;
    if (auto recorded = record_recipient(id, (*rows)[i], *record_of[i]); !recorded) return recorded;
  }
  return {};
}

Result<void> SqliteTransaction::record_recipient(QueueId id, const RecipientRow& row, const DeliveryRecord& record) {
  RecipientRow now = row;
  now.state = record.state;
  now.attempts = record.attempts;
  if (now.state == State::deferred) now.next_attempt = milliseconds(record.next_attempt);
  const bool says_nothing = record.mx.empty() && record.reply.empty();
  if (record.attempted == Attempted::yes || !says_nothing) {
    const auto reply = reply_number(record.mx, record.reply);
    if (!reply) return std::unexpected(reply.error());
    now.reply = *reply;
  }
  if (record.expires) {
    auto changed = tables_.set_expires.bind(milliseconds(*record.expires), id.value(), row.number).run();
    if (!changed) return changed;
  }
  return replace(id, row, now);
}

Result<void> SqliteTransaction::warn(std::span<const RecipientKey> recipients) {
  for (const RecipientKey& recipient : recipients) {
    if (auto warned = tables_.set_warned.bind(recipient.message.value(), recipient.index).run(); !warned) return warned;
  }
  return {};
}

Result<std::vector<RecipientRow>> SqliteTransaction::recipients_of(QueueId id) {
  std::vector<RecipientRow> rows;
  Statement& read = tables_.recipients_of_message.bind(id.value());
  const ResetAtEnd reset(read);
  for (;;) {
    const auto got = read.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) return rows;
    RecipientRow row;
    row.number = static_cast<std::uint32_t>(read.integer(0));
    row.state = static_cast<State>(read.integer(1));
    row.attempts = static_cast<std::uint32_t>(read.integer(2));
    row.next_attempt = read.integer(3);
    row.reply = read.integer(4);
    row.destination = read.text(5);
    rows.push_back(std::move(row));
  }
}

Result<void> SqliteTransaction::replace(QueueId id, const RecipientRow& old, const RecipientRow& now) {
  sums_.leave(old);
  sums_.enter(now);
  if (now.state == old.state) {
    return tables_.set_next_attempt.bind(now.attempts, now.next_attempt, now.reply, id.value(), now.number).run();
  }
  return tables_.set_state.bind(now.attempts, now.next_attempt, now.reply, static_cast<int>(now.state), id.value(), now.number)
      .run();
}

Result<void> SqliteTransaction::remove(QueueId id, const std::vector<RecipientRow>& rows) {
  Statement& read = tables_.message_is_file.bind(id.value());
  const auto got = read.step();
  if (!got) return std::unexpected(got.error());
  if (*got && read.integer(0) != 0) removed_files_.push_back(id);
  read.reset();
  if (auto removed = tables_.delete_message.bind(id.value()).run(); !removed) return removed;
  if (auto removed = tables_.delete_body.bind(id.value()).run(); !removed) return removed;
  sums_.message_leaves();
  return remove_recipients(id, rows);
}

Result<void> SqliteTransaction::remove_recipients(QueueId id, const std::vector<RecipientRow>& rows) {
  for (const RecipientRow& row : rows) {
    sums_.leave(row);
    if (auto removed = tables_.delete_recipient.bind(id.value(), row.number).run(); !removed) return removed;
  }
  return {};
}

// The body stays in its table: the damage may be there.
Result<void> SqliteTransaction::quarantine(QueueId id, std::string_view reason, Time now) {
  const auto rows = recipients_of(id);
  if (!rows) return std::unexpected(rows.error());
  auto moved = tables_.set_message_aside.bind(id.value()).run();
  if (!moved) return moved;
  if (rows->empty() && tables_.database.changes() == 0) return {};
  moved = tables_.set_recipients_aside.bind(id.value()).run();
  if (moved) moved = tables_.set_aside.bind(id.value(), milliseconds(now), reason).run();
  if (moved) moved = tables_.delete_message.bind(id.value()).run();
  if (moved) moved = remove_recipients(id, *rows);
  sums_.message_is_set_aside();
  return moved;
}

// Receivers say the same to very many messages. The hash only narrows the search.
Result<std::int64_t> SqliteTransaction::reply_number(std::string_view mx, std::string_view words) {
  if (mx.empty() && words.empty()) return 0;
  words = words.substr(0, reply_limit);
  const std::uint32_t hash = crc32(crc32(0, mx), words);
  Statement& find = tables_.find_reply.bind(hash, mx, words);
  const ResetAtEnd reset_find(find);
  const auto found = find.step();
  if (!found) return std::unexpected(found.error());
  if (*found) return find.integer(0);
  if (auto inserted = tables_.insert_reply.bind(hash, mx, words).run(); !inserted) return std::unexpected(inserted.error());
  return tables_.database.last_insert_id();
}

}  // namespace queue

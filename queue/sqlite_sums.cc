// Keeping and writing the sums.
#include "queue/sqlite_sums.h"

#include <algorithm>

namespace queue {
namespace {

/// A damaged row that was counted otherwise must not wrap a total.
void decrease(std::uint64_t& total) {
  if (total > 0) --total;
}

// The index knows the earliest one, whatever the group did.
Result<void> write_destination(WriterTables& tables, const std::string& name, std::int64_t change) {
  Statement& earliest = tables.earliest_of_destination.bind(name);
  const ResetAtEnd reset(earliest);
  const auto found = earliest.step();
  if (!found) return std::unexpected(found.error());
  if (!*found) return tables.delete_destination.bind(name).run();
  return tables.set_destination.bind(name, change, earliest.integer(0)).run();
}

Result<void> write_reply(WriterTables& tables, std::int64_t number, std::int64_t change) {
  if (change != 0) {
    if (auto used = tables.use_reply.bind(change, number).run(); !used) return used;
  }
  if (change > 0) return {};
  return tables.delete_unused_reply.bind(number).run();
}

}  // namespace

void Sums::message_enters(QueueId id) {
  totals_.counts.messages += 1;
  totals_.newest_id = std::max(totals_.newest_id, id.value());
}

void Sums::message_leaves() { decrease(totals_.counts.messages); }

void Sums::message_is_set_aside() {
  decrease(totals_.counts.messages);
  totals_.counts.quarantined += 1;
}

void Sums::enter(const RecipientRow& row) {
  if (waits(row.state)) totals_.counts.recipients += 1;
  if (row.state == State::held) totals_.counts.held += 1;
  if (row.state == State::deferred) destinations_[row.destination] += 1;
  if (row.reply != 0) replies_[row.reply] += 1;
}

void Sums::leave(const RecipientRow& row) {
  if (waits(row.state)) decrease(totals_.counts.recipients);
  if (row.state == State::held) decrease(totals_.counts.held);
  if (row.state == State::deferred) destinations_[row.destination] -= 1;
  if (row.reply != 0) replies_[row.reply] -= 1;
}

Result<void> Sums::write(WriterTables& tables) {
  for (const auto& [name, change] : destinations_) {
    if (auto written = write_destination(tables, name, change); !written) return written;
  }
  for (const auto& [number, change] : replies_) {
    if (auto written = write_reply(tables, number, change); !written) return written;
  }
  const Counts& counts = totals_.counts;
  return tables.set_totals.bind(counts.messages, counts.recipients, counts.held, counts.quarantined, totals_.newest_id).run();
}

}  // namespace queue

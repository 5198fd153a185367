// The changes of messages and recipients in one running transaction. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queue/sqlite_statements.h"
#include "queue/sqlite_sums.h"
#include "queue/store.h"

namespace queue {

/// Lives from BEGIN to COMMIT or ROLLBACK; refers to the tables.
class SqliteTransaction {
 public:
  SqliteTransaction(WriterTables& tables, const std::string& spool, const Totals& committed)
      : tables_(tables), spool_(spool), sums_(committed) {}

  Result<void> accept(const Message& message);
  Result<void> record(std::span<const DeliveryRecord> records);
  Result<void> warn(std::span<const RecipientKey> recipients);
  Result<void> quarantine(QueueId id, std::string_view reason, Time now);

  /// Before the commit.
  Result<void> write_sums() { return sums_.write(tables_); }
  const Totals& totals() const { return sums_.totals(); }
  /// Messages whose content files go after the commit.
  const std::vector<QueueId>& removed_files() const { return removed_files_; }

 private:
  Result<void> insert_message(const Message& message);
  Result<void> insert_body(const Message& message);
  Result<void> insert_recipients(const Message& message);
  Result<void> insert_receipts(const Message& message);
  Result<void> record_message(QueueId id, std::span<const DeliveryRecord> records);
  Result<void> record_recipient(QueueId id, const RecipientRow& row, const DeliveryRecord& record);
  Result<std::vector<RecipientRow>> recipients_of(QueueId id);
  Result<void> replace(QueueId id, const RecipientRow& old, const RecipientRow& now);
  Result<void> remove(QueueId id, const std::vector<RecipientRow>& rows);
  Result<void> remove_recipients(QueueId id, const std::vector<RecipientRow>& rows);
  Result<std::int64_t> reply_number(std::string_view mx, std::string_view words);

  WriterTables& tables_;
  const std::string& spool_;
  Sums sums_;
  std::vector<QueueId> removed_files_;
};

}  // namespace queue

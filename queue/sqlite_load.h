// Reading one whole message, checked for sense. Internal to the queue folder.
#pragma once

#include <string>

#include "queue/message.h"
#include "queue/sqlite_database.h"

namespace queue {

/// One thread at a time; the database must outlive it.
class SqliteLoad {
 public:
  SqliteLoad(Database& database, std::string spool) : database_(database), spool_(std::move(spool)) {}
  SqliteLoad(const SqliteLoad&) = delete;
  SqliteLoad& operator=(const SqliteLoad&) = delete;
  Result<void> prepare();

  /// As Reader has it.
  Result<Message> load(QueueId id);

 private:
  Result<Message> read(QueueId id);
  Result<Message> read_message(QueueId id);
  Result<void> read_recipients(Message& message);
  /// Nothing of a message is there: Kind::invalid. Some of it is: Kind::damaged.
  Result<Message> missing(QueueId id);
  /// The content file is there with the right size.
  Result<void> check_file(const Message& message);

  Database& database_;
  const std::string spool_;
  Statement begin_;
  Statement end_;
  Statement message_;
  Statement recipients_;
  Statement anything_;
};

}  // namespace queue

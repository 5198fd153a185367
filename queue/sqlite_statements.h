// Every statement that the writer keeps prepared. Internal to the queue folder.
#pragma once

#include <memory>
#include <utility>

#include "queue/sqlite_database.h"

namespace queue {

/// The writing connection with its statements. Not movable: the statements belong to the connection.
struct WriterTables {
  explicit WriterTables(Database opened) : database(std::move(opened)) {}
  WriterTables(const WriterTables&) = delete;
  WriterTables& operator=(const WriterTables&) = delete;
  ~WriterTables() = default;

  /// Takes over an open connection and prepares everything.
  static Result<std::unique_ptr<WriterTables>> prepare(Database database);

  Database database;
  Statement begin;
  Statement commit;
  Statement roll_back;
  Statement insert_message;
  Statement message_is_file;
  Statement delete_message;
  Statement insert_recipient;
  Statement recipients_of_message;
  Statement set_state;
  Statement set_next_attempt;
  Statement delete_recipient;
  Statement find_reply;
  Statement insert_reply;
  Statement use_reply;
  Statement delete_unused_reply;
  Statement earliest_of_destination;
  Statement set_destination;
  Statement delete_destination;
  Statement read_totals;
  Statement set_totals;
};

}  // namespace queue

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
  Statement insert_body;
  Statement message_is_file;
  Statement file_is_wanted;
  Statement delete_message;
  Statement delete_body;
  Statement insert_recipient;
  Statement insert_receipt;
  Statement delete_old_receipts;
  Statement delete_useless_receipts;
  Statement recipients_of_message;
  Statement set_state;
  Statement set_next_attempt;
  Statement set_expires;
  Statement set_warned;
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
  Statement set_aside;
  Statement set_message_aside;
  Statement set_recipients_aside;
  Statement insert_pause;
  Statement warn_pause;
  Statement delete_pause;
  Statement count_pauses;
  Statement remember;
  Statement forget;
  Statement count_remembered;
  Statement insert_action;
  Statement step_action;
  Statement count_unfinished_actions;
  Statement delete_finished_actions;
  Statement free_pages;
  Statement all_pages;
  Statement page_octets;
  Statement give_back;
  Statement touch;
};

}  // namespace queue

// The SQL of the writer.
#include "queue/sqlite_statements.h"

#include <array>

namespace queue {
namespace {

struct Text {
  Statement WriterTables::* statement;
  const char* sql;
};

// set_next_attempt is set_state without the state: SQLite then leaves the indexes alone that only the state could change.
constexpr std::array texts = {
    Text{&WriterTables::begin, "BEGIN IMMEDIATE"},
    Text{&WriterTables::commit, "COMMIT"},
    Text{&WriterTables::roll_back, "ROLLBACK"},
    Text{&WriterTables::insert_message, "INSERT INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
    Text{&WriterTables::message_is_file, "SELECT in_file FROM message WHERE id=?"},
    Text{&WriterTables::delete_message, "DELETE FROM message WHERE id=?"},
    Text{&WriterTables::insert_recipient, "INSERT INTO recipient VALUES(?,?,0,0,?,?,0,?,?)"},
    Text{&WriterTables::recipients_of_message,
         "SELECT number, state, attempts, next_attempt, reply, destination FROM recipient WHERE message=? ORDER BY number"},
    Text{&WriterTables::set_state,
         "UPDATE recipient SET attempts=?, next_attempt=?, reply=?, state=? WHERE message=? AND number=?"},
    Text{&WriterTables::set_next_attempt,
         "UPDATE recipient SET attempts=?, next_attempt=?, reply=? WHERE message=? AND number=?"},
    Text{&WriterTables::delete_recipient, "DELETE FROM recipient WHERE message=? AND number=?"},
    Text{&WriterTables::find_reply, "SELECT id FROM reply WHERE hash=? AND mx=? AND words=?"},
    Text{&WriterTables::insert_reply, "INSERT INTO reply(hash, uses, mx, words) VALUES(?,0,?,?)"},
    Text{&WriterTables::use_reply, "UPDATE reply SET uses=uses+? WHERE id=?"},
    Text{&WriterTables::delete_unused_reply, "DELETE FROM reply WHERE id=? AND uses<=0"},
    Text{&WriterTables::earliest_of_destination,
         "SELECT next_attempt FROM recipient WHERE state=1 AND destination=? ORDER BY next_attempt LIMIT 1"},
    Text{&WriterTables::set_destination,
         "INSERT INTO destination VALUES(?1,?2,?3) ON CONFLICT(name) DO UPDATE SET recipients=recipients+?2, earliest=?3"},
    Text{&WriterTables::delete_destination, "DELETE FROM destination WHERE name=?"},
    Text{&WriterTables::read_totals, "SELECT messages, recipients, failed, newest_id FROM totals"},
    Text{&WriterTables::set_totals, "UPDATE totals SET messages=?, recipients=?, failed=?, newest_id=?"},
};

}  // namespace

Result<std::unique_ptr<WriterTables>> WriterTables::prepare(Database database) {
  auto tables = std::make_unique<WriterTables>(std::move(database));
  for (const Text& text : texts) {
    auto statement = tables->database.prepare(text.sql);
    if (!statement) return std::unexpected(statement.error());
    (*tables).*text.statement = std::move(*statement);
  }
  return tables;
}

}  // namespace queue

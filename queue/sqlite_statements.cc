// The SQL of the writer.
#include "queue/sqlite_statements.h"

#include <array>

namespace queue {
namespace {

struct Text {
  Statement WriterTables::* statement;
  const char* sql;
};

// set_next_attempt is set_state without the state: SQLite then leaves the indexes alone that only the state could change. For the
// same reason the time of expiry has a statement of its own.
constexpr std::array texts = {
    Text{&WriterTables::begin, "BEGIN IMMEDIATE"},
    Text{&WriterTables::commit, "COMMIT"},
    Text{&WriterTables::roll_back, "ROLLBACK"},
    Text{&WriterTables::insert_message, "INSERT INTO message VALUES(?,?,?,?,?,?,?,?)"},
    Text{&WriterTables::insert_body, "INSERT INTO body VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
    Text{&WriterTables::message_is_file, "SELECT in_file FROM message WHERE id=?"},
    Text{&WriterTables::file_is_wanted,
         "SELECT EXISTS(SELECT 1 FROM message WHERE id=?1) OR EXISTS(SELECT 1 FROM recipient WHERE message=?1) OR "
         "EXISTS(SELECT 1 FROM quarantine WHERE id=?1)"},
    Text{&WriterTables::delete_message, "DELETE FROM message WHERE id=?"},
    Text{&WriterTables::delete_body, "DELETE FROM body WHERE id=?"},
    Text{&WriterTables::insert_recipient, "INSERT INTO recipient VALUES(?,?,?,0,?,?,?,0,?,?,?,?)"},
    Text{&WriterTables::insert_receipt, "INSERT INTO receipt(high, low, message, received) VALUES(?,?,?,?)"},
    Text{&WriterTables::delete_old_receipts, "DELETE FROM receipt WHERE number<=?"},
    // The oldest come first; more than are added between two calls.
    Text{&WriterTables::delete_useless_receipts,
         "DELETE FROM receipt WHERE number IN (SELECT number FROM receipt ORDER BY number LIMIT 2000) AND received<?"},
    Text{&WriterTables::recipients_of_message,
         "SELECT number, state, attempts, next_attempt, reply, destination FROM recipient WHERE message=? ORDER BY number"},
    Text{&WriterTables::set_state,
         "UPDATE recipient SET attempts=?, next_attempt=?, reply=?, state=? WHERE message=? AND number=?"},
    Text{&WriterTables::set_next_attempt,
         "UPDATE recipient SET attempts=?, next_attempt=?, reply=? WHERE message=? AND number=?"},
    Text{&WriterTables::set_expires, "UPDATE recipient SET expires=? WHERE message=? AND number=?"},
    Text{&WriterTables::set_warned, "UPDATE recipient SET warned=1 WHERE message=? AND number=?"},
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
    Text{&WriterTables::read_totals, "SELECT messages, recipients, held, quarantined, newest_id FROM totals"},
    Text{&WriterTables::set_totals, "UPDATE totals SET messages=?, recipients=?, held=?, quarantined=?, newest_id=?"},
    Text{&WriterTables::set_aside, "INSERT OR IGNORE INTO quarantine VALUES(?,?,?)"},
    Text{&WriterTables::set_message_aside, "INSERT INTO quarantine_message SELECT * FROM message WHERE id=?"},
    Text{&WriterTables::set_recipients_aside,
         "INSERT INTO quarantine_recipient SELECT r.message, r.number, r.state, r.attempts, r.next_attempt, r.expires, r.warned, "
         "r.notify, r.local_part, r.destination, r.orcpt, reply.mx, reply.words "
         "FROM recipient r LEFT JOIN reply ON reply.id = r.reply WHERE r.message=?"},
    Text{&WriterTables::insert_pause, "INSERT OR IGNORE INTO pause VALUES(?,?,?)"},
    Text{&WriterTables::warn_pause, "UPDATE pause SET warned=? WHERE pattern=?"},
    Text{&WriterTables::delete_pause, "DELETE FROM pause WHERE pattern=?"},
    Text{&WriterTables::count_pauses, "SELECT count(*) FROM pause"},
    Text{&WriterTables::remember, "INSERT OR REPLACE INTO remembered VALUES(?,?,?)"},
    Text{&WriterTables::forget, "DELETE FROM remembered WHERE kind=? AND name=?"},
    Text{&WriterTables::count_remembered, "SELECT count(*) FROM remembered WHERE kind=?"},
    Text{&WriterTables::insert_action, "INSERT INTO action VALUES(?,?,?,?,?,?,?,?,?,?)"},
    Text{&WriterTables::step_action,
         "UPDATE action SET done_message=?, done_number=?, touched=touched+?, skipped=skipped+?, finished=? WHERE id=?"},
    Text{&WriterTables::count_unfinished_actions, "SELECT count(*) FROM action WHERE finished IS NULL"},
    Text{&WriterTables::delete_finished_actions, "DELETE FROM action WHERE finished<?"},
    Text{&WriterTables::free_pages, "PRAGMA freelist_count"},
    Text{&WriterTables::all_pages, "PRAGMA page_count"},
    Text{&WriterTables::page_octets, "PRAGMA page_size"},
    Text{&WriterTables::give_back, "PRAGMA incremental_vacuum(256)"},
    // Writes a page without a change. (An UPDATE to the same value writes nothing.)
    Text{&WriterTables::touch, "PRAGMA application_id=0"},
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

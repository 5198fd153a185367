// The rows of a message, its recipients and its content.
#include "queue/sqlite_load.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "queue/content_file.h"
#include "queue/sqlite_rows.h"
#include "queue/sqlite_snapshot.h"

namespace queue {
namespace {

using base::Kind;

constexpr int column_of_body = 7;  ///< its id

MessageValues values_of(const Statement& row) {
  MessageValues values;
  values.received = row.integer(0);
  values.size = row.integer(1);
  values.origin = row.integer(2);
  values.in_file = row.integer(3);
  values.sender_local_part = row.text_or_null(4);
  values.sender_domain = row.text_or_null(5);
  values.message_id = row.text(6);
  values.expires = row.integer(8);
  values.type = row.integer(9);
  if (!row.is_null(10)) values.declared_size = row.integer(10);
  values.extended = row.integer(11);
  values.helo = row.text(12);
  values.client = row.text(13);
  values.tls = row.text(14);
  values.ret = row.integer(15);
  values.envid = row.text(16);
  values.content_size = row.integer(17);
  values.crc = row.integer(18);
  values.prefix = row.text(19);
  values.content = row.text_or_null(20);
  return values;
}

RecipientValues recipient_values_of(const Statement& row) {
  RecipientValues values;
  values.number = row.integer(0);
  values.state = row.integer(1);
  values.attempts = row.integer(2);
  values.next_attempt = row.integer(3);
  values.expires = row.integer(4);
  values.reply = row.integer(5);
  values.warned = row.integer(6);
  values.notify = row.integer(7);
  values.local_part = row.text(8);
  values.destination = row.text(9);
  values.orcpt = row.text(10);
  return values;
}

}  // namespace

Result<void> SqliteLoad::prepare() {
  const std::pair<Statement*, std::string_view> texts[] = {
      {&begin_, "BEGIN"},
      {&end_, "COMMIT"},
      {&message_,
       "SELECT m.received, m.size, m.origin, m.in_file, m.sender_local_part, m.sender_domain, m.message_id, b.id, b.expires, "
       "b.type, b.declared_size, b.extended, b.helo, b.client, b.tls, b.ret, b.envid, b.content_size, b.crc, b.prefix, b.content "
       "FROM message m LEFT JOIN body b ON b.id = m.id WHERE m.id=?"},
      {&recipients_,
       "SELECT number, state, attempts, next_attempt, expires, reply, warned, notify, local_part, destination, orcpt "
       "FROM recipient WHERE message=? ORDER BY number"},
      {&anything_, "SELECT EXISTS(SELECT 1 FROM recipient WHERE message=?1)"},
  };
  for (const auto& [statement, sql] : texts) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return std::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

// A file that is gone is no damage when its message went meanwhile: rows leave before their file.
Result<Message> SqliteLoad::load(QueueId id) {
  auto message = read(id);
  if (!message || !message->content.is_file()) return message;
  auto checked = check_file(*message);
  if (checked) return message;
  if (auto again = read(id); !again) return again;
  return std::unexpected(checked.error());
}

Result<Message> SqliteLoad::read(QueueId id) {
  const Snapshot snapshot(begin_, end_);
  if (!snapshot.begun()) return std::unexpected(snapshot.begun().error());
  auto message = read_message(id);
  if (!message) return message;
  if (auto read = read_recipients(*message); !read) return std::unexpected(read.error());
  return message;
}

Result<Message> SqliteLoad::read_message(QueueId id) {
  Statement& row = message_.bind(id.value());
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  if (!*got) return missing(id);
  if (row.is_null(column_of_body)) return damaged(id, "its body is missing");
  auto message = message_of(id, values_of(row), spool_);
  if (!message || message->content.is_file()) return message;
  if (crc32(crc32(0, message->prefix), message->content.octets()) != message->crc) return damaged(id, "its CRC is wrong");
  return message;
}

Result<Message> SqliteLoad::missing(QueueId id) {
  Statement& row = anything_.bind(id.value());
  const ResetAtEnd reset(row);
  const auto got = row.step();
  if (!got) return std::unexpected(got.error());
  if (*got && row.integer(0) != 0) return damaged(id, "it has recipients only");
  return base::fail(Kind::invalid, fmt::format("no message {} in the queue", id.to_string()));
}

Result<void> SqliteLoad::read_recipients(Message& message) {
  Statement& row = recipients_.bind(message.id.value());
  const ResetAtEnd reset(row);
  for (std::int64_t number = 0;; ++number) {
    const auto got = row.step();
    if (!got) return std::unexpected(got.error());
    if (!*got) break;
    auto recipient = recipient_of(message.id, number, recipient_values_of(row));
    if (!recipient) return std::unexpected(recipient.error());
    message.envelope.recipients.push_back(std::move(*recipient));
  }
  if (message.envelope.recipients.empty()) return damaged(message.id, "it has no recipients");
  return {};
}

// Only what is certainly damage is called so: a file that cannot be looked at now may be there all the same.
Result<void> SqliteLoad::check_file(const Message& message) {
  struct stat status{};
  const std::string& path = message.content.path();
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return damaged(message.id, fmt::format("its content file {} is missing", path));
    return std::unexpected(base::system_error(Kind::temporary, fmt::format("cannot look at {}", path), errno));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (S_ISREG(status.st_mode) && size == message.content.size()) return {};
  return damaged(message.id, fmt::format("its content file {} has {} octets, not {}", path, size, message.content.size()));
}

}  // namespace queue

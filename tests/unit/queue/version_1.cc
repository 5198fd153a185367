// Writing the tables of version 1.
#include "version_1.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "queue/content_file.h"
#include "queue/sqlite_database.h"
#include "queue/sqlite_schema.h"

namespace version_1 {
namespace {

using queue::Blob;
using queue::Database;
using queue::State;

constexpr const char* tables = R"sql(
PRAGMA journal_mode=WAL;
CREATE TABLE message(
  id INTEGER PRIMARY KEY,
  received INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  sender_local_part TEXT,
  sender_domain TEXT,
  body INTEGER NOT NULL,
  declared_size INTEGER,
  extended INTEGER NOT NULL,
  helo TEXT NOT NULL,
  client TEXT NOT NULL,
  tls TEXT NOT NULL,
  message_id TEXT NOT NULL,
  in_file INTEGER NOT NULL,
  size INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  prefix BLOB NOT NULL,
  content BLOB
) STRICT;
CREATE TABLE recipient(
  message INTEGER NOT NULL,
  number INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  reply INTEGER NOT NULL,
  local_part TEXT NOT NULL,
  destination TEXT NOT NULL,
  PRIMARY KEY(message, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_queued ON recipient(message, number, expires) WHERE state = 0;
CREATE INDEX recipient_due ON recipient(destination, next_attempt) WHERE state = 1;
CREATE INDEX recipient_expiry ON recipient(expires) WHERE state = 1;
CREATE TABLE reply(
  id INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  mx TEXT NOT NULL,
  words TEXT NOT NULL
) STRICT;
CREATE INDEX reply_hash ON reply(hash);
CREATE TABLE destination(
  name TEXT PRIMARY KEY,
  recipients INTEGER NOT NULL,
  earliest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE totals(
  messages INTEGER NOT NULL,
  recipients INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  newest_id INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES(0, 0, 0, 0);
PRAGMA user_version=1;
)sql";

struct Destination {
  std::int64_t recipients = 0;
  std::int64_t earliest = 0;
};

class Writer {
 public:
  explicit Writer(Database& database) : database_(database) {}

  bool add(const Message& added) {
    std::uint32_t number = 0;
    for (const Recipient& recipient : added.recipients) {
      if (!add_recipient(added.message, number, recipient)) return false;
      ++number;
    }
    newest_ = std::max(newest_, added.message.id.value());
    ++messages_;
    return add_message(added.message);
  }

  bool finish() {
    for (const auto& [words, reply] : replies_) {
      const auto hash = queue::crc32(queue::crc32(0, "mx.example.com"), words);
      if (!run("INSERT INTO reply VALUES(?,?,?,'mx.example.com',?)", reply.first, hash, reply.second, words)) return false;
    }
    for (const auto& [name, destination] : destinations_) {
      if (!run("INSERT INTO destination VALUES(?,?,?)", name, destination.recipients, destination.earliest)) return false;
    }
    return run("UPDATE totals SET messages=?, recipients=?, failed=?, newest_id=?", messages_, recipients_, failed_, newest_);
  }

 private:
  template <class... Values>
  bool run(std::string_view sql, const Values&... values) {
    auto statement = database_.prepare(sql);
    return statement && statement->bind(values...).run();
  }

  bool add_message(const queue::Message& message) {
    std::optional<std::string_view> local_part;
    std::optional<std::string_view> domain;
    const mail::ReversePath& sender = message.envelope.reverse_path;
    if (!sender.is_null()) {
      local_part = sender.mailbox().local_part();
      domain = sender.mailbox().domain();
    }
    std::optional<Blob> content;
    if (!message.content.is_file()) content = Blob{message.content.octets()};
    return run("INSERT INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", message.id.value(),
               queue::milliseconds(message.received), queue::milliseconds(message.expires), local_part, domain,
               static_cast<int>(message.envelope.body), message.envelope.declared_size, message.client.extended ? 1 : 0,
               message.client.helo, message.client.address, message.client.tls, message.message_id,
               message.content.is_file() ? 1 : 0, message.content.size(), message.crc, Blob{message.prefix}, content);
  }

  bool add_recipient(const queue::Message& message, std::uint32_t number, const Recipient& recipient) {
    const mail::Mailbox& mailbox = message.envelope.recipients.at(number).mailbox;
    const std::int64_t next = queue::milliseconds(recipient.next_attempt);
    if (recipient.state == State::failed) ++failed_;
    if (recipient.state <= State::deferred) ++recipients_;
    if (recipient.state == State::deferred) {
      Destination& destination = destinations_.try_emplace(mailbox.domain(), Destination{0, next}).first->second;
      ++destination.recipients;
      destination.earliest = std::min(destination.earliest, next);
    }
    return run("INSERT INTO recipient VALUES(?,?,?,?,?,?,?,?,?)", message.id.value(), number, static_cast<int>(recipient.state),
               recipient.attempts, next, queue::milliseconds(message.expires), number_of(recipient.reply), mailbox.local_part(),
               mailbox.domain());
  }

  std::int64_t number_of(const std::string& reply) {
    if (reply.empty()) return 0;
    auto& [number, uses] =
        replies_.try_emplace(reply, std::pair(static_cast<std::int64_t>(replies_.size() + 1), 0)).first->second;
    ++uses;
    return number;
  }

  Database& database_;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> replies_;  ///< number and uses by words
  std::map<std::string, Destination> destinations_;
  std::int64_t messages_ = 0;
  std::int64_t recipients_ = 0;
  std::int64_t failed_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace

bool write_queue(const std::string& spool, const std::vector<Message>& messages) {
  std::filesystem::create_directories(queue::content_folder(spool));
  auto database = Database::open(queue::database_path(spool), Database::Mode::read_write, {});
  if (!database || !database->execute(tables) || !database->execute("BEGIN")) return false;
  Writer writer(*database);
  const bool added = std::ranges::all_of(messages, [&writer](const Message& message) { return writer.add(message); });
  return added && writer.finish() && database->execute("COMMIT");
}

}  // namespace version_1

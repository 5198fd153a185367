// From the values of a row to the values of the queue, with what makes no sense found out. Knows no SQLite. Internal to the queue
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mail/envelope.h"
#include "queue/message.h"
#include "queue/store.h"

namespace queue {

/// A row of `message` and its row of `body`, by column.
struct MessageValues {
  std::int64_t received = 0;
  std::int64_t size = 0;
  std::int64_t origin = 0;
  std::int64_t in_file = 0;
  std::optional<std::string_view> sender_local_part;
  std::optional<std::string_view> sender_domain;
  std::string_view message_id;
  std::int64_t expires = 0;
  std::int64_t type = 0;
  std::optional<std::int64_t> declared_size;
  std::int64_t extended = 0;
  std::string_view helo;
  std::string_view client;
  std::string_view tls;
  std::int64_t ret = 0;
  std::string_view envid;
  std::int64_t content_size = 0;
  std::int64_t crc = 0;
  std::string_view prefix;
  std::optional<std::string_view> content;
};

/// A row of `recipient`, by column.
struct RecipientValues {
  std::int64_t number = 0;
  std::int64_t state = 0;
  std::int64_t attempts = 0;
  std::int64_t next_attempt = 0;
  std::int64_t expires = 0;
  std::int64_t reply = 0;
  std::int64_t warned = 0;
  std::int64_t notify = 0;
  std::string_view local_part;
  std::string_view destination;
  std::string_view orcpt;
};

/// What stands in body.type.
std::int64_t type_of(const mail::Envelope& envelope);

/// Strict, for what is delivered: Kind::damaged with the id and the field when a value makes no sense. The message comes without
/// recipients; its content is a file of that spool or in memory. The CRC is not checked here.
Result<Message> message_of(QueueId id, const MessageValues& values, const std::string& spool);
/// `number` is the one that the row must have: a message's rows have no gaps.
Result<mail::Recipient> recipient_of(QueueId id, std::int64_t number, const RecipientValues& values);
/// "message ID is damaged: ..." of Kind::damaged.
std::unexpected<base::Error> damaged(QueueId id, std::string_view what);

/// Lenient, for what only points at a message or is shown: never an error and never undefined, whatever stands in the row, so
/// that one damaged row does not hide its neighbours. Times out of reach become the nearest that calculation can bear.
DueRecipient due_recipient_of(std::int64_t message, const RecipientValues& values);
State state_of(std::int64_t value);
Time sane_time_of(std::int64_t milliseconds);
/// As mail::ReversePath and mail::Mailbox print them.
std::string sender_text(std::optional<std::string_view> local_part, std::optional<std::string_view> domain);
std::string mailbox_text(std::string_view local_part, std::string_view domain);

}  // namespace queue

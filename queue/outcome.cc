// The table: stage by reply or error. Read it by rows; the words for each cell are in the enum.
#include "queue/outcome.h"

#include <array>

namespace queue {
namespace {

using base::Kind;
using mail::Stage;

/// What a cell of the table says.
enum class Cell : std::uint8_t {
  delivered,
  recipient_later,
  recipient_failed,
  message_later,
  message_failed,
  unknown,              ///< after the final dot: never the next host, it may have been delivered
  this_host,            ///< 421: this host will have no more of it now, the destination as a whole may be well
  next_host,            ///< the next host; without one the destination rests
  next_host_or_failed,  ///< the next host may be able to; without one it is impossible for this message
  next_host_or_later,   ///< the next host may be able to; without one this message waits
  destination_later,
  destination_failed,
};

/// A reply's class. 421 closes the connection whatever was asked (RFC 5321 3.8); other codes are not SMTP.
enum class ReplyClass : std::uint8_t { positive, intermediate, closing, transient, permanent, nonsense };
constexpr std::size_t reply_classes = 6;

/// 552 to RCPT is how RFC 821 spelled "too many recipients", to be treated as 452 (RFC 5321 4.5.3.1.10), unless the enhanced
/// status tells that something else is meant (5.2.2, the mailbox is full).
bool means_too_many_recipients(Stage stage, const mail::Reply& reply) {
  if (stage != Stage::rcpt || reply.code != 552) return false;
  return !reply.status || (reply.status->subject == 5 && reply.status->detail == 3);
}

ReplyClass class_of(Stage stage, const mail::Reply& reply) {
  if (reply.code == 421) return ReplyClass::closing;
  if (means_too_many_recipients(stage, reply)) return ReplyClass::transient;
  if (reply.is_positive()) return ReplyClass::positive;
  if (reply.is_intermediate()) return ReplyClass::intermediate;
  if (reply.is_transient()) return ReplyClass::transient;
  if (reply.is_permanent()) return ReplyClass::permanent;
  return ReplyClass::nonsense;
}

/// Replies, in the order of ReplyClass: 2xx, 3xx, 421, 4xx, 5xx, anything else.
///
/// A 5xx before MAIL says something about us or about this host (554 at the door: blocked, or no mail service here), not about a
/// recipient. Other hosts may think otherwise, and a block is often lifted within the message's life: so nothing fails there.
/// A 2xx or 3xx in a place where it cannot decide anything is an odd server: later.
/// 452 to RCPT is "too many recipients" (RFC 5321 4.5.3.1.10) or a full mailbox: later in both cases.
std::array<Cell, reply_classes> replies_at(Stage stage) {
  using enum Cell;
  switch (stage) {
    case Stage::connect:
    case Stage::greeting:
    case Stage::ehlo:
    case Stage::starttls:
    case Stage::handshake:
    case Stage::ehlo_after_tls:
    case Stage::auth: return {next_host, next_host, next_host, next_host, next_host, next_host};
    case Stage::mail:
    case Stage::data: return {message_later, message_later, this_host, message_later, message_failed, message_later};
    case Stage::rcpt: return {recipient_later, recipient_later, this_host, recipient_later, recipient_failed, recipient_later};
    case Stage::content: return {message_later, message_later, this_host, message_later, message_failed, message_later};
    case Stage::final_dot: return {delivered, unknown, this_host, message_later, message_failed, unknown};
    case Stage::quit: return {this_host, this_host, this_host, this_host, this_host, this_host};
  }
  return {};
}

/// Before a connection stands: DNS (temporary, refused, invalid) and the way to the host (timeout, closed, unsupported).
Cell error_at_connect(Kind kind) {
  switch (kind) {
    case Kind::invalid:  // a name that DNS cannot hold
    case Kind::refused: return Cell::destination_failed;
    case Kind::temporary: return Cell::destination_later;
    case Kind::unsupported:
    case Kind::timeout:
    case Kind::closed:
    case Kind::tls: return Cell::next_host;
    case Kind::storage:
    case Kind::damaged:
    case Kind::full:
    case Kind::cancelled: return Cell::message_later;
  }
  return Cell::message_later;
}

/// From the greeting to the last octet of the content.
Cell error_before_dot(Kind kind) {
  switch (kind) {
    case Kind::invalid:  // does not speak SMTP
    case Kind::refused:
    case Kind::temporary:
    case Kind::timeout:
    case Kind::closed:
    case Kind::tls: return Cell::next_host;
    case Kind::unsupported: return Cell::next_host_or_failed;
    case Kind::storage:  // our content could not be read: no host can help
    case Kind::damaged:
    case Kind::full:
    case Kind::cancelled: return Cell::message_later;
  }
  return Cell::message_later;
}

Cell error_at(Stage stage, Kind kind) {
  switch (stage) {
    case Stage::connect: return error_at_connect(kind);
    case Stage::greeting:
    case Stage::ehlo:
    case Stage::starttls:
    case Stage::handshake:
    case Stage::ehlo_after_tls:
    case Stage::auth: {
      const Cell cell = error_before_dot(kind);
      return cell == Cell::next_host_or_failed ? Cell::next_host : cell;  // nothing was said about the message yet
    }
    case Stage::mail:
    case Stage::rcpt:
    case Stage::data:
    case Stage::content: return error_before_dot(kind);
    case Stage::final_dot: return Cell::unknown;
    case Stage::quit: return Cell::this_host;
  }
  return Cell::message_later;
}

Outcome outcome_of(Cell cell, MoreHosts more_hosts) {
  const bool more = more_hosts == MoreHosts::yes;
  switch (cell) {
    case Cell::delivered: return {Verdict::delivered, Scope::recipient};
    case Cell::recipient_later: return {Verdict::deferred, Scope::recipient};
    case Cell::recipient_failed: return {Verdict::failed, Scope::recipient};
    case Cell::message_later: return {Verdict::deferred, Scope::message};
    case Cell::message_failed: return {Verdict::failed, Scope::message};
    case Cell::unknown: return {Verdict::deferred, Scope::message, true};
    case Cell::this_host: return {Verdict::deferred, Scope::host};
    case Cell::next_host: return {Verdict::deferred, more ? Scope::host : Scope::destination};
    case Cell::next_host_or_failed:
      return more ? Outcome{Verdict::deferred, Scope::host} : Outcome{Verdict::failed, Scope::message};
    case Cell::next_host_or_later: return {Verdict::deferred, more ? Scope::host : Scope::message};
    case Cell::destination_later: return {Verdict::deferred, Scope::destination};
    case Cell::destination_failed: return {Verdict::failed, Scope::destination};
  }
  return {};
}

}  // namespace

Outcome classify(mail::Stage stage, const mail::Reply& reply, MoreHosts more_hosts) {
  return outcome_of(replies_at(stage).at(static_cast<std::size_t>(class_of(stage, reply))), more_hosts);
}

Outcome classify(mail::Stage stage, const base::Error& error, MoreHosts more_hosts) {
  return outcome_of(error_at(stage, error.kind), more_hosts);
}

bool is_about_tls(Stage stage) { return stage == Stage::starttls || stage == Stage::handshake || stage == Stage::ehlo_after_tls; }

/// The EHLO under TLS is refused for other reasons than TLS.
bool rules_out_requiretls(Stage stage, const mail::Reply& reply) { return stage == Stage::starttls && reply.is_permanent(); }

bool rules_out_requiretls(Stage stage, const base::Error& error) {
  return is_about_tls(stage) && (error.kind == Kind::tls || error.kind == Kind::unsupported);
}

Outcome classify_requiretls(Stage stage, const mail::Reply& reply, MoreHosts more_hosts) {
  if (stage != Stage::starttls) return classify(stage, reply, more_hosts);
  return outcome_of(rules_out_requiretls(stage, reply) ? Cell::next_host_or_failed : Cell::next_host_or_later, more_hosts);
}

Outcome classify_requiretls(Stage stage, const base::Error& error, MoreHosts more_hosts) {
  if (!is_about_tls(stage)) return classify(stage, error, more_hosts);
  return outcome_of(rules_out_requiretls(stage, error) ? Cell::next_host_or_failed : Cell::next_host_or_later, more_hosts);
}

}  // namespace queue

// One connection to one host: connect from the bound address, EHLO, STARTTLS, then one transaction after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/mx.h"
#include "mail/client_session.h"
#include "mail/data.h"
#include "queue/message.h"
#include "queue/outcome.h"
#include "relay/connection.h"
#include "relay/services.h"

namespace relay::delivery {

/// Why a connection or transaction ended early: where, and the server's reply or our error.
class Failure {
 public:
  Failure(mail::Stage where, mail::Reply words) : stage(where), reply(std::move(words)) {}
  Failure(mail::Stage where, base::Error what) : stage(where), error(std::move(what)) {}

  mail::Stage stage;
  std::optional<mail::Reply> reply;
  std::optional<base::Error> error;

  queue::Outcome outcome(queue::MoreHosts more_hosts) const;
  std::string words() const;
};

class Attempt {
 public:
  Attempt(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate candidate, mail::TlsUse tls);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// To the point where a transaction may begin; nothing when all went well.
  Task<std::optional<Failure>> open();
  /// One message. After it outcome() has a reply for each recipient; those with code 0 share the failure.
  Task<std::optional<Failure>> send(mail::Transaction transaction, std::shared_ptr<const queue::Message> message);
  /// Whether the host takes mail for the mailbox: outcome() has its one reply, with code 0 when the failure tells why there is
  /// none.
  Task<std::optional<Failure>> ask_about(mail::Mailbox recipient);
  /// QUIT without waiting for its reply, TLS ended in order.
  Task<void> quit();

  const std::vector<mail::RecipientReply>& outcome() const { return client_.outcome(); }
  /// That went to their end over this connection.
  std::size_t transactions() const { return transactions_; }
  /// The host was given the DSN parameters: success is for it to report (RFC 3461 5.2.2).
  bool passes_on_dsn() const { return client_.passes_on_dsn(); }
  /// Closes the connection: what waits for it ends with an error.
  void abort() { connection_.close(); }
  const dns::Candidate& candidate() const { return candidate_; }
  mail::TlsUse tls() const { return tls_; }
  std::string tls_words() const { return connection_.tls_words(); }
  /// The TLS handshake was what failed: with opportunistic encryption the same host is worth a try without.
  bool failed_in_tls() const { return failed_in_tls_; }

 private:
  Task<void> drive();
  Task<void> connect_and_drive();
  Task<std::optional<Failure>> within_deadline(Task<void> work);
  Task<void> write_commands();
  Task<void> read_reply();
  Task<void> start_tls();
  Task<void> send_content();
  Task<base::Result<void>> send_file();
  Task<base::Result<void>> send_piece(std::string_view piece);
  Task<void> hear_why();
  void lost(const base::Error& error);
  std::optional<Failure> failure() const;

  Services& services_;
  std::shared_ptr<const Settings> settings_;
  dns::Candidate candidate_;
  mail::TlsUse tls_;
  Connection connection_;
  Deadline deadline_;
  mail::ClientSession client_;
  std::shared_ptr<const queue::Message> message_;
  mail::DotStuffer stuffer_;
  std::string stuffed_;
  std::vector<char> buffer_;
  std::optional<base::Error> lost_;
  std::size_t transactions_ = 0;
  bool connected_ = false;
  bool failed_in_tls_ = false;
};

}  // namespace relay::delivery

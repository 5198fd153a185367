// One host: connect from the bound address, EHLO, STARTTLS, AUTH, then one transaction after the other. With opportunistic
// encryption a second connection, in plain text, when TLS fails on the first.
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
#include "relay/delivery/login.h"
#include "relay/delivery/sasl_client.h"
#include "relay/delivery/tls_policy.h"
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
  bool requiretls = false;  ///< the connection was to be opened for mail with REQUIRETLS

  queue::Outcome outcome(queue::MoreHosts more_hosts) const;
  /// The host cannot have such mail.
  bool rules_out_requiretls() const;
  std::string words() const;
};

class Attempt {
 public:
  Attempt(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate candidate, TlsPolicy tls,
          std::optional<Login> login = std::nullopt);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// To the point where a transaction may begin; nothing when all went well.
  Task<std::optional<Failure>> open();
  /// One message, in several transactions where the server takes fewer recipients at a time (RFC 9422). After it outcome() has a
  /// reply for each recipient; those with code 0 share the failure.
  Task<std::optional<Failure>> send(mail::Transaction transaction, std::shared_ptr<const queue::Message> message);
  /// Whether the host takes mail for the mailbox: outcome() has its one reply, with code 0 when the failure tells why there is
  /// none.
  Task<std::optional<Failure>> ask_about(mail::Mailbox recipient);
  /// QUIT without waiting for its reply, TLS ended in order.
  Task<void> quit();

  const std::vector<mail::RecipientReply>& outcome() const { return outcome_; }
  /// The server's LIMITS allow another message on this connection.
  bool may_send_more() const { return client_.may_begin(); }
  /// That went to their end over this connection.
  std::size_t transactions() const { return transactions_; }
  /// The host was given the DSN parameters: success is for it to report (RFC 3461 5.2.2).
  bool passes_on_dsn() const { return client_.passes_on_dsn(); }
  /// Closes the connection: what waits for it ends with an error.
  void abort();
  const dns::Candidate& candidate() const { return candidate_; }
  /// Opened as a new connection to this host for the destination would be: as much TLS, and the same login.
  bool serves(const Settings& settings, std::string_view destination, mail::TlsWish wish) const;
  /// The same by the settings that it was opened with.
  bool serves(std::string_view destination, mail::TlsWish wish) const { return serves(*settings_, destination, wish); }
  std::string tls_words() const { return connection_->tls_words(); }

 private:
  void prepare(mail::TlsUse use);
  Task<std::optional<Failure>> connect();
  Task<void> drive();
  Task<void> connect_and_drive();
  Task<std::optional<Failure>> within_deadline(Task<void> work);
  Task<void> write_commands();
  Task<void> read_reply();
  Task<void> start_tls();
  Task<void> respond();
  Task<std::optional<Failure>> send_part(mail::Transaction part);
  void put_off(std::size_t recipients);
  Task<void> send_content();
  Task<base::Result<void>> send_file();
  Task<base::Result<void>> write_outgoing();
  void take_in(std::string_view content);
  Task<void> hear_why();
  void lost(const base::Error& error);
  std::optional<Failure> failure() const;

  Services& services_;
  std::shared_ptr<const Settings> settings_;
  dns::Candidate candidate_;
  TlsPolicy tls_;
  std::optional<Login> login_;
  std::optional<Connection> connection_;  // never empty
  Deadline deadline_;
  mail::ClientSession client_;
  std::optional<SaslClient> sasl_;
  std::shared_ptr<const queue::Message> message_;
  mail::DotStuffer stuffer_;
  std::string outgoing_;  ///< content, as it goes over the wire
  std::vector<char> buffer_;
  std::vector<mail::RecipientReply> outcome_;
  std::optional<base::Error> lost_;
  std::size_t transactions_ = 0;
  bool connected_ = false;
  bool aborted_ = false;
};

/// As the configuration and the sender's wish have it for mail to a destination: TLS, and a password for the hosts that get one.
std::unique_ptr<Attempt> attempt_for(Services& services, std::shared_ptr<const Settings> settings, dns::Candidate host,
                                     std::string_view destination, mail::TlsWish wish = mail::TlsWish::none);

}  // namespace relay::delivery

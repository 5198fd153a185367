// One inbound conversation: a coroutine that moves bytes between a Connection and a ServerSession and answers its questions.
#pragma once

#include <array>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mail/server_session.h"
#include "relay/connection.h"
#include "relay/intake/access.h"
#include "relay/intake/draft.h"
#include "relay/intake/duplicates.h"
#include "relay/intake/failures.h"
#include "relay/intake/gate.h"
#include "relay/intake/recipients.h"
#include "relay/intake/sasl.h"
#include "relay/intake/sender_rates.h"
#include "relay/notices.h"
#include "relay/services.h"

namespace relay::intake {

class TrustedNames;

/// What a session needs beside the services.
struct IntakeContext {
  Services& services;
  queue::QueueIdMaker& ids;
  BufferBudget& budget;
  Duplicates& duplicates;
  SenderRates& sender_rates;
  Recipients& recipients;
  TrustedNames& names;
  std::function<void(queue::Message)> accepted;  ///< a durable message goes on to delivery
  std::function<void(Alert)> alert;              ///< postmaster must know
  Limits limits = {};
  AuthFailures auth_failures = {};
  /// One password after the other: guessing never keeps more than one worker from signing.
  asio::strand<asio::thread_pool::executor_type> password_checks = asio::make_strand(services.workers.get_executor());
};

class Session {
 public:
  /// `client` is who connected, or who a balancer said it speaks for.
  Session(Socket socket, const base::IpAddress& client, const conf::Listen& listen, IntakeContext& context, Gate& gate);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The whole conversation, to the closed connection.
  Task<void> run();
  /// 421 at the next moment at which nothing is under way: at once when idle, after the reply when a message is being taken.
  void stop();

 private:
  enum class Next : std::uint8_t { go_on, close };

  Task<void> converse();
  Task<Next> open();
  Task<bool> speaks_early();
  Task<void> tarpit();
  void listen_for();
  void fit_buffer();
  void recognise();
  Task<void> recognise_host();
  void become(Identity identity);
  mail::Reply why_over() const;
  Task<bool> flush();
  Task<Next> start_tls();
  Task<void> take(std::string_view content);
  Task<void> take_message();
  Task<mail::Reply> accept();
  Task<void> fetch_keys();

  void answer(const mail::event::Mail& event);
  Task<void> answer_recipient(const mail::event::Rcpt& event);
  Task<std::optional<mail::Reply>> verify(mail::Mailbox recipient);
  Task<void> begin_auth(const mail::event::Auth& event);
  Task<void> continue_auth(const mail::event::AuthResponse& event);
  Task<void> go_on_with_auth(sasl::Step step);
  void refuse_auth(const mail::Reply& reply, std::string_view user);
  mail::Reply unless_too_often(const mail::Reply& refusal);
  bool goes_with_the_others(Way way) const;
  /// What the queue gets: the client's envelope, with the null reverse-path for mail that an alias sends on.
  mail::Envelope envelope_to_queue() const;
  void answer(const mail::event::Xclient& event);
  std::optional<mail::Reply> answer_repeat(mail::Envelope& envelope, Duplicates::Claim& claim);
  std::string why_hold(const mail::Envelope& envelope);
  void begin_data();
  std::optional<mail::Reply> refuse_content() const;
  std::optional<mail::Reply> refuse_long_lines() const;
  void tell_of_repairs(const Sealed& sealed) const;
  mail::Reply conclude(base::Result<Sealed> sealed);
  void log_accepted(const queue::Message& message) const;
  void log_signatures(const Sealed& sealed) const;
  void refuse(const mail::Reply& reply, std::string_view to);
  Task<void> say_goodbye(mail::Reply reply);

  IntakeContext& context_;
  Services& services_;
  std::shared_ptr<const Settings> settings_;
  conf::Listen listen_;
  Connection connection_;
  Deadline deadline_;
  base::IpAddress client_;
  Gate& gate_;
  Identity identity_;
  std::optional<sasl::Exchange> sasl_;
  Visit visit_;
  mail::ServerSession session_;
  std::vector<char> buffer_;
  std::unique_ptr<Draft> draft_;
  std::optional<base::Error> draft_error_;
  std::optional<Way> way_;  ///< of the recipients of this transaction
  Clock::time_point session_ends_;
  Clock::time_point content_ends_;
  int errors_ = 0;   ///< of those that the session counts, so many have been answered
  int put_off_ = 0;  ///< recipients, and errors as well
  bool stopping_ = false;
};

}  // namespace relay::intake

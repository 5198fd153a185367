// Whether the hosts of relay_domains take mail for a recipient: each is asked by a call on its route, and the answers are kept.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "dns/mx.h"
#include "mail/reply.h"
#include "relay/delivery/attempt.h"
#include "relay/delivery/hosts.h"
#include "relay/intake/findings.h"
#include "relay/services.h"

namespace relay::intake {

/// On the loop alone. One call about a mailbox at a time, whoever asks; a new route is asked anew.
class Recipients {
 public:
  static constexpr std::size_t most_calls = 100;
  static constexpr std::size_t most_calls_of_domain = 10;

  Recipients(Services& services, const Limits& limits)
      : services_(services), limits_(limits), findings_(limits), hosts_(services) {}
  Recipients(const Recipients&) = delete;
  Recipients& operator=(const Recipients&) = delete;

  /// What counts now without a call.
  std::optional<Finding> recall(const mail::Mailbox& mailbox);
  /// By a call, or the one that is under way; unsure when it takes longer than Limits::call, or too many are.
  Task<Finding> ask(mail::Mailbox mailbox);

 private:
  struct Call {
    Call(std::shared_ptr<const Settings> current, mail::Mailbox about, std::string by, Executor loop)
        : settings(std::move(current)), mailbox(std::move(about)), route(std::move(by)), concluded(loop) {}
    std::shared_ptr<const Settings> settings;
    mail::Mailbox mailbox;
    std::string route;
    dns::Candidate host;  ///< asked last
    bool reached = false;
    std::optional<Finding> finding;
    Timer concluded;  ///< cancelled when there is a finding
  };
  using CallPtr = std::shared_ptr<Call>;

  CallPtr call_about(const mail::Mailbox& mailbox);
  Task<void> carry(CallPtr call);
  Task<void> give_up(CallPtr call, Deadline& deadline);
  Task<void> ask_hosts(CallPtr call);
  Task<bool> ask_host(CallPtr call, dns::Candidate host, queue::MoreHosts more);
  Task<std::optional<delivery::Failure>> open(std::unique_ptr<delivery::Attempt>& attempt, CallPtr call);
  void conclude(Call& call, Finding finding);

  Services& services_;
  Limits limits_;
  Findings findings_;
  delivery::Hosts hosts_;
  std::list<CallPtr> calls_;
};

/// Nothing for one who is known, 550 5.1.1 in the words of the host for one who is not, 450 4.1.1 when nobody can say.
std::optional<mail::Reply> refusal_of(const Finding& finding, const mail::Mailbox& mailbox);

}  // namespace relay::intake

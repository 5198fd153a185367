// Several questions to DNS at once, and what the answers hold.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dkim/message_verifier.h"
#include "dns/resolver.h"
#include "relay/await.h"

namespace relay {

struct Question {
  std::string name;
  dns::RecordType type = dns::RecordType::a;
};
using Answers = std::vector<base::Result<dns::Answer>>;

/// afresh passes over what the resolver has kept.
enum class Asking : std::uint8_t { usual, afresh };

/// The answers in the order of the questions, when all are there; each is bounded by dns.timeout.
Task<Answers> ask_all(Executor loop, dns::Resolver& resolver, std::vector<Question> questions, Asking asking = Asking::usual);

/// The same, but no longer than `most`: what is missing then is Kind::timeout.
Task<Answers> ask_within(std::chrono::milliseconds most, Executor loop, dns::Resolver& resolver, std::vector<Question> questions);

/// What DNS said of a DKIM key; a name that DNS cannot hold has none.
dkim::KeyAnswer key_answer(const base::Result<dns::Answer>& answer);

/// The addresses that an answer holds; none when DNS could not be asked.
std::vector<base::IpAddress> addresses_in(const base::Result<dns::Answer>& answer);

}  // namespace relay

// Several questions to DNS at once.
#pragma once

#include <string>
#include <vector>

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

/// The addresses that an answer holds; none when DNS could not be asked.
std::vector<base::IpAddress> addresses_in(const base::Result<dns::Answer>& answer);

}  // namespace relay

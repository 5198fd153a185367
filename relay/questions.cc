// Asking, and waiting for the last answer.
#include "relay/questions.h"

#include <atomic>
#include <functional>
#include <memory>
#include <variant>

namespace relay {
namespace {

struct Gathering {
  explicit Gathering(std::size_t count) : answers(count, base::fail(base::Kind::temporary, "not asked")), missing(count) {}
  Answers answers;  // each slot is written by one callback
  std::atomic<std::size_t> missing;
  std::move_only_function<void(Answers)> done;
};

}  // namespace

Task<Answers> ask_all(Executor loop, dns::Resolver& resolver, std::vector<Question> questions, Asking asking) {
  auto start = [&resolver, asked = std::move(questions), asking](std::move_only_function<void(Answers)> done) {
    auto gathering = std::make_shared<Gathering>(asked.size());
    gathering->done = std::move(done);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto take = [gathering, i](base::Result<dns::Answer> answer) {
        gathering->answers[i] = std::move(answer);
        if (gathering->missing.fetch_sub(1) == 1) gathering->done(std::move(gathering->answers));
      };
      if (asking == Asking::afresh) {
        resolver.query_afresh(asked[i].name, asked[i].type, std::move(take));
      } else {
        resolver.query(asked[i].name, asked[i].type, std::move(take));
      }
    }
    if (asked.empty()) gathering->done({});
  };
  return await_from_anywhere<Answers>(loop, std::move(start));
}

std::vector<base::IpAddress> addresses_in(const base::Result<dns::Answer>& answer) {
  std::vector<base::IpAddress> found;
  if (!answer) return found;
  for (const dns::Record& record : answer->records) {
    if (const auto* address = std::get_if<base::IpAddress>(&record)) found.push_back(*address);
  }
  return found;
}

}  // namespace relay

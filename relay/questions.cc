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

/// Outlives its coroutine when an answer comes late. On the loop alone.
struct Waiting {
  Waiting(Executor loop, std::size_t count)
      : answers(count, base::fail(base::Kind::timeout, "no answer in time")), missing(count), over(loop) {}
  Answers answers;
  std::size_t missing;
  Timer over;
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

Task<Answers> ask_within(std::chrono::milliseconds most, Executor loop, dns::Resolver& resolver,
                         std::vector<Question> questions) {
  auto waiting = std::make_shared<Waiting>(loop, questions.size());
  waiting->over.expires_after(most);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto take = [loop, waiting, i](base::Result<dns::Answer> answer) mutable {
      asio::post(loop, [waiting = std::move(waiting), i, answer = std::move(answer)]() mutable {
        waiting->answers[i] = std::move(answer);
        if (--waiting->missing == 0) waiting->over.cancel();
      });
    };
    resolver.query(questions[i].name, questions[i].type, std::move(take));
  }
  if (waiting->missing > 0) co_await waiting->over.async_wait(as_result);
  co_return waiting->answers;
}

dkim::KeyAnswer key_answer(const base::Result<dns::Answer>& answer) {
  dkim::KeyAnswer key;
  if (!answer) {
    if (answer.error().kind != base::Kind::invalid) key.kind = dkim::KeyAnswer::Kind::unavailable;
    key.words = answer.error().words;
    return key;
  }
  for (const dns::Record& record : answer->records) {
    if (const auto* text = std::get_if<std::string>(&record)) key.records.push_back(*text);
  }
  if (!key.records.empty()) key.kind = dkim::KeyAnswer::Kind::found;
  return key;
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

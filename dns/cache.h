// Answers kept for their TTL, the least recently used leave first. Pure: time is a parameter. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dns/resolver.h"

namespace dns {

/// What is asked: a name as by normal_name(), and a type.
using Question = std::pair<std::string, RecordType>;

class Cache {
 public:
  /// Elapsed time: a step of the wall clock must not make answers live longer.
  using Time = std::chrono::steady_clock::time_point;

  explicit Cache(std::size_t limit) : limit_(limit) {}

  /// With what is left of its TTL.
  std::optional<Answer> find(const Question& question, Time now);
  /// For its TTL, at most a day; a negative one at most 15 minutes (RFC 2308 5 allows more, but a new MX should be seen soon).
  void keep(const Question& question, const Answer& answer, Time now);
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    Question question;
    Answer answer;
    Time until;
  };
  std::size_t limit_;
  std::list<Kept> kept_;  ///< most recently used first
  std::map<Question, std::list<Kept>::iterator> index_;
};

}  // namespace dns

// The cache of answers: a list in the order of use and an index into it.
#include "dns/cache.h"

#include <algorithm>

namespace dns {
namespace {

constexpr base::Duration longest = std::chrono::hours(24);
constexpr base::Duration longest_negative = std::chrono::minutes(15);

}  // namespace

std::optional<Answer> Cache::find(const Question& question, Time now) {
  const auto found = index_.find(question);
  if (found == index_.end()) return std::nullopt;
  const auto kept = found->second;
  if (kept->until <= now) {
    kept_.erase(kept);
    index_.erase(found);
    return std::nullopt;
  }
  kept_.splice(kept_.begin(), kept_, kept);
  Answer answer = kept->answer;
  answer.ttl = std::chrono::ceil<base::Duration>(kept->until - now);
  return answer;
}

void Cache::keep(const Question& question, const Answer& answer, Time now) {
  if (const auto old = index_.find(question); old != index_.end()) {
    kept_.erase(old->second);
    index_.erase(old);
  }
  const auto ttl = std::min(answer.ttl, answer.status == Status::found ? longest : longest_negative);
  if (limit_ == 0 || ttl <= base::Duration(0)) return;
  if (kept_.size() >= limit_) {
    index_.erase(kept_.back().question);
    kept_.pop_back();
  }
  kept_.push_front(Kept{question, answer, now + ttl});
  index_[question] = kept_.begin();
}

}  // namespace dns

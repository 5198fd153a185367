// Queue ids, content and the names of states.
#include "queue/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/text.h"

namespace queue {
namespace {

constexpr int id_digits = 11;
constexpr unsigned counter_bits = 14;
constexpr std::uint64_t id_limit = std::uint64_t{1} << 55U;
constexpr Time id_epoch = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);

constexpr std::array<std::string_view, 6> state_names = {"queued", "deferred", "held", "delivered", "failed", "dropped"};

}  // namespace

Result<QueueId> QueueId::parse(std::string_view text) {
  if (text.size() == id_digits) {
    const auto value = base::parse_crockford32(text);
    if (value && *value < id_limit) return QueueId(*value);
  }
  return base::fail(base::Kind::invalid,
                    fmt::format("\"{}\" is not a queue id ({} letters and digits)", base::printable(text), id_digits));
}

std::string QueueId::to_string() const { return base::crockford32(value_, id_digits); }

QueueId QueueId::first_at(Time time) {
  const auto since_epoch = std::max<std::int64_t>((time - id_epoch).count(), 0);
  const auto latest = static_cast<std::int64_t>((id_limit - 1) >> counter_bits);
  return QueueId(static_cast<std::uint64_t>(std::min(since_epoch, latest)) << counter_bits);
}

QueueId QueueIdMaker::next(Time now) {
  last_ = std::max(QueueId::first_at(now), QueueId(last_.value() + 1));
  return last_;
}

Content Content::in_memory(std::string octets) {
  Content content;
  content.size_ = octets.size();
  content.memory_ = std::make_shared<const std::string>(std::move(octets));
  return content;
}

Content Content::in_file(std::string path, std::uint64_t size) {
  Content content;
  content.path_ = std::move(path);
  content.size_ = size;
  return content;
}

std::string_view to_string(State state) {
  const auto index = static_cast<std::size_t>(state);
  return index < state_names.size() ? state_names[index] : "unknown";
}

Result<State> parse_state(std::string_view text) {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (base::equal_ignoring_case(text, state_names[i])) return static_cast<State>(i);
  }
  return base::fail(base::Kind::invalid,
                    fmt::format("\"{}\" is not a state: {}", base::printable(text), fmt::join(state_names, ", ")));
}

bool waits(State state) { return state == State::queued || state == State::deferred || state == State::held; }

}  // namespace queue

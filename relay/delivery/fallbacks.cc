// The domains and their times.
#include "relay/delivery/fallbacks.h"

#include <fmt/format.h>

#include "base/text.h"

namespace relay::delivery {
namespace {

constexpr std::size_t most = 100'000;

}  // namespace

queue::Remembered Fallback::to_remember() const {
  return queue::Remembered{"fallback", domain, fmt::format("{} {}", until.time_since_epoch().count(), reason)};
}

std::optional<Fallback> Fallback::from(const queue::Remembered& thing) {
  const std::string_view text = thing.text;
  const std::size_t blank = text.find(' ');
  const auto until = base::parse_number(text.substr(0, blank));
  if (!until) return std::nullopt;
  Fallback fallback;
  fallback.domain = thing.name;
  fallback.until = base::Time(base::Duration(static_cast<base::Duration::rep>(*until)));
  if (blank != std::string_view::npos) fallback.reason = text.substr(blank + 1);
  return fallback;
}

const Fallback* Fallbacks::find(const std::string& domain, base::Time now) const {
  const auto found = all_.find(domain);
  return found == all_.end() || found->second.until <= now ? nullptr : &found->second;
}

void Fallbacks::take_up(Fallback fallback) {
  if (all_.size() >= most && !all_.contains(fallback.domain)) return;
  const std::string domain = fallback.domain;
  all_.insert_or_assign(domain, std::move(fallback));
}

std::optional<Fallback> Fallbacks::end(const std::string& domain) {
  auto node = all_.extract(domain);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

}  // namespace relay::delivery

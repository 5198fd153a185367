// Counting at the door.
#include "relay/intake/gate.h"

#include <algorithm>

namespace relay::intake {
namespace {

constexpr std::uint64_t least_reserve = 10;

}  // namespace

std::uint64_t Gate::reserve(std::uint64_t connections) {
  return std::min(std::max(connections / 10, least_reserve), connections / 2);
}

Verdict Gate::ask(const base::IpAddress& client, Trust trust, const conf::Accept& accept, Time now) {
  if (trust == Trust::trusted) return inside() < accept.connections ? Verdict::enter : Verdict::full;
  const base::IpAddress network = base::site_of(client);
  if (is_hasty(network, now)) return Verdict::hasty;
  const bool no_slot = strangers_ >= accept.connections - reserve(accept.connections);
  if (no_slot || inside() >= accept.connections) return Verdict::full;
  const auto known = inside_.find(network);
  return known != inside_.end() && known->second >= accept.connections_per_client ? Verdict::crowded : Verdict::enter;
}

bool Gate::is_hasty(const base::IpAddress& network, Time now) {
  if (now >= minute_ends_) {
    newcomers_.clear();
    minute_ends_ = now + limits_.minute;
  }
  const auto known = newcomers_.find(network);
  if (known != newcomers_.end()) return ++known->second > limits_.connections_per_minute;
  if (newcomers_.size() < most_remembered) newcomers_.emplace(network, 1);
  return false;
}

void Gate::enter(const base::IpAddress& client, Trust trust) {
  if (trust == Trust::trusted) {
    ++trusted_;
  } else {
    ++strangers_;
    ++inside_[base::site_of(client)];
  }
}

void Gate::leave(const base::IpAddress& client, Trust trust) {
  if (trust == Trust::trusted) {
    --trusted_;
    return;
  }
  --strangers_;
  const auto known = inside_.find(base::site_of(client));
  if (--known->second == 0) inside_.erase(known);
}

void Visit::become(const base::IpAddress& client, Trust trust) {
  gate_.leave(client_, trust_);
  client_ = client;
  trust_ = trust;
  gate_.enter(client_, trust_);
}

}  // namespace relay::intake

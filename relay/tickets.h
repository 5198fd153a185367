// The keys of TLS session tickets (RFC 5077, RFC 8446 4.6.1): made in memory, changed in time, never written.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"

namespace relay {

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};
  std::array<std::uint8_t, 32> mac{};
  std::chrono::steady_clock::time_point made;
};

/// The newest key seals for `lifetime`, the one before it opens for as long again. Shared by the contexts before and after a
/// reload; on the loop alone.
class TicketKeys {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::hours lifetime{12};

  /// Makes a new key when there is none or the last is old; null when the system gives no randomness: no ticket then.
  const TicketKey* sealing(Time now);
  /// The key of that name, while it still counts.
  const TicketKey* opening(const std::uint8_t* name, Time now);

 private:
  std::optional<TicketKey> newest_;
  std::optional<TicketKey> before_;
};

}  // namespace relay

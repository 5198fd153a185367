// Fuzzes the PROXY header: bounded, and the same at any cut. The first octet chooses the cut.
#include "mail/proxy_header.h"

#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Taken {
  bool ok = true;
  bool done = false;
  std::size_t used = 0;
  std::optional<mail::ProxiedConnection> proxied;
  friend bool operator==(const Taken&, const Taken&) = default;
};

Taken take(std::string_view text, std::size_t piece) {
  mail::ProxyHeader header;
  Taken taken;
  while (taken.used < text.size() && !header.done()) {
    const auto used = header.consume(text.substr(taken.used, piece));
    if (!used) return Taken{false, false, 0, {}};
    taken.used += *used;
  }
  taken.done = header.done();
  taken.proxied = header.proxied();
  require(taken.used <= mail::ProxyHeader::longest_binary);
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(take(text, text.size() + 1) == take(text, data[0] + 1U));
  return 0;
}

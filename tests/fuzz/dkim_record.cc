// Fuzzes the reading of key records. A key that is read has an accepted size and says no to a signature that it did not make.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dkim/verifier.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view record(reinterpret_cast<const char*>(data), size);
  for (const auto algorithm : {dkim::Algorithm::rsa_sha256, dkim::Algorithm::ed25519_sha256}) {
    const auto key = dkim::parse_key_record(record, algorithm);
    if (!key) continue;
    require(key->algorithm() == algorithm);
    require(algorithm == dkim::Algorithm::ed25519_sha256 ? key->bits() == 256 : key->bits() >= 1024);
    require(!key->verifies(dkim::Digest{}, "no signature"));
  }
  return 0;
}

// Fuzzes the reading of a DKIM-Signature field and its check. What is read keeps what Signature promises; a check never passes
// without the key's consent, and never crashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "dkim/verifier.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

dkim::PublicKey some_key(dkim::Algorithm algorithm) {
  static const dkim::PublicKey rsa = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256, 1024).public_key();
  static const dkim::PublicKey ed25519 = dkim::PrivateKey::generate(dkim::Algorithm::ed25519_sha256).public_key();
  return algorithm == dkim::Algorithm::rsa_sha256 ? rsa : ed25519;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto signature = dkim::Signature::parse(value);
  if (!signature) return 0;
  bool has_from = false;
  for (const std::string& name : signature->signed_fields) has_from = has_from || base::lower(name) == "from";
  require(has_from);
  require(signature->body_hash.size() == dkim::Digest{}.size());
  require(!signature->signature.empty());
  require(!signature->domain.empty() && signature->domain == base::lower(signature->domain));
  require(!signature->selector.empty());
  require(signature->identity.ends_with(signature->domain) || base::lower(signature->identity).ends_with(signature->domain));

  mail::HeaderBlock header;
  header.feed("From: a@b\r\nTo: c@d\r\nTo: e@f\r\n\r\n");
  header.finish();
  dkim::Digest body_hash{};
  for (std::size_t i = 0; i < body_hash.size(); ++i) body_hash[i] = static_cast<std::uint8_t>(signature->body_hash[i]);
  const std::string raw = "DKIM-Signature:" + std::string(value) + "\r\n";
  require(!dkim::check_field(raw, header, body_hash, some_key(signature->algorithm)));
  return 0;
}

// Fuzzes the canonicalization: a body in any chunks has the hash of its canonical text as the plain reference makes it, canonical
// text and canonical fields stay as they are, and l= cuts where it says. The first two octets choose the chunks and the limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dkim/canonical.h"
#include "tests/unit/dkim/reference.h"

namespace {

using dkim::Canonicalization;
using dkim::Digest;

void require(bool holds) {
  if (!holds) std::abort();
}

Digest hash(Canonicalization canonicalization, std::string_view body, std::size_t chunk, std::optional<std::uint64_t> limit) {
  dkim::BodyHash body_hash(canonicalization, limit);
  for (; !body.empty(); body.remove_prefix(std::min(chunk, body.size()))) body_hash.update(body.substr(0, chunk));
  return body_hash.finish();
}

Digest sha256(std::string_view text) {
  dkim::Sha256 sha;
  sha.update(text);
  return sha.finish();
}

void check_body(Canonicalization canonicalization, std::string_view body, std::size_t chunk, std::size_t limit) {
  const std::string canonical = canonicalization == Canonicalization::simple ? dkim_reference::simple_body(std::string(body))
                                                                             : dkim_reference::relaxed_body(body);
  require(hash(canonicalization, body, chunk, std::nullopt) == sha256(canonical));
  require(hash(canonicalization, body, body.size() + 1, std::nullopt) == sha256(canonical));
  require(hash(canonicalization, canonical, chunk, std::nullopt) == sha256(canonical));
  require(hash(canonicalization, body, chunk, limit) == sha256(std::string_view(canonical).substr(0, limit)));
}

/// A field has CR LF only before white space: it is made of the text by putting some there.
std::string as_field(std::string_view text) {
  std::string field = "Name :";
  for (std::size_t i = 0; i < text.size(); ++i) {
    field += text[i];
    const bool ends_line = text[i] == '\n' && i > 0 && text[i - 1] == '\r';
    if (ends_line) field += ' ';
  }
  return field + "\r\n";
}

void check_field(Canonicalization canonicalization, const std::string& field) {
  const std::string canonical = dkim::canonical_field(canonicalization, field);
  require(canonical.ends_with("\r\n"));
  require(dkim::canonical_field(canonicalization, canonical) == canonical);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t chunk = std::size_t{data[0]} + 1;
  const std::size_t limit = data[1];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
    check_body(canonicalization, text, chunk, limit);
    check_field(canonicalization, as_field(text));
  }
  return 0;
}

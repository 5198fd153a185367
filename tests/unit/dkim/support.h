// What the tests of this folder share: data files, keys, headers from text.
#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "dkim/canonical.h"
#include "dkim/crypto.h"
#include "mail/header.h"

namespace dkim_test {

inline std::string data(const std::string& name) {
  return base::read_file(std::string(MAILFERRY_SOURCE_DIR) + "/tests/data/dkim/" + name).value_or(std::string());
}

inline dkim::PrivateKey key(const std::string& name) { return dkim::PrivateKey::from_pem(data("keys/" + name)).value(); }

inline dkim::Digest sha256(std::string_view text) {
  dkim::Sha256 sha;
  sha.update(text);
  return sha.finish();
}

inline std::string_view as_text(const dkim::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// A message cut into header and body.
struct Message {
  explicit Message(const std::string& text) {
    body = text.substr(header.feed(text));
    header.finish();
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  dkim::Digest body_hash(dkim::Canonicalization canonicalization) const {
    dkim::BodyHash hash(canonicalization);
    hash.update(body);
    return hash.finish();
  }

  mail::HeaderBlock header;
  std::string body;
};

}  // namespace dkim_test

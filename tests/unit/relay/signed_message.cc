// Checking signatures, independent of how the relay made them: the message is read anew from its octets.
#include "tests/unit/relay/signed_message.h"

#include <algorithm>

#include "dkim/verifier.h"
#include "mail/header.h"

namespace world {
namespace {

std::string verdict(const mail::Field& field, const mail::HeaderBlock& header, std::string_view body, const Published& keys) {
  const auto signature = dkim::Signature::parse(field.value);
  if (!signature) return "unreadable: " + signature.error().words;
  const auto key = std::ranges::find(keys, signature->selector, &Published::value_type::first);
  if (key == keys.end()) return signature->selector + " has no key";
  dkim::BodyHash hash(signature->canonicalization.body, signature->body_length);
  hash.update(body);
  const auto checked = dkim::check_signature(field, *signature, header, hash.finish(), key->second);
  return signature->selector + (checked ? " pass" : " fail: " + checked.error().words);
}

}  // namespace

std::vector<std::string> check_signatures(std::string_view message, const Published& keys) {
  mail::HeaderBlock header;
  const std::size_t head = header.feed(message);
  header.finish();
  const std::string body = std::string(header.held_back()) + std::string(message.substr(head));
  std::vector<std::string> verdicts;
  for (const mail::Field* field : header.find("DKIM-Signature")) verdicts.push_back(verdict(*field, header, body, keys));
  return verdicts;
}

}  // namespace world

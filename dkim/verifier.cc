// Reading signatures and key records, and the check of one signature.
#include "dkim/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dkim/header_hash.h"
#include "dkim/tag_list.h"

namespace dkim {
namespace {

using base::fail;
using base::Kind;

std::string without_white_space(std::string_view text) {
  std::string result(text);
  std::erase_if(result, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return result;
}

bool contains(const std::vector<std::string_view>& list, std::string_view entry) {
  return std::ranges::find(list, entry) != list.end();
}

Result<void> read_algorithm(const TagList& tags, Signature& signature) {
  if (tags.value("v") != "1") return fail(Kind::invalid, "v= is not 1");
  const std::string_view name = tags.value("a");
  if (name == to_string(Algorithm::rsa_sha256)) {
    signature.algorithm = Algorithm::rsa_sha256;
  } else if (name == to_string(Algorithm::ed25519_sha256)) {
    signature.algorithm = Algorithm::ed25519_sha256;
  } else if (name == "rsa-sha1") {
    return fail(Kind::refused, "rsa-sha1 proves nothing any more (RFC 8301)");
  } else {
    return fail(Kind::unsupported, fmt::format("a={} is unknown", name));
  }
  return {};
}

Result<void> read_canonicalization(const TagList& tags, Signature& signature) {
  const Result<CanonicalizationPair> pair = parse_canonicalization(tags.value("c", "simple/simple"));
  if (!pair) return std::unexpected(pair.error());
  signature.canonicalization = *pair;
  return {};
}

Result<void> read_names(const TagList& tags, Signature& signature) {
  signature.domain = base::lower(tags.value("d"));
  signature.selector = base::lower(tags.value("s"));
  if (!is_dns_name(signature.domain)) return fail(Kind::invalid, "d= is no domain");
  if (!is_dns_name(signature.selector)) return fail(Kind::invalid, "s= is no selector");
  if (!is_dns_name(key_record_name(signature.selector, signature.domain))) {
    return fail(Kind::invalid, "s= and d= make a name that DNS cannot hold");
  }
  return {};
}

/// i= stands for the domain or for one below it (RFC 6376 3.5).
Result<void> read_identity(const TagList& tags, Signature& signature) {
  signature.identity = without_white_space(tags.value("i"));
  if (tags.find("i") == nullptr) signature.identity = "@" + signature.domain;
  const std::size_t at = signature.identity.rfind('@');
  if (at == std::string::npos) return fail(Kind::invalid, "i= has no \"@\"");
  const std::string domain = base::lower(std::string_view(signature.identity).substr(at + 1));
  if (!is_dns_name(domain) || (domain != signature.domain && !domain.ends_with("." + signature.domain))) {
    return fail(Kind::invalid, "i= is outside of d=");
  }
  return {};
}

Result<void> read_values(const TagList& tags, Signature& signature) {
  const Result<std::string> body_hash = base::base64_decode(tags.value("bh"));
  if (!body_hash || body_hash->size() != Digest{}.size()) return fail(Kind::invalid, "bh= is no SHA-256 hash");
  const Result<std::string> value = base::base64_decode(tags.value("b"));
  if (!value || value->empty()) return fail(Kind::invalid, "b= is no signature");
  signature.body_hash = *body_hash;
  signature.signature = *value;
  return {};
}

Result<void> read_signed_fields(const TagList& tags, Signature& signature) {
  bool has_from = false;
  for (const std::string_view name : colon_list(tags.value("h"))) {
    if (!is_field_name(name)) return fail(Kind::invalid, "h= holds something that is no field name");
    has_from = has_from || base::equal_ignoring_case(name, "from");
    signature.signed_fields.emplace_back(name);
  }
  if (!has_from) return fail(Kind::invalid, "h= does not name From");
  return {};
}

Result<void> read_query(const TagList& tags, Signature& /*signature*/) {
  if (!contains(colon_list(tags.value("q", "dns/txt")), "dns/txt")) return fail(Kind::unsupported, "q= does not name dns/txt");
  return {};
}

Result<void> read_numbers(const TagList& tags, Signature& signature) {
  const std::array wanted{std::pair("l", &signature.body_length), std::pair("t", &signature.timestamp),
                          std::pair("x", &signature.expiration)};
  for (const auto& [name, place] : wanted) {
    const Tag* tag = tags.find(name);
    if (tag == nullptr) continue;
    const Result<std::uint64_t> number = base::parse_number(tag->value);
    if (!number) return fail(Kind::invalid, fmt::format("{}= is no number", name));
    *place = *number;
  }
  if (signature.timestamp && signature.expiration && *signature.expiration <= *signature.timestamp) {
    return fail(Kind::invalid, "x= is not later than t=");
  }
  return {};
}

/// The field's text with everything between "b=" and the next ";" or the end taken out (RFC 6376 3.5 b=, 3.7).
Result<std::string> without_signature(std::string_view raw_field) {
  const std::size_t colon = raw_field.find(':');
  if (colon == std::string_view::npos) return fail(Kind::invalid, "this is no header field");
  std::string_view value = raw_field.substr(colon + 1);
  if (value.ends_with("\r\n")) value.remove_suffix(2);
  const Result<TagList> tags = TagList::parse(value);
  if (!tags) return std::unexpected(tags.error());
  const Tag* tag = tags->find("b");
  if (tag == nullptr) return fail(Kind::invalid, "b= is missing");
  std::string text(raw_field);
  text.erase(static_cast<std::size_t>(tag->whole.data() - raw_field.data()), tag->whole.size());
  return text;
}

/// Whether the record may be used for mail signed with this algorithm (v=, k=, h=, s= of RFC 6376 3.6.1).
Result<void> check_use(const TagList& tags, Algorithm algorithm) {
  const Tag* version = tags.find("v");
  if (version != nullptr && (version != &tags.tags().front() || version->value != "DKIM1")) {
    return fail(Kind::invalid, "the key record is not of version DKIM1");
  }
  const std::string_view type = algorithm == Algorithm::ed25519_sha256 ? "ed25519" : "rsa";
  if (tags.value("k", "rsa") != type) {
    return fail(Kind::invalid,
                fmt::format("the key record is for {}, the signature is {}", tags.value("k", "rsa"), to_string(algorithm)));
  }
  if (tags.find("h") != nullptr && !contains(colon_list(tags.value("h")), "sha256")) {
    return fail(Kind::invalid, "the key record does not allow sha256");
  }
  const std::vector<std::string_view> services = colon_list(tags.value("s", "*"));
  if (!contains(services, "*") && !contains(services, "email")) return fail(Kind::invalid, "the key is not meant for mail");
  return {};
}

}  // namespace

std::string key_record_name(std::string_view selector, std::string_view domain) {
  return fmt::format("{}._domainkey.{}", selector, domain);
}

Result<Signature> Signature::parse(std::string_view field_value) {
  const Result<TagList> tags = TagList::parse(field_value);
  if (!tags) return std::unexpected(tags.error());
  for (const std::string_view name : {"v", "a", "b", "bh", "d", "h", "s"}) {
    if (tags->find(name) == nullptr) return fail(Kind::invalid, fmt::format("{}= is missing", name));
  }
  Signature signature;
  for (const auto read : {read_algorithm, read_canonicalization, read_names, read_identity, read_values, read_signed_fields,
                          read_query, read_numbers}) {
    if (const Result<void> done = read(*tags, signature); !done) return std::unexpected(done.error());
  }
  return signature;
}

Result<KeyRecord> read_key_record(std::string_view record, Algorithm algorithm) {
  const Result<TagList> tags = TagList::parse(record);
  if (!tags) return std::unexpected(tags.error());
  const Tag* key_text = tags->find("p");
  if (key_text == nullptr) return fail(Kind::invalid, "the key record has no p=");
  if (const Result<void> usable = check_use(*tags, algorithm); !usable) return std::unexpected(usable.error());
  if (key_text->value.empty()) return fail(Kind::refused, "the key is revoked");
  const Result<std::string> octets = base::base64_decode(key_text->value);
  if (!octets) return fail(Kind::invalid, "p= of the key record is not base64");
  const Result<PublicKey> key = PublicKey::from_record(algorithm, *octets);
  if (!key) return std::unexpected(key.error());
  const std::vector<std::string_view> flags = colon_list(tags->value("t"));
  return KeyRecord{.key = *key, .testing = contains(flags, "y"), .exact_domain = contains(flags, "s")};
}

Result<PublicKey> parse_key_record(std::string_view record, Algorithm algorithm) {
  const Result<KeyRecord> read = read_key_record(record, algorithm);
  if (!read) return std::unexpected(read.error());
  return read->key;
}

Result<void> check_signature(const mail::Field& field, const Signature& signature, const mail::HeaderBlock& header,
                             const Digest& body_hash, const PublicKey& key) {
  if (key.algorithm() != signature.algorithm) return fail(Kind::refused, "the key is for another algorithm");
  if (!std::ranges::equal(signature.body_hash, body_hash, {}, [](char c) { return static_cast<std::uint8_t>(c); })) {
    return fail(Kind::refused, "the body hash does not match");
  }
  const Result<std::string> own_field = without_signature(field.raw);
  if (!own_field) return fail(Kind::refused, own_field.error().words);
  const Digest hash = header_hash(signature.canonicalization.header, header, signature.signed_fields, *own_field, field.raw);
  if (!key.verifies(hash, signature.signature)) return fail(Kind::refused, "the signature does not match");
  return {};
}

Result<void> check_field(std::string_view raw_field, const mail::HeaderBlock& header, const Digest& body_hash,
                         const PublicKey& key) {
  const std::size_t colon = raw_field.find(':');
  if (colon == std::string_view::npos) return fail(Kind::invalid, "this is no header field");
  std::string_view value = raw_field.substr(colon + 1);
  if (value.ends_with("\r\n")) value.remove_suffix(2);
  const Result<Signature> signature = Signature::parse(value);
  if (!signature) return std::unexpected(signature.error());
  return check_signature({.name = raw_field.substr(0, colon), .value = value, .raw = raw_field}, *signature, header, body_hash,
                         key);
}

}  // namespace dkim

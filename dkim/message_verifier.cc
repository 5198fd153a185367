// Judging the signatures of a message, one after the other.
#include "dkim/message_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "dkim/tag_list.h"

namespace dkim {
namespace {

using base::Kind;

constexpr std::size_t longest_shown = 253;

void decide(SignatureResult& result, Verdict verdict, std::string_view reason) {
  result.verdict = verdict;
  result.reason = reason;
}

/// What a field says of itself, also when it cannot be understood.
void describe(const mail::Field& field, SignatureResult& result) {
  const auto tags = TagList::parse(field.value);
  if (!tags) return;
  const auto shown = [&](std::string_view name) { return std::string(tags->value(name).substr(0, longest_shown)); };
  result.domain = base::lower(shown("d"));
  result.selector = base::lower(shown("s"));
  result.algorithm = shown("a");
  result.identity = shown("i");
  result.signature = shown("b");
  std::erase_if(result.signature, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
}

/// Records at the name that are no key at all (another use of the name) are passed over.
bool looks_like_key(std::string_view record) {
  const auto tags = TagList::parse(record);
  return !tags || tags->find("p") != nullptr || tags->value("v") == "DKIM1";
}

std::uint64_t unsigned_octets(const Signature& signature, std::uint64_t body) {
  if (!signature.body_length || *signature.body_length >= body) return 0;
  return body - *signature.body_length;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass: return "pass";
    case Verdict::fail: return "fail";
    case Verdict::permerror: return "permerror";
    case Verdict::temperror: return "temperror";
    case Verdict::policy: return "policy";
  }
  return "";
}

void MessageVerifier::feed(std::string_view content) {
  if (!header_.complete()) {
    content.remove_prefix(header_.feed(content));
    if (!header_.complete()) return;
  }
  if (!body_started_) start_body();
  for (Candidate& candidate : candidates_) {
    if (candidate.body) candidate.body->update(content);
  }
}

void MessageVerifier::finish() {
  if (!header_.complete()) header_.finish();
  if (!body_started_) start_body();
  for (Candidate& candidate : candidates_) {
    if (!candidate.body) continue;
    candidate.body_hash = candidate.body->finish();
    const std::uint64_t length = candidate.body->canonical_length();
    candidate.result.unsigned_octets = unsigned_octets(*candidate.signature, length);
    candidate.body.reset();
    if (candidate.signature->body_length.value_or(0) > length) {
      decide(candidate.result, Verdict::fail, "the body is shorter than l= says");
      candidate.awaits_key = false;
    }
  }
}

void MessageVerifier::start_body() {
  body_started_ = true;
  if (header_.too_large()) {
    candidates_.emplace_back();
    decide(candidates_.back().result, Verdict::permerror, "the header is too large");
    return;
  }
  for (const mail::Field* field : header_.find("DKIM-Signature")) {
    Candidate& candidate = candidates_.emplace_back();
    candidate.field = field;
    describe(*field, candidate.result);
    if (candidates_.size() > max_signatures) {
      decide(candidate.result, Verdict::policy, fmt::format("only the first {} signatures are judged", max_signatures));
    } else {
      read(candidate);
    }
    if (candidate.body) candidate.body->update(header_.held_back());
  }
}

void MessageVerifier::read(Candidate& candidate) const {
  auto signature = Signature::parse(candidate.field->value);
  if (!signature) {
    candidate.result.malformed = signature.error().kind != Kind::refused;  // which is for rsa-sha1 (RFC 8301 3.1)
    return decide(candidate.result, Verdict::permerror, signature.error().words);
  }
  candidate.signature = std::move(*signature);
  candidate.result.identity = candidate.signature->identity;
  if (header_.count("From") == 0) return decide(candidate.result, Verdict::permerror, "the message has no From");
  if (candidate.signature->expiration.value_or(options_.now) < options_.now) {
    return decide(candidate.result, Verdict::fail, "the signature has expired (x=)");
  }
  candidate.body.emplace(candidate.signature->canonicalization.body, candidate.signature->body_length);
  candidate.awaits_key = true;
  decide(candidate.result, Verdict::temperror, "the key record was not looked up");
}

std::vector<std::string> MessageVerifier::questions() const {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates_) {
    if (!candidate.awaits_key) continue;
    std::string name = key_record_name(candidate.signature->selector, candidate.signature->domain);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

void MessageVerifier::answer(std::string_view name, const KeyAnswer& answer) {
  for (Candidate& candidate : candidates_) {
    if (!candidate.awaits_key) continue;
    if (key_record_name(candidate.signature->selector, candidate.signature->domain) != name) continue;
    candidate.awaits_key = false;
    judge(candidate, answer);
  }
}

void MessageVerifier::judge(Candidate& candidate, const KeyAnswer& answer) const {
  SignatureResult& result = candidate.result;
  if (answer.kind == KeyAnswer::Kind::unavailable) {
    candidate.awaits_key = true;  // may be asked again
    return decide(result, Verdict::temperror, "the key record cannot be had: " + answer.words);
  }
  std::vector<std::string_view> keys;
  for (const std::string& record : answer.records) {
    if (record.size() > max_record || answer.records.size() > max_records) {
      return decide(result, Verdict::permerror, "the answer for the key record is too large");
    }
    if (looks_like_key(record)) keys.emplace_back(record);
  }
  if (keys.empty()) return decide(result, Verdict::permerror, "there is no key record");
  // RFC 6376 3.6.2.2: with several records the result would be undefined, that is, somebody's choice.
  if (keys.size() > 1) return decide(result, Verdict::permerror, fmt::format("there are {} key records", keys.size()));
  judge(candidate, keys.front());
}

void MessageVerifier::judge(Candidate& candidate, std::string_view record) const {
  const Signature& signature = *candidate.signature;
  SignatureResult& result = candidate.result;
  const auto key = read_key_record(record, signature.algorithm);
  if (!key) return decide(result, Verdict::permerror, key.error().words);
  result.testing = key->testing;
  const std::string_view identity_domain = std::string_view(signature.identity).substr(signature.identity.rfind('@') + 1);
  if (key->exact_domain && !base::equal_ignoring_case(identity_domain, signature.domain)) {
    return decide(result, Verdict::permerror, "the key is for d= itself (t=s), and i= is below it");
  }
  if (signature.algorithm == Algorithm::rsa_sha256 && key->key.bits() < options_.min_key_bits) {
    return decide(result, Verdict::permerror, fmt::format("the key has {} bits only", key->key.bits()));
  }
  if (const auto right = check_signature(*candidate.field, signature, header_, candidate.body_hash, key->key); !right) {
    return decide(result, Verdict::fail, right.error().words);
  }
  std::string remark;
  if (result.unsigned_octets > 0) remark = fmt::format("{} octets of the body are not signed (l=)", result.unsigned_octets);
  if (result.testing) remark += remark.empty() ? "the domain is testing (t=y)" : ", the domain is testing (t=y)";
  decide(result, Verdict::pass, remark);
}

std::vector<SignatureResult> MessageVerifier::results() const {
  std::vector<SignatureResult> all;
  all.reserve(candidates_.size());
  for (const Candidate& candidate : candidates_) all.push_back(candidate.result);
  return all;
}

}  // namespace dkim

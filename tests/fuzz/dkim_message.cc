// Fuzzes the judging of a whole message with a key that its author may choose: however the octets come in pieces the results are
// the same, they are as many as there are signatures, and without an answer nothing passes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/message_verifier.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The key record is the first line, the message what stands behind it.
std::vector<dkim::SignatureResult> judge(std::string_view record, std::string_view message, std::size_t piece) {
  dkim::MessageVerifier verifier(dkim::VerifyOptions{.now = 1'790'000'000});
  for (std::size_t at = 0; at < message.size(); at += piece) verifier.feed(message.substr(at, piece));
  verifier.finish();
  for (const dkim::SignatureResult& result : verifier.results()) require(result.verdict != dkim::Verdict::pass);
  dkim::KeyAnswer answer;
  answer.kind = dkim::KeyAnswer::Kind::found;
  answer.records = {std::string(record)};
  for (const std::string& name : verifier.questions()) verifier.answer(name, answer);
  require(verifier.questions().empty());
  if (!verifier.header().too_large()) require(verifier.results().size() == verifier.header().count("DKIM-Signature"));
  return verifier.results();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  if (end == std::string_view::npos) return 0;
  const std::string_view record = input.substr(0, end);
  const std::string_view message = input.substr(end + 1);
  const auto whole = judge(record, message, size);
  const auto pieces = judge(record, message, 3);
  require(whole.size() == pieces.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    require(whole[i].verdict == pieces[i].verdict && whole[i].reason == pieces[i].reason);
  }
  return 0;
}

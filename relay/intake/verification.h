// The signatures of a stranger's message, judged while it is received: its header on the loop, which gives the questions to DNS,
// its body on the worker that reads it back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "dkim/message_verifier.h"
#include "relay/questions.h"

namespace relay::intake {

class Verification {
 public:
  /// x= is judged by `now`.
  explicit Verification(base::Time now);

  /// The message as it came, in pieces.
  void take(std::string_view content) { verifier_.feed(content); }
  void finish() { verifier_.finish(); }
  /// The key records that are wanted; none before the header is complete.
  std::vector<Question> questions() const;
  /// What DNS said to each question; a signature whose question has no answer is temperror.
  void answer(std::vector<Question> questions, Answers answers);
  /// After finish(), on a worker: what each signature is worth, top to bottom; those past the verifier's limit are one.
  std::vector<dkim::SignatureResult> conclude();

 private:
  dkim::MessageVerifier verifier_;
  std::vector<Question> questions_;
  Answers answers_;
};

/// RFC 8601 2.7.1.
std::string_view result_word(const dkim::SignatureResult& result);

/// The field that tells those behind us, with its CR LF.
std::string results_field(std::string_view hostname, const std::vector<dkim::SignatureResult>& results);

}  // namespace relay::intake

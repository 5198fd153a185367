// Feeding the verifier, and putting its verdicts into words.
#include "relay/intake/verification.h"

#include <algorithm>
#include <chrono>

#include "mail/authentication_results.h"

namespace relay::intake {
namespace {

dkim::VerifyOptions options_at(base::Time now) {
  dkim::VerifyOptions options;
  options.now = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  return options;
}

}  // namespace

Verification::Verification(base::Time now) : verifier_(options_at(now)) {}

std::vector<Question> Verification::questions() const {
  std::vector<Question> questions;
  for (std::string& name : verifier_.questions()) questions.push_back(Question{std::move(name), dns::RecordType::txt});
  return questions;
}

void Verification::answer(std::vector<Question> questions, Answers answers) {
  questions_ = std::move(questions);
  answers_ = std::move(answers);
}

std::vector<dkim::SignatureResult> Verification::conclude() {
  for (std::size_t i = 0; i < questions_.size(); ++i) verifier_.answer(questions_[i].name, key_answer(answers_[i]));
  auto results = verifier_.results();
  results.resize(std::min(results.size(), dkim::MessageVerifier::max_signatures + 1));
  return results;
}

std::string_view result_word(const dkim::SignatureResult& result) {
  return result.malformed ? "neutral" : dkim::to_string(result.verdict);
}

std::string results_field(std::string_view hostname, const std::vector<dkim::SignatureResult>& results) {
  std::vector<mail::DkimOutcome> outcomes;
  for (const dkim::SignatureResult& result : results) {
    outcomes.push_back(mail::DkimOutcome{result_word(result), result.reason, result.domain, result.selector, result.algorithm,
                                         result.signature});
  }
  return mail::authentication_results(hostname, outcomes);
}

}  // namespace relay::intake

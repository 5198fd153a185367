// All signatures of a message judged without I/O (RFC 6376 6): content in, questions for key records out, records fed, verdicts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/canonical.h"
#include "dkim/verifier.h"
#include "mail/header.h"

namespace dkim {

/// The results of RFC 8601 2.7.1 that this verifier gives: fail where hash, signature or time are wrong, permerror where the
/// signature or its key record cannot be used, temperror where DNS could not be asked, policy where we decline to look.
enum class Verdict : std::uint8_t { pass, fail, permerror, temperror, policy };
std::string_view to_string(Verdict verdict);

/// One DKIM-Signature field; the texts are as the field has them, bounded, and may hold anything a stranger wrote.
class SignatureResult {
 public:
  Verdict verdict = Verdict::permerror;
  std::string domain;                 ///< d=, empty when it cannot be read
  std::string selector;               ///< s=
  std::string algorithm;              ///< a=
  std::string identity;               ///< i=
  std::string signature;              ///< b= without white space
  std::string reason;                 ///< why, in a few words; for a pass what a reader ought to know (l=, t=y), or empty
  bool malformed = false;             ///< permerror because the field cannot be understood, which RFC 8601 2.7.1 calls neutral
  bool testing = false;               ///< t=y of the key record: the domain is trying DKIM out (RFC 6376 3.6.1)
  std::uint64_t unsigned_octets = 0;  ///< of the canonical body behind l=
};

struct VerifyOptions {
  std::uint64_t now = 0;    ///< seconds since 1970; x= is judged by it
  int min_key_bits = 1024;  ///< RSA; RFC 8301 3.2 allows none below
};

/// What DNS said for a name.
class KeyAnswer {
 public:
  enum class Kind : std::uint8_t { found, none, unavailable };
  Kind kind = Kind::none;
  std::vector<std::string> records = {};  ///< each TXT record with its strings joined
  std::string words = {};                 ///< why it is unavailable
};

/// Bounds: the first max_signatures fields are judged, the others are policy; a header over mail::HeaderBlock's limits gives one
/// permerror; a key record over max_record octets is none.
class MessageVerifier {
 public:
  static constexpr std::size_t max_signatures = 20;
  static constexpr std::size_t max_record = 16U << 10U;
  static constexpr std::size_t max_records = 10;  ///< at one name

  explicit MessageVerifier(VerifyOptions options) : options_(options) {}

  /// The message with CR LF line ends, in pieces of any size.
  void feed(std::string_view content);
  void finish();

  /// After finish(): the names whose TXT records are wanted, each once.
  std::vector<std::string> questions() const;
  void answer(std::string_view name, const KeyAnswer& answer);
  /// In the order of the message, top to bottom; a question without an answer is temperror. Empty: unsigned.
  std::vector<SignatureResult> results() const;

  const mail::HeaderBlock& header() const { return header_; }

 private:
  struct Candidate {
    const mail::Field* field = nullptr;
    std::optional<Signature> signature;
    std::optional<BodyHash> body;
    Digest body_hash{};
    bool awaits_key = false;
    SignatureResult result;
  };

  void start_body();
  void read(Candidate& candidate) const;
  void judge(Candidate& candidate, const KeyAnswer& answer) const;
  void judge(Candidate& candidate, std::string_view record) const;

  VerifyOptions options_;
  mail::HeaderBlock header_;
  bool body_started_ = false;
  std::vector<Candidate> candidates_;
};

}  // namespace dkim

// A message while it is received: header, body hashes and content gather on the loop; a worker writes, signs and verifies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dkim/canonical.h"
#include "dkim/crypto.h"
#include "mail/header.h"
#include "mail/reencode.h"
#include "mail/repair.h"
#include "queue/content_file.h"
#include "queue/message.h"
#include "relay/intake/verification.h"
#include "relay/settings.h"

namespace relay::intake {

/// Octets of content that all sessions together hold in memory (DESIGN: at most 32 MiB). On the loop alone.
class BufferBudget {
 public:
  static constexpr std::size_t most = 32U << 20U;
  void add(std::size_t octets) { held_ += octets; }
  void remove(std::size_t octets) { held_ -= octets; }
  bool is_tight() const { return held_ > most / 2; }
  std::size_t held() const { return held_; }

 private:
  std::size_t held_ = 0;
};

struct SignedBy {
  std::string domain;
  std::string selector;
};

/// Header fields that a message came with and that it does not keep.
struct Stripped {
  std::string_view name;
  std::string values;  ///< for the log; bounded; empty: none were taken away
};

/// A message ready for the store, who signed it, and what the signatures are worth that it came with.
class Sealed {
 public:
  queue::Message message;
  std::vector<SignedBy> signatures;
  std::vector<dkim::SignatureResult> verified;
  bool reencoded = false;
  bool has_long_lines = false;
  std::string signing_error;  ///< a key matched and could not sign, or its signature did not verify; empty: all is well
};

class StoredContent;

class Draft {
 public:
  Draft(std::shared_ptr<const Settings> settings, queue::Origin origin, queue::QueueId id, BufferBudget& budget);
  ~Draft();
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  queue::QueueId id() const { return id_; }
  const mail::HeaderBlock& header() const { return header_; }

  /// RFC 5322 has no place for one.
  bool has_nul() const { return has_nul_; }
  /// Received fields that it came with.
  std::size_t hops() const { return hops_; }
  /// Fields that were taken away: Received of trusted clients, as accept.received says; Authentication-Results of strangers that
  /// pretend to be ours, where signatures are verified.
  const Stripped& stripped() const { return stripped_; }
  /// Octets of its longest line.
  std::size_t longest_line() const { return lines_.longest(); }
  /// seal() will make the parts with long lines anew: only a trusted client's mail that is not signed yet.
  bool is_reencoded() const;

  /// A piece of content, on the loop.
  void take(std::string_view content);
  /// No more content, on the loop.
  void finish();
  /// The buffer is large enough for a file (or memory is short): await write_out() before more is taken.
  bool wants_write_out() const;
  /// On a worker: the buffer goes to the content file.
  base::Result<void> write_out(queue::Disk& disk);
  /// After write_out(), on the loop: the buffer is empty again.
  void written_out();

  /// Of the content as it came, after finish(); nothing unless accept.duplicates wants it. Once.
  std::optional<dkim::Digest> content_digest();
  /// The first address of From:, or nothing when there is none that can be read.
  const std::optional<mail::Mailbox>& author() const { return author_; }
  /// A stranger's mail is never signed.
  std::vector<const dkim::SigningRule*> signing_rules() const;
  /// The key records of a stranger's signatures, after finish(); none unless dkim.mode verifies.
  std::vector<Question> key_questions() const;
  void answer(std::vector<Question> questions, Answers answers);

  /// On a worker: the file is synced, long lines are re-encoded, Received, the signatures and the fields that lacked become the
  /// prefix, each signature is verified against the content as it is stored, the CRC is computed; or the signatures that a
  /// stranger's message came with are judged, and the results stand first in the prefix. `envelope` and `client` enter the
  /// message; a client without an address: the message is our own.
  base::Result<Sealed> seal(queue::Disk& disk, mail::Envelope envelope, mail::Client client, base::Time now);

 private:
  void header_came();
  void strip(std::string_view name, const mail::WhichFields& which);
  base::Result<void> mend(queue::Disk& disk, Sealed& sealed);
  void add_missing_fields(base::Time now);
  void describe(queue::Message& message, mail::Envelope envelope, mail::Client client, base::Time now) const;
  base::Result<void> read_back(const queue::Content& content, StoredContent& stored);
  void sign(Sealed& sealed, const StoredContent& stored, base::Time now) const;
  void tell_results(Sealed& sealed);

  std::shared_ptr<const Settings> settings_;
  queue::Origin origin_;
  queue::QueueId id_;
  BufferBudget& budget_;
  mail::HeaderBlock header_;
  dkim::BodyHashes hashes_;
  std::optional<dkim::Sha256> content_sum_;
  std::optional<mail::Mailbox> author_;
  bool has_nul_ = false;
  std::size_t hops_ = 0;
  Stripped stripped_;
  std::optional<Verification> verification_;
  std::size_t verified_ = 0;  // octets at the start of the content that it has had
  mail::LineLengths lines_;
  std::string added_;  // fields before the content
  std::string buffer_;
  std::size_t counted_ = 0;  // of the buffer, in the budget
  std::optional<queue::ContentWriter> writer_;
};

}  // namespace relay::intake

// The header of a message (RFC 5322): a bounded scanner for content that streams in, field look-up, and the fields that a relay
// writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "mail/address.h"
#include "mail/envelope.h"

namespace mail {

/// One header field as it stands in the message.
struct Field {
  std::string_view name;   ///< without the colon and white space before it
  std::string_view value;  ///< behind the colon, with folds, without the final CR LF
  std::string_view raw;    ///< all of it with the final CR LF
};

/// Collects the header while content streams in with CR LF line ends (EndOfData's output).
/// Bounds: 256 KiB and 5,000 fields; past them too_large() is true and nothing more is kept.
class HeaderBlock {
 public:
  static constexpr std::size_t max_octets = 256U << 10U;
  static constexpr std::size_t max_fields = 5000;

  /// Takes content; returns how many octets belong to the header (with the empty line that ends it): the rest is body.
  std::size_t feed(std::string_view content);
  /// No more content; a message may end without a body.
  void finish();

  bool complete() const { return complete_; }
  bool too_large() const { return too_large_; }
  /// In the order of the message. Views into this object; a line that is no field ("foo" without a colon) ends the header as RFC
  /// 5322 readers do, see had_no_separator().
  const std::vector<Field>& fields() const { return fields_; }
  /// The header was ended by a line that is neither a field nor empty; that line is body.
  bool had_no_separator() const { return no_separator_; }
  /// Fields of that name, any case, top to bottom.
  std::vector<const Field*> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::string& raw() const { return text_; }

 private:
  void scan();
  std::string text_;
  std::vector<Field> fields_;
  bool complete_ = false;
  bool too_large_ = false;
  bool no_separator_ = false;
};

/// Unfolded, comments left in, trimmed.
std::string unfold(std::string_view value);

/// The first address of a From: value (RFC 5322 3.4: mailbox-list; display names, comments, quoted strings, groups).
/// Kind::invalid when there is none.
Result<Mailbox> first_address(std::string_view field_value);

/// The one Message-ID with its angle brackets, or empty.
std::string message_id(const HeaderBlock& header);

struct ReceivedParts {
  std::string_view by;  ///< our hostname
  std::string_view id;  ///< queue id
  const Client* client = nullptr;
  const Recipient* only_recipient = nullptr;  ///< "for" is written only when there is just one
  base::Time when;
};
/// "Received: ..." with its final CR LF, folded (RFC 5321 4.4); protocol SMTP, ESMTP, ESMTPS as RFC 3848 names them.
std::string make_received(const ReceivedParts& parts);

/// RFC 5322 3.3 date-time in UTC: "Tue, 24 Nov 2026 12:39:34 +0000".
std::string date_time(base::Time when);

}  // namespace mail

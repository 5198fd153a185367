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

/// Collects the header while content streams in with CR LF line ends (EndOfData's output), in pieces of any size.
/// Bounds: 256 KiB and 5,000 fields; past them too_large() is true and nothing is kept.
/// To be moved, not copied; what fields() gave before a move is void.
class HeaderBlock {
 public:
  static constexpr std::size_t max_octets = 256U << 10U;
  static constexpr std::size_t max_fields = 5000;

  HeaderBlock() = default;
  HeaderBlock(HeaderBlock&& other) noexcept;
  HeaderBlock& operator=(HeaderBlock&& other) noexcept;
  HeaderBlock(const HeaderBlock&) = delete;
  HeaderBlock& operator=(const HeaderBlock&) = delete;
  ~HeaderBlock() = default;

  /// Takes content; returns how many octets belong to the header (with the empty line that ends it): the rest is body, behind
  /// held_back().
  std::size_t feed(std::string_view content);
  /// No more content; a message may end without a body.
  void finish();

  bool complete() const { return complete_; }
  bool too_large() const { return too_large_; }
  /// Once complete(), in the order of the message. Views into this object; a line that is no field ("foo" without a colon) ends
  /// the header as RFC 5322 readers do, see had_no_separator().
  const std::vector<Field>& fields() const { return fields_; }
  /// The header was ended by a line that is neither a field nor empty; that line is body.
  bool had_no_separator() const { return no_separator_; }
  /// Octets that earlier calls of feed() took for header and that are body after all: the start of the line that ended the header
  /// without being empty. Final once complete().
  std::string_view held_back() const { return held_back_; }
  /// Fields of that name, any case, top to bottom.
  std::vector<const Field*> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  /// All of it as it came, with the empty line that ended it.
  const std::string& raw() const { return text_; }

 private:
  /// Offsets in text_, which may move while it grows.
  struct Place {
    std::uint32_t start;
    std::uint32_t name_end;
    std::uint32_t colon;
  };
  enum class Line : std::uint8_t { header, end, body };

  Line take_line(std::string_view line);
  void end_without_separator(std::size_t octets_of_this_feed);
  void give_up();
  void conclude();
  void point_fields();

  std::string text_;
  std::size_t line_start_ = 0;  ///< of the line in text_ that is still growing
  std::vector<Place> places_;
  std::vector<Field> fields_;
  std::string held_back_;
  bool complete_ = false;
  bool too_large_ = false;
  bool no_separator_ = false;
};

/// Without folds, trimmed; comments are left in.
std::string unfold(std::string_view value);

/// The first address of a From: value (RFC 5322 3.4 and 4.4: mailbox-list; display names, comments, quoted strings, groups,
/// source routes), as readers with some patience see it: words without "@" before a comma are passed over, an address that cannot
/// be read is not. Kind::invalid when there is none, Kind::unsupported when it is not ASCII. Linear in the size of the value.
Result<Mailbox> first_address(std::string_view field_value);

/// All addresses of a From: value, by the same reading. Kind::invalid when there is none, or one that cannot be read.
Result<std::vector<Mailbox>> all_addresses(std::string_view field_value);

/// The one Message-ID with its angle brackets, or empty (none, several, or not one word).
std::string message_id(const HeaderBlock& header);

/// Whether a Received line tells who the client is.
enum class ShowClient : std::uint8_t { no, yes };

/// RFC 8689 3: one TLS-Required field, and it says No.
bool asks_for_no_tls_policy(const HeaderBlock& header);

struct ReceivedParts {
  std::string_view by;             ///< our hostname
  std::string_view id;             ///< queue id
  const Client* client = nullptr;  ///< without one the message is our own: no "from", no "with"; of a local one the user is told
  const Recipient* only_recipient = nullptr;  ///< "for" is written only when there is just one, and in ASCII
  base::Time when;
  SmtpUtf8 utf8 = SmtpUtf8::absent;
  ShowClient show_client = ShowClient::yes;  ///< no: no "from", but "with"
};
/// "Received: ..." with its final CR LF, folded (RFC 5321 4.4); the protocol as RFC 3848 and RFC 6531 4.3 name it: SMTP, ESMTPS,
/// UTF8SMTPSA.
/// What the client said of itself is shown with "?" for every octet that has no place in a host name.
std::string make_received(const ReceivedParts& parts);

/// RFC 5322 3.3 date-time in UTC: "Tue, 24 Nov 2026 12:39:34 +0000".
std::string date_time(base::Time when);

}  // namespace mail

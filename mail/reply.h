// SMTP replies (RFC 5321 4.2) with enhanced status codes (RFC 3463): built, printed, and read from a stream.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mail {

using base::Result;

/// class.subject.detail of RFC 3463.
struct EnhancedStatus {
  std::uint16_t category = 0;  ///< 2, 4 or 5
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  /// Reads a leading "5.7.1"; nothing when the text does not start with one.
  static std::optional<EnhancedStatus> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const EnhancedStatus&, const EnhancedStatus&) = default;
};

class Reply {
 public:
  Reply() = default;
  /// One line; `text` may hold '\n' for several.
  Reply(int code, std::string_view text);
  Reply(int code, EnhancedStatus status, std::string_view text);

  int code = 0;                          ///< 200-599
  std::optional<EnhancedStatus> status;  ///< where the reply carries one
  std::vector<std::string> lines;        ///< texts without code and enhanced status

  bool is_positive() const { return code >= 200 && code < 300; }
  bool is_intermediate() const { return code >= 300 && code < 400; }
  bool is_transient() const { return code >= 400 && code < 500; }
  bool is_permanent() const { return code >= 500 && code < 600; }

  /// As the server sends it, each line with code and enhanced status, CRLF at the end.
  std::string to_wire() const;
  /// On one line, for logs and the queue: "550 5.1.1 no such user"; lines joined by a blank.
  std::string to_string() const;

  friend bool operator==(const Reply&, const Reply&) = default;
};

/// Reads replies from a stream of octets, bounded: a line of 2,048 octets, 128 lines, 32 KiB a reply; LF alone ends a line too.
class ReplyParser {
 public:
  void feed(std::string_view bytes);
  /// A reply, nothing yet, or Kind::invalid when the other side does not speak SMTP (then the parser is of no more use).
  Result<std::optional<Reply>> next();
  /// Nothing was read that has not been given as a reply.
  bool empty() const { return input_.size() == start_ && !partial_; }

 private:
  std::string input_;
  std::size_t start_ = 0;
  std::optional<Reply> partial_;
  std::size_t partial_size_ = 0;
};

}  // namespace mail

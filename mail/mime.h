// The parts of a message (RFC 2045, 2046) while it streams by: headers, what stands in a part, what stands between parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/header.h"

namespace mail {

/// Content-Transfer-Encoding (RFC 2045 6); identity is 7bit, 8bit, binary and none at all.
enum class Coding : std::uint8_t { identity, quoted_printable, base64, other };
Coding coding_of(const HeaderBlock& header);

struct ContentType {
  std::string type;      ///< "text/plain", lower case; empty when the field cannot be read or stands there twice
  std::string boundary;  ///< of a multipart; empty when there is none that can be used
  bool is_text() const { return type.starts_with("text/"); }
  bool is_multipart() const { return type.starts_with("multipart/"); }
  /// Its octets are signed or encrypted: multipart/signed, multipart/encrypted (RFC 1847), S/MIME (RFC 8551).
  bool is_sealed() const;
};
/// `usual` is what no field means: "text/plain", in a digest "message/rfc822".
ContentType content_type_of(const HeaderBlock& header, std::string_view usual);

/// Told what a message consists of, in the order of its octets: all of them, each once.
class PartHandler {
 public:
  PartHandler() = default;
  PartHandler(const PartHandler&) = delete;
  PartHandler& operator=(const PartHandler&) = delete;
  virtual ~PartHandler() = default;
  /// A part without parts begins, with a header that was read.
  virtual void begin_leaf(const HeaderBlock& header, const ContentType& type) = 0;
  /// A piece of its body; the line end before a boundary is none of it.
  virtual void leaf(std::string_view octets) = 0;
  virtual void end_leaf() = 0;
  /// The header of a multipart, or of a message in a message.
  virtual void outer_header(const HeaderBlock& header) = 0;
  /// Boundaries, what stands before, between and behind parts, and parts that make no sense.
  virtual void frame(std::string_view octets) = 0;
};

/// Walks through content in pieces of any size; what the handler is told does not depend on how it is cut but for the pieces of
/// leaf() and frame(). Bounds: 20 levels of parts, 256 KiB and 5,000 fields a header, 200 octets a boundary; what is beyond is
/// taken as a leaf or as frame. Holds a header and a line of up to 1,000 octets.
class MimeWalker {
 public:
  explicit MimeWalker(PartHandler& handler);
  void feed(std::string_view octets);
  /// No more content.
  void finish();

 private:
  enum class Place : std::uint8_t { header, leaf, frame };
  struct Level {
    std::string boundary;
    std::size_t depth;
    bool digest;
  };

  bool may_be_boundary(std::string_view line) const;
  bool take_boundary(std::string_view line);
  void take_piece(std::string_view piece, bool ends);
  void take_header_line(std::string_view line);
  void conclude_header();
  void pass(std::string_view octets);
  void pass_leaf(std::string_view octets);
  void end_part();
  void begin_part(std::string_view usual);

  PartHandler& handler_;
  std::vector<Level> levels_;
  std::size_t depth_ = 0;
  Place place_ = Place::header;
  HeaderBlock header_;
  std::string header_text_;
  std::string usual_ = "text/plain";
  std::string line_;      // the start of a line that is not judged yet
  bool in_line_ = false;  // the start of this line was passed on
  std::string line_end_;  // of a leaf: belongs to it unless a boundary follows
};

}  // namespace mail

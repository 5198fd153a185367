// Lines over 998 octets (RFC 5322 2.1.1) would be cut on the way, and the signature with them: found in one pass over a message,
// mended in a second one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/header.h"
#include "mail/mime.h"

namespace mail {

inline constexpr std::size_t longest_line = 998;  ///< octets without CR LF, RFC 5322 2.1.1

/// Finds the longest line of content that streams by.
class LineLengths {
 public:
  void feed(std::string_view content);
  /// Octets without CR LF, the unfinished last line included.
  std::size_t longest() const;

 private:
  std::size_t longest_ = 0;
  std::size_t current_ = 0;  // octets of this line so far, its CR included
  bool carriage_return_ = false;
};

/// What a part with long lines needs.
enum class Treatment : std::uint8_t { none, quoted_printable, base64, wrap_quoted_printable, wrap_base64 };

/// By the number of the leaf; leaves behind its end stay as they are.
struct RepairPlan {
  struct Part {
    Treatment treatment = Treatment::none;
    std::string_view charset = {};  ///< for a text without Content-Type
  };
  std::vector<Part> parts;
  bool changes = false;
  /// Long lines stay: in what is signed or encrypted, in a header that cannot be folded, between parts.
  bool leaves_long_lines = false;
};

/// The first pass. Text is quoted-printable when most of it is ASCII, anything else base64; what is encoded already is only
/// wrapped. multipart/signed, multipart/encrypted, S/MIME, PGP between the lines and unknown encodings stay as they are.
class LineSurvey {
 public:
  LineSurvey();
  ~LineSurvey();
  LineSurvey(const LineSurvey&) = delete;
  LineSurvey& operator=(const LineSurvey&) = delete;
  void feed(std::string_view content);
  RepairPlan finish();

 private:
  class Handler;
  std::unique_ptr<Handler> handler_;
  MimeWalker walker_;
};

/// The second pass, over the same content: what decodes to the same parts, without long lines where the plan says so. Fields
/// that tell the encoding are replaced, and added where they lack; long lines of headers are folded.
class Reencoder {
 public:
  explicit Reencoder(RepairPlan plan);
  ~Reencoder();
  Reencoder(const Reencoder&) = delete;
  Reencoder& operator=(const Reencoder&) = delete;
  /// Appends to `out`.
  void feed(std::string_view content, std::string& out);
  void finish(std::string& out);

 private:
  class Handler;
  std::unique_ptr<Handler> handler_;
  MimeWalker walker_;
};

/// A header's text (with CR LF) whose long lines are folded before white space (unfolding gives the same text, RFC 5322 2.2.3);
/// nothing when one of them has none in the right place.
std::optional<std::string> fold_long_lines(std::string_view header_text);

/// The message is signed as a whole already: any change would break that.
bool is_signed_already(const HeaderBlock& header);

}  // namespace mail

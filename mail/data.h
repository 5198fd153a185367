// The transparency of DATA (RFC 5321 4.5.2): EndOfData takes the dots away on the way in, DotStuffer puts them in on the way out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mail {

/// What to do with a message that holds a LF without CR before it, or a CR without LF behind it (RFC 5321 2.3.8 forbids both).
/// Normalised, the LF becomes CR LF and the CR a space (it is no line end to anyone and would be one to somebody).
/// CR LF . CR LF alone ends the content in either case.
enum class BareNewline : std::uint8_t { normalize, reject };

/// Finds the end of DATA and removes dot-stuffing. Only CR LF . CR LF ends it: LF.LF, CR.CR, LF.CRLF, CRLF.LF, CRLF.CR never do.
/// What comes out has CR LF line ends only and always ends with one unless empty. A dot is taken away behind CR LF alone: behind
/// a bare LF it is content, which DotStuffer doubles again, so that LF.LF goes out as a line with a dot and nothing is smuggled.
class EndOfData {
 public:
  explicit EndOfData(BareNewline bare_newline) : bare_newline_(bare_newline) {}

  /// Consumes from `in`, appends content to `out`; returns how many octets of `in` were used (all, unless done()).
  std::size_t consume(std::string_view in, std::string& out);
  bool done() const { return state_ == State::done; }
  /// A bare LF or a lone CR was seen.
  bool saw_bare_newline() const { return saw_bare_newline_; }
  /// The message is to be refused once done().
  bool must_refuse() const { return saw_bare_newline_ && bare_newline_ == BareNewline::reject; }

 private:
  enum class State : std::uint8_t { line_start, in_line, cr, dot, dot_cr, done };

  std::size_t step(char c, std::string& out);
  void write_line_end(std::string& out);

  BareNewline bare_newline_;
  State state_ = State::line_start;
  bool saw_bare_newline_ = false;
};

/// Line ends as EndOfData makes them, for content whose length is told beforehand (BDAT, RFC 3030): dots are content, and nothing
/// in it ends it.
class LineEnds {
 public:
  void consume(std::string_view in, std::string& out);
  /// The content is complete: its last line gets an end.
  void finish(std::string& out);
  /// A bare LF or a lone CR was seen.
  bool saw_bare_newline() const { return saw_bare_newline_; }

 private:
  void write_lone_cr(std::string& out);

  bool cr_ = false;  ///< the last octet, not yet written
  bool line_start_ = true;
  bool saw_bare_newline_ = false;
};

/// Doubles the dots at line starts and ends with CR LF . CR LF; right at every chunk boundary. Should content hold a bare LF or
/// CR, a dot behind it is doubled too, because a careless receiver might take it for a line start.
class DotStuffer {
 public:
  void append(std::string_view content, std::string& out);
  /// Completes an unfinished last line and adds the final dot.
  void finish(std::string& out);

 private:
  enum class State : std::uint8_t { line_start, in_line, cr, bare_lf };
  State state_ = State::line_start;
};

}  // namespace mail

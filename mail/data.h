// The transparency of DATA (RFC 5321 4.5.2): EndOfData takes the dots away on the way in, DotStuffer puts them in on the way out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mail {

/// What to do with a LF without CR before it. A lone CR becomes a space when newlines are normalised (it is no line end
/// to anyone and would be one to somebody); CR LF . CR LF alone ends the content in either case.
enum class BareNewline : std::uint8_t { normalize, reject };

/// Finds the end of DATA and removes dot-stuffing. Only CR LF . CR LF ends it: LF.LF, CR.CR, LF.CRLF, CRLF.LF, CRLF.CR never do.
/// What comes out has CR LF line ends only and always ends with one unless empty.
class EndOfData {
 public:
  explicit EndOfData(BareNewline bare_newline) : bare_newline_(bare_newline) {}

  /// Consumes from `in`, appends content to `out`; returns how many octets of `in` were used (all, unless done()).
  std::size_t consume(std::string_view in, std::string& out);
  bool done() const { return state_ == State::done; }
  /// Bare newlines were seen (and, with reject, the message must be refused once done()).
  bool saw_bare_newline() const { return saw_bare_newline_; }

 private:
  enum class State : std::uint8_t { line_start, in_line, cr, dot, dot_cr, done };
  BareNewline bare_newline_;
  State state_ = State::line_start;
  bool saw_bare_newline_ = false;
};

/// Doubles the dots at line starts and ends with CR LF . CR LF; right at every chunk boundary.
class DotStuffer {
 public:
  void append(std::string_view content, std::string& out);
  /// Completes an unfinished last line and adds the final dot.
  void finish(std::string& out);

 private:
  enum class State : std::uint8_t { line_start, in_line, cr };
  State state_ = State::line_start;
};

}  // namespace mail

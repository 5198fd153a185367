// Reading of the fields that say what a part is, and the walk through nested parts without recursion.
#include "mail/mime.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mail/comment.h"

namespace mail {
namespace {

constexpr std::size_t most_levels = 20;
constexpr std::size_t longest_boundary = 200;        // RFC 2046 5.1.1 allows 70, writers are generous
constexpr std::size_t longest_boundary_line = 1000;  // with the white space that may follow
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view token_ends = " \t\r\n()<>@,;:\\\"/[]?=";  // RFC 2045 5.1

/// Reads "type/subtype; name=value; ..." from left to right.
class ParameterReader {
 public:
  explicit ParameterReader(std::string_view text) : rest_(text) {}

  bool skip(char expected) {
    skip_blanks();
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view token() {
    skip_blanks();
    const std::string_view word = rest_.substr(0, rest_.find_first_of(token_ends));
    rest_.remove_prefix(word.size());
    return word;
  }

  std::string value() {
    skip_blanks();
    if (!rest_.starts_with('"')) {
      // Writers forget the quotes around characters that need them.
      const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r\n;\""));
      rest_.remove_prefix(word.size());
      return std::string(word);
    }
    std::string text;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      if (rest_[i] != '\r' && rest_[i] != '\n') text += rest_[i];
    }
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    return text;
  }

 private:
  void skip_blanks() {
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(white_space), rest_.size()));
      if (!rest_.starts_with('(')) return;
      rest_.remove_prefix(std::min(comment_size(rest_), rest_.size()));
    }
  }

  std::string_view rest_;
};

bool is_usable_boundary(std::string_view boundary) {
  return !boundary.empty() && boundary.size() <= longest_boundary && boundary.back() != ' ' &&
         std::ranges::all_of(boundary, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

Coding coding_of(const HeaderBlock& header) {
  const auto fields = header.find("Content-Transfer-Encoding");
  if (fields.empty()) return Coding::identity;
  if (fields.size() > 1) return Coding::other;
  ParameterReader reader(fields.front()->value);
  const std::string word = base::lower(reader.token());
  if (word == "7bit" || word == "8bit" || word == "binary") return Coding::identity;
  if (word == "quoted-printable") return Coding::quoted_printable;
  return word == "base64" ? Coding::base64 : Coding::other;
}

bool ContentType::is_sealed() const {
  return type == "multipart/signed" || type == "multipart/encrypted" || type == "application/pkcs7-mime" ||
         type == "application/x-pkcs7-mime";
}

ContentType content_type_of(const HeaderBlock& header, std::string_view usual) {
  ContentType result;
  const auto fields = header.find("Content-Type");
  if (fields.empty()) result.type = usual;
  if (fields.size() != 1) return result;
  ParameterReader reader(fields.front()->value);
  const std::string_view type = reader.token();
  if (type.empty() || !reader.skip('/')) return result;
  const std::string_view subtype = reader.token();
  if (subtype.empty()) return result;
  result.type = base::lower(type) + '/' + base::lower(subtype);
  while (reader.skip(';')) {
    const std::string_view name = reader.token();
    if (!reader.skip('=')) continue;
    std::string value = reader.value();
    if (result.boundary.empty() && base::equal_ignoring_case(name, "boundary") && is_usable_boundary(value)) {
      result.boundary = std::move(value);
    }
  }
  return result;
}

MimeWalker::MimeWalker(PartHandler& handler) : handler_(handler) {}

void MimeWalker::feed(std::string_view octets) {
  while (!octets.empty()) {
    const std::size_t line_feed = octets.find('\n');
    const bool ends = line_feed != std::string_view::npos;
    const std::string_view piece = octets.substr(0, ends ? line_feed + 1 : line_feed);
    octets.remove_prefix(piece.size());
    const bool starts_nothing = line_.empty() && place_ != Place::header && !may_be_boundary(piece);
    if (in_line_ || starts_nothing) {
      pass(piece);
      in_line_ = !ends;
    } else {
      take_piece(piece, ends);
    }
  }
}

/// A piece at the start of a line that has to be seen whole, or at least further.
void MimeWalker::take_piece(std::string_view piece, bool ends) {
  line_ += piece;
  if (ends) {
    const std::string line = std::exchange(line_, {});
    if (take_boundary(line)) return;
    if (place_ == Place::header) return take_header_line(line);
    return pass(line);
  }
  const bool undecided =
      place_ == Place::header ? line_.size() + header_text_.size() <= HeaderBlock::max_octets : may_be_boundary(line_);
  if (undecided) return;
  const std::string line = std::exchange(line_, {});
  if (place_ == Place::header) {
    take_header_line(line);
  } else {
    pass(line);
  }
  in_line_ = true;
}

void MimeWalker::finish() {
  const std::string line = std::exchange(line_, {});
  if (!line.empty() && !take_boundary(line)) {
    if (place_ == Place::header) {
      take_header_line(line);
    } else {
      pass(line);
    }
  }
  if (place_ == Place::header) {
    header_.finish();
    const std::string behind(header_.held_back());
    conclude_header();
    pass(behind);
  }
  if (place_ == Place::leaf) {
    if (!line_end_.empty()) handler_.leaf(line_end_);
    line_end_.clear();
    handler_.end_leaf();
  }
  place_ = Place::frame;
}

bool MimeWalker::may_be_boundary(std::string_view line) const {
  if (levels_.empty() || line.size() > longest_boundary_line) return false;
  return line.size() < 2 ? line == "-" : line.starts_with("--");
}

/// The innermost multipart with that boundary goes on, or ends.
bool MimeWalker::take_boundary(std::string_view line) {
  if (!may_be_boundary(line)) return false;
  const std::string_view text = without_line_end(line).substr(2);
  for (std::size_t i = levels_.size(); i-- > 0;) {
    if (!text.starts_with(levels_[i].boundary)) continue;
    std::string_view behind = text.substr(levels_[i].boundary.size());
    const bool last = behind.starts_with("--");
    if (last) behind.remove_prefix(2);
    if (behind.find_first_not_of(" \t") != std::string_view::npos) continue;
    end_part();
    handler_.frame(line);
    depth_ = levels_[i].depth;
    const bool digest = levels_[i].digest;
    levels_.resize(last ? i : i + 1);
    if (last) {
      place_ = Place::frame;
    } else {
      begin_part(digest ? "message/rfc822" : "text/plain");
    }
    return true;
  }
  return false;
}

void MimeWalker::begin_part(std::string_view usual) {
  place_ = Place::header;
  usual_ = usual;
  header_ = HeaderBlock();
  header_text_.clear();
}

/// What was going on ends before a boundary.
void MimeWalker::end_part() {
  if (place_ == Place::header && !header_text_.empty()) handler_.frame(header_text_);
  if (place_ == Place::leaf) {
    handler_.end_leaf();
    if (!line_end_.empty()) handler_.frame(line_end_);
  }
  line_end_.clear();
}

void MimeWalker::take_header_line(std::string_view line) {
  const std::size_t used = header_.feed(line);
  if (header_.too_large()) {
    handler_.frame(std::exchange(header_text_, {}));
    place_ = Place::frame;
    return pass(line);
  }
  header_text_ += line.substr(0, used);
  if (!header_.complete()) return;
  conclude_header();
  if (used < line.size()) {
    if (place_ == Place::header) return take_header_line(line.substr(used));
    pass(line.substr(used));
  }
}

void MimeWalker::conclude_header() {
  const ContentType type = content_type_of(header_, usual_);
  header_text_.clear();
  const bool may_have_parts = depth_ < most_levels && coding_of(header_) == Coding::identity && !type.is_sealed();
  if (may_have_parts && type.is_multipart() && !type.boundary.empty()) {
    handler_.outer_header(header_);
    ++depth_;
    levels_.push_back(Level{type.boundary, depth_, type.type == "multipart/digest"});
    place_ = Place::frame;
  } else if (may_have_parts && type.type == "message/rfc822") {
    handler_.outer_header(header_);
    ++depth_;
    begin_part("text/plain");
  } else {
    place_ = Place::leaf;
    handler_.begin_leaf(header_, type);
  }
}

void MimeWalker::pass(std::string_view octets) {
  if (place_ == Place::leaf) return pass_leaf(octets);
  if (!octets.empty()) handler_.frame(octets);
}

/// Keeps a line end at the end back.
void MimeWalker::pass_leaf(std::string_view octets) {
  if (line_end_ == "\r" && octets == "\n") {
    line_end_ += octets;
    return;
  }
  if (!line_end_.empty() && !octets.empty()) handler_.leaf(std::exchange(line_end_, {}));
  std::size_t kept = 0;
  if (octets.ends_with("\r\n")) {
    kept = 2;
  } else if (octets.ends_with('\n') || octets.ends_with('\r')) {
    kept = 1;
  }
  line_end_ = octets.substr(octets.size() - kept);
  octets.remove_suffix(kept);
  if (!octets.empty()) handler_.leaf(octets);
}

}  // namespace mail

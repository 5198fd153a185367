// Canonicalization. Bodies are worked on in runs: what stays as it is goes to the hash from where it lies.
#include "dkim/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace dkim {
namespace {

using base::fail;
using base::Kind;

constexpr std::string_view crlf = "\r\n";

bool is_white(char c) { return c == ' ' || c == '\t'; }

Result<Canonicalization> parse_one(std::string_view text) {
  if (text == "simple") return Canonicalization::simple;
  if (text == "relaxed") return Canonicalization::relaxed;
  return fail(Kind::invalid, fmt::format("\"{}\" is no canonicalization; simple and relaxed are", base::printable(text)));
}

/// Whether `relaxed` leaves a line (not empty, without its CR LF) as it is: no tab, no two spaces together, none at the end.
/// One pass without branches, which compilers turn into vector code.
bool stays_as_it_is(std::string_view line) {
  unsigned changes = static_cast<unsigned>(is_white(line.back()));
  const char* octets = line.data();
  const std::size_t pairs = line.size() - 1;
  unsigned char found = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto tab = static_cast<unsigned char>(octets[i] == '\t');
    const auto space = static_cast<unsigned char>(octets[i] == ' ');
    const auto next = static_cast<unsigned char>(octets[i + 1] == ' ');
    found = static_cast<unsigned char>(found | tab | (space & next));
  }
  changes |= found;
  return changes == 0;
}

/// Octets of whole lines at the start of `body` that are not empty and that `relaxed` leaves as they are.
std::size_t unchanged_lines(std::string_view body) {
  std::size_t done = 0;
  for (;;) {
    const std::size_t end = body.find(crlf, done);
    if (end == std::string_view::npos || end == done || !stays_as_it_is(body.substr(done, end - done))) return done;
    done = end + crlf.size();
  }
}

/// CR LF again and again, so that held line ends go to the hash in blocks.
constexpr auto line_end_block = [] {
  std::array<char, 1024> block{};
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = crlf[i % 2];
  return block;
}();

/// RFC 6376 3.4.2: unfolded, runs of white space as one space, none at the end and around the colon.
std::string relaxed_field(std::string_view raw) {
  const std::size_t colon = std::min(raw.find(':'), raw.size());
  std::string field = base::lower(base::trim(raw.substr(0, colon)));
  if (colon == raw.size()) return field.append(crlf);
  field.reserve(raw.size() + crlf.size());
  field += ':';
  bool white = false;
  const std::size_t start = field.size();
  for (std::size_t i = colon + 1; i < raw.size(); ++i) {
    if (raw.substr(i).starts_with(crlf)) {
      ++i;
    } else if (is_white(raw[i])) {
      white = true;
    } else {
      if (white && field.size() > start) field += ' ';
      white = false;
      field += raw[i];
    }
  }
  return field.append(crlf);
}

}  // namespace

std::string_view to_string(Canonicalization canonicalization) {
  switch (canonicalization) {
    case Canonicalization::simple: return "simple";
    case Canonicalization::relaxed: return "relaxed";
  }
  return "";
}

Result<CanonicalizationPair> parse_canonicalization(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<Canonicalization> header = parse_one(text.substr(0, slash));
  if (!header) return std::unexpected(header.error());
  if (slash == std::string_view::npos) return CanonicalizationPair{.header = *header, .body = Canonicalization::simple};
  const Result<Canonicalization> body = parse_one(text.substr(slash + 1));
  if (!body) return std::unexpected(body.error());
  return CanonicalizationPair{.header = *header, .body = *body};
}

std::string to_string(const CanonicalizationPair& pair) {
  return fmt::format("{}/{}", to_string(pair.header), to_string(pair.body));
}

std::string canonical_field(Canonicalization canonicalization, std::string_view raw_field) {
  if (canonicalization == Canonicalization::relaxed) return relaxed_field(raw_field);
  std::string field(raw_field);
  if (!raw_field.ends_with(crlf)) field += crlf;
  return field;
}

BodyHash::BodyHash(Canonicalization canonicalization, std::optional<std::uint64_t> length_limit)
    : canonicalization_(canonicalization), limit_(length_limit.value_or(std::numeric_limits<std::uint64_t>::max())) {}

void BodyHash::update(std::string_view body) {
  if (body.empty()) return;
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  if (carriage_return_) {
    carriage_return_ = false;
    if (body.front() == '\n') {
      end_line();
      body.remove_prefix(1);
    } else {
      relaxed ? squeeze("\r") : put("\r");
    }
  }
  if (body.ends_with('\r')) {
    carriage_return_ = true;
    body.remove_suffix(1);
  }
  relaxed ? relaxed_text(body) : simple_text(body);
}

Digest BodyHash::finish() {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  if (carriage_return_) relaxed ? squeeze("\r") : put("\r");
  if (!relaxed || length_ > 0) emit(crlf);
  hash_buffer();
  return sha_.finish();
}

/// Only line ends at both edges need a look: those at the end wait until text follows.
void BodyHash::simple_text(std::string_view body) {
  for (; body.starts_with(crlf); body.remove_prefix(crlf.size())) ++line_ends_;
  if (body.empty()) return;
  std::uint64_t behind = 0;
  for (; body.ends_with(crlf); body.remove_suffix(crlf.size())) ++behind;
  put(body);
  line_ends_ = behind;
}

void BodyHash::relaxed_text(std::string_view body) {
  while (!body.empty()) {
    if (!in_line_) {
      for (; body.starts_with(crlf); body.remove_prefix(crlf.size())) ++line_ends_;
      if (const std::size_t unchanged = unchanged_lines(body); unchanged > 0) {
        put(body.substr(0, unchanged - crlf.size()));
        line_ends_ = 1;
        body.remove_prefix(unchanged);
        continue;
      }
    }
    const std::size_t end = body.find(crlf);
    squeeze(body.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line();
    body.remove_prefix(end + crlf.size());
  }
}

/// A part of a line, with runs of white space as one space; white space at its end waits for what follows.
void BodyHash::squeeze(std::string_view part) {
  in_line_ = true;
  for (; !part.empty() && is_white(part.front()); part.remove_prefix(1)) white_space_ = true;
  if (part.empty()) return;
  if (white_space_) put(" ");
  white_space_ = is_white(part.back());
  while (is_white(part.back())) part.remove_suffix(1);
  if (stays_as_it_is(part)) {
    put(part);
  } else {
    squeeze_inside(part);
  }
}

/// Text with white space only between its first and last octet.
void BodyHash::squeeze_inside(std::string_view text) {
  std::array<char, 512> squeezed;
  bool white = false;
  while (!text.empty()) {
    const std::string_view slice = text.substr(0, squeezed.size());
    text.remove_prefix(slice.size());
    std::size_t size = 0;
    for (const char c : slice) {
      const bool now_white = is_white(c);
      squeezed[size] = now_white ? ' ' : c;
      size += static_cast<std::size_t>(!(white && now_white));
      white = now_white;
    }
    put({squeezed.data(), size});
  }
}

void BodyHash::end_line() {
  white_space_ = false;
  in_line_ = false;
  ++line_ends_;
}

/// Text that is not the end of the body: the line ends before it count.
void BodyHash::put(std::string_view text) {
  while (line_ends_ > 0) {
    const std::uint64_t pairs = std::min<std::uint64_t>(line_ends_, line_end_block.size() / crlf.size());
    emit({line_end_block.data(), static_cast<std::size_t>(pairs) * crlf.size()});
    line_ends_ -= pairs;
  }
  emit(text);
}

void BodyHash::emit(std::string_view text) {
  const std::uint64_t room = limit_ > length_ ? limit_ - length_ : 0;
  length_ += text.size();
  if (room < text.size()) text = text.substr(0, static_cast<std::size_t>(room));
  if (text.size() > buffer_.size() - buffered_) hash_buffer();
  if (text.size() > buffer_.size() / 4) {
    hash_buffer();
    sha_.update(text);
    return;
  }
  std::ranges::copy(text, buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
  buffered_ += text.size();
}

void BodyHash::hash_buffer() {
  sha_.update({buffer_.data(), buffered_});
  buffered_ = 0;
}

BodyHashes::BodyHashes(bool simple, bool relaxed) {
  if (simple) simple_.emplace(Canonicalization::simple);
  if (relaxed) relaxed_.emplace(Canonicalization::relaxed);
}

void BodyHashes::update(std::string_view body) {
  if (simple_) simple_->update(body);
  if (relaxed_) relaxed_->update(body);
}

void BodyHashes::finish() {
  if (simple_) simple_digest_ = simple_->finish();
  if (relaxed_) relaxed_digest_ = relaxed_->finish();
}

const Digest& BodyHashes::of(Canonicalization canonicalization) const {
  return canonicalization == Canonicalization::simple ? simple_digest_ : relaxed_digest_;
}

}  // namespace dkim

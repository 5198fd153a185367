// Finds the addresses in a From: value: one pass over RFC 5322 3.4, without recursion.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "mail/comment.h"
#include "mail/header.h"

namespace mail {
namespace {

using base::fail;
using base::Kind;

constexpr std::size_t longest_part = 256;          // of an address; Mailbox knows the exact limits
constexpr std::size_t longest_encoded_word = 200;  // RFC 2047 2 allows 75, writers are generous
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view atom_ends = " \t\r\n()<>@,;:.\"";

class AuthorReader {
 public:
  explicit AuthorReader(std::string_view text) : rest_(text) {}

  Result<Mailbox> read() {
    while (!rest_.empty()) {
      if (auto verdict = take_token()) return *std::move(verdict);
    }
    if (in_angle_ || !at_) return fail(Kind::invalid, "no address");
    return address();
  }

  Result<std::vector<Mailbox>> read_all() {
    std::vector<Mailbox> found;
    while (!rest_.empty()) {
      auto verdict = take_token();
      if (!verdict) continue;
      if (!*verdict) return std::unexpected(verdict->error());
      found.push_back(**std::move(verdict));
      start_anew();
      in_angle_ = false;
    }
    if (in_angle_) return fail(Kind::invalid, "an address without its end");
    if (at_) {
      auto last = address();
      if (!last) return std::unexpected(last.error());
      found.push_back(*std::move(last));
    }
    if (found.empty()) return fail(Kind::invalid, "no address");
    return found;
  }

 private:
  /// The address or an error as soon as one of them is certain.
  std::optional<Result<Mailbox>> take_token() {
    const char c = rest_.front();
    if (white_space.find(c) != std::string_view::npos) {
      rest_.remove_prefix(1);
    } else if (c == '(') {
      rest_.remove_prefix(std::min(comment_size(rest_), rest_.size()));
    } else if (c == '"') {
      take_quoted_string();
    } else if (atom_ends.find(c) != std::string_view::npos) {
      rest_.remove_prefix(1);
      return in_angle_ ? take_special_in_angle(c) : take_special(c);
    } else if (c == '[' && at_ && domain_.empty()) {
      take_word(rest_.substr(0, rest_.substr(0, longest_part).find(']') + 1));  // an open one is an ordinary octet
      if (domain_.empty()) take_atom();
    } else {
      take_atom();
    }
    return std::nullopt;
  }

  std::optional<Result<Mailbox>> take_special(char c) {
    if (c == ',' || c == ';') {
      if (at_) return address();
      start_anew();
    } else if (c == ':') {  // the name of a group
      if (at_) return fail(Kind::invalid, "the address cannot be read");
      start_anew();
    } else if (c == '<') {  // what came before is a display name
      start_anew();
      in_angle_ = true;
    } else {
      take_joint(c);
    }
    return std::nullopt;
  }

  std::optional<Result<Mailbox>> take_special_in_angle(char c) {
    const bool route = at_ && !has_local_part_;
    if (c == '>') return address();
    if (c == ',' && route) {
      start_anew();
      route_ = true;
    } else if (c == ':' && route) {
      start_anew();
      route_ = false;
    } else {
      take_joint(c);
    }
    return std::nullopt;
  }

  /// "." and "@" bind words; any other special octet has no place in an address.
  void take_joint(char c) {
    if (c == '@') {
      broken_ = broken_ || at_;
      at_ = true;
    } else if (c == '.') {
      part() += '.';
      has_local_part_ = has_local_part_ || !at_;
    } else {
      broken_ = true;
    }
    after_word_ = false;
  }

  void take_quoted_string() {
    std::string content;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      if (rest_[i] != '\r' && rest_[i] != '\n') content += rest_[i];
    }
    broken_ = broken_ || i >= rest_.size() || at_;
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    add_word(content);
  }

  void take_atom() {
    const std::size_t encoded = encoded_word();
    const std::string_view word = encoded > 0 ? rest_.substr(0, encoded) : rest_.substr(0, rest_.find_first_of(atom_ends, 1));
    broken_ = broken_ || encoded > 0 || word.find_first_of("[]\\") != std::string_view::npos;
    take_word(word);
  }

  void take_word(std::string_view word) {
    if (word.empty()) return;
    add_word(word);
    rest_.remove_prefix(word.size());
  }

  void add_word(std::string_view word) {
    broken_ = broken_ || after_word_;
    part() += word;
    has_local_part_ = has_local_part_ || !at_;
    after_word_ = true;
  }

  /// Octets of the RFC 2047 word that starts here, 0 when there is none. Commas and at signs in one mean nothing.
  std::size_t encoded_word() const {
    const std::string_view near = rest_.substr(0, longest_encoded_word);
    const std::string_view text = near.substr(0, near.find_first_of(white_space));
    if (!text.starts_with("=?")) return 0;
    const std::size_t charset_end = text.find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') return 0;
    const std::size_t end = text.find("?=", charset_end + 3);
    if (end == std::string_view::npos) return 0;
    const char behind = end + 2 < rest_.size() ? rest_[end + 2] : ' ';
    return in_angle_ || behind == '@' || behind == '.' ? 0 : end + 2;
  }

  std::string& part() { return at_ ? domain_ : local_part_; }

  void start_anew() {
    local_part_.clear();
    domain_.clear();
    at_ = has_local_part_ = after_word_ = broken_ = false;
  }

  Result<Mailbox> address() {
    const bool too_long = local_part_.size() > longest_part || domain_.size() > longest_part;
    if (broken_ || route_ || !at_ || !has_local_part_ || too_long) return fail(Kind::invalid, "the address cannot be read");
    return Mailbox::parse(Mailbox(std::move(local_part_), std::move(domain_)).to_string());
  }

  std::string_view rest_;
  std::string local_part_;  ///< without quotes
  std::string domain_;
  bool at_ = false;
  bool has_local_part_ = false;
  bool after_word_ = false;  ///< another word now would be one too many
  bool broken_ = false;      ///< no address unless an angle bracket makes it a display name
  bool in_angle_ = false;
  bool route_ = false;  ///< in "@a,@b:", before the colon
};

}  // namespace

Result<Mailbox> first_address(std::string_view field_value) { return AuthorReader(field_value).read(); }

Result<std::vector<Mailbox>> all_addresses(std::string_view field_value) { return AuthorReader(field_value).read_all(); }

}  // namespace mail

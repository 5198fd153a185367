// One pass over the value, without recursion.
#include "mail/address_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mail/comment.h"

namespace mail {
namespace {

using base::fail;
using base::Kind;

constexpr std::string_view white_space = " \t\r\n";

class ListReader {
 public:
  explicit ListReader(std::string_view text) : rest_(text) {}

  Result<std::vector<std::string>> read() {
    while (!rest_.empty() && !broken_) take_token();
    end_of_address();
    if (in_angle_ || broken_) return fail(Kind::invalid, "the addresses cannot be read");
    return std::move(all_);
  }

 private:
  void take_token() {
    const char c = rest_.front();
    if (white_space.find(c) != std::string_view::npos) {
      rest_.remove_prefix(1);
      gap_ = true;
    } else if (c == '(') {
      skip_comment();
    } else if (c == '"') {
      add(quoted_string());
    } else if (c == '[') {
      add(rest_.substr(0, std::min(rest_.find(']'), rest_.size() - 1) + 1));
    } else if (rest_.starts_with("=?") && !in_angle_ && (text_.empty() || gap_)) {
      add(encoded_word());
    } else {
      take_special(c);
    }
  }

  void take_special(char c) {
    switch (c) {
      case '<':
        broken_ = in_angle_ || had_angle_;
        in_angle_ = true;
        start_anew();
        break;
      case '>':
        broken_ = !in_angle_;
        in_angle_ = false;
        had_angle_ = true;
        break;
      case ':':  // the name of a group, or a source route, which is passed over (RFC 5321 appendix C)
        broken_ = had_angle_;
        start_anew();
        break;
      case ',':
        if (in_angle_) {
          start_anew();
        } else {
          end_of_address();
        }
        break;
      case ';':
        broken_ = in_angle_;
        end_of_address();
        break;
      default: return add(rest_.substr(0, 1));
    }
    rest_.remove_prefix(1);
  }

  /// A gap is nothing beside "." and "@"; between words it makes a display name, which only an angle bracket may follow.
  void add(std::string_view octets) {
    const bool joint = octets == "." || octets == "@";
    if (gap_ && !text_.empty() && !joint && !text_.ends_with('.') && !text_.ends_with('@')) several_words_ = true;
    gap_ = false;
    broken_ = broken_ || had_angle_ || octets.empty();
    text_ += octets;
    rest_.remove_prefix(octets.size());
  }

  void end_of_address() {
    broken_ = broken_ || (several_words_ && !text_.empty());
    if (!text_.empty() && !broken_) all_.push_back(std::move(text_));
    start_anew();
    had_angle_ = false;
  }

  void start_anew() {
    text_.clear();
    gap_ = false;
    several_words_ = false;
  }

  void skip_comment() {
    const std::size_t size = comment_size(rest_);
    broken_ = size > rest_.size();
    rest_.remove_prefix(std::min(size, rest_.size()));
    gap_ = true;
  }

  /// With its quotes; empty when it does not end.
  std::string_view quoted_string() const {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') return rest_.substr(0, i + 1);
      if (rest_[i] == '\\') ++i;
    }
    return {};
  }

  /// RFC 2047: what looks like a comma in it is none. Its first octet alone when it does not end as one.
  std::string_view encoded_word() const {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(white_space));
    const std::size_t charset_end = word.find('?', 2);
    const std::size_t text = charset_end == std::string_view::npos ? charset_end : word.find('?', charset_end + 1);
    const std::size_t end = text == std::string_view::npos ? text : word.find("?=", text + 1);
    return word.substr(0, end == std::string_view::npos ? 1 : end + 2);
  }

  std::string_view rest_;
  std::vector<std::string> all_;
  std::string text_;            ///< the address so far, or what turns out to be a display name
  bool gap_ = false;            ///< white space or a comment came behind text_
  bool several_words_ = false;  ///< text_ can only be a display name
  bool in_angle_ = false;
  bool had_angle_ = false;  ///< text_ is the address
  bool broken_ = false;
};

/// Where the local part ends: the last "@" that no quotes hold.
bool has_domain(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at != std::string_view::npos && address.find('"', at) == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> addresses_in(std::string_view value) { return ListReader(value).read(); }

Result<Mailbox> qualified(std::string_view address, std::string_view domain) {
  if (has_domain(address)) return Mailbox::parse(address);
  return Mailbox::parse(fmt::format("{}@{}", address, domain));
}

}  // namespace mail

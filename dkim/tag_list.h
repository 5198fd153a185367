// Tag lists, the syntax of signatures and key records (RFC 6376 3.2), and the names that stand in them.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dkim {

using base::Result;

/// "name=value"; views into the text that was parsed.
struct Tag {
  std::string_view name;
  std::string_view value;  ///< without the white space around it; folds inside stay
  std::string_view whole;  ///< everything between "=" and the next ";" or the end
};

/// A strict reading: names are case-sensitive, a doubled or nameless tag or an octet outside of printable ASCII is Kind::invalid.
class TagList {
 public:
  static constexpr std::size_t max_tags = 64;

  static Result<TagList> parse(std::string_view text);

  /// nullptr when there is no such tag.
  const Tag* find(std::string_view name) const;
  /// The tag's value; `otherwise` when it is missing.
  std::string_view value(std::string_view name, std::string_view otherwise = {}) const;
  const std::vector<Tag>& tags() const { return tags_; }

 private:
  std::vector<Tag> tags_;
};

/// The parts of "a : b:c" without white space.
std::vector<std::string_view> colon_list(std::string_view value);

/// Labels of letters, digits, hyphen and underscore, 1-63 octets each, at most 253 in all. RFC 6376 asks for LDH labels;
/// selectors with an underscore are common and do no harm.
bool is_dns_name(std::string_view text);

/// What may name a header field and stand in h= (RFC 5322 3.6.8 without ";").
bool is_field_name(std::string_view text);

}  // namespace dkim

// The tag-list parser and the names that stand in tags.
#include "dkim/tag_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace dkim {
namespace {

using base::fail;
using base::Kind;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_white(char c) { return c == ' ' || c == '\t'; }

/// ALPHA *ALNUMPUNC.
bool is_tag_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

/// VALCHAR and folding white space: a CR LF is followed by a space or tab, CR and LF never stand alone.
bool is_tag_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_white(text[i]) || (text[i] >= '!' && text[i] <= '~')) continue;
    if (!text.substr(i).starts_with("\r\n") || i + 2 >= text.size() || !is_white(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

}  // namespace

Result<TagList> TagList::parse(std::string_view text) {
  if (!is_tag_text(text)) return fail(Kind::invalid, "a tag list holds an octet that may not be there");
  TagList list;
  for (std::string_view rest = text; !base::trim(rest).empty();) {
    const std::string_view spec = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(spec.size() + 1, rest.size()));
    const std::size_t equals = spec.find('=');
    const std::string_view name = base::trim(spec.substr(0, equals));
    if (equals == std::string_view::npos || !is_tag_name(name)) {
      return fail(Kind::invalid, fmt::format("\"{}\" is no tag", base::printable(base::trim(spec).substr(0, 40))));
    }
    if (list.find(name) != nullptr) return fail(Kind::invalid, fmt::format("{}= is there twice", name));
    if (list.tags_.size() == max_tags) return fail(Kind::invalid, "too many tags");
    const std::string_view whole = spec.substr(equals + 1);
    list.tags_.push_back({.name = name, .value = base::trim(whole), .whole = whole});
  }
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto tag = std::ranges::find(tags_, name, &Tag::name);
  return tag == tags_.end() ? nullptr : &*tag;
}

std::string_view TagList::value(std::string_view name, std::string_view otherwise) const {
  const Tag* tag = find(name);
  return tag == nullptr ? otherwise : tag->value;
}

std::vector<std::string_view> colon_list(std::string_view value) {
  std::vector<std::string_view> parts = base::split(value, ':');
  std::ranges::transform(parts, parts.begin(), base::trim);
  return parts;
}

bool is_dns_name(std::string_view text) {
  constexpr std::size_t longest_name = 253;
  constexpr std::size_t longest_label = 63;
  if (text.size() > longest_name) return false;
  return std::ranges::all_of(base::split(text, '.'), [](std::string_view label) {
    return !label.empty() && label.size() <= longest_label &&
           std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
  });
}

bool is_field_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~' && c != ':' && c != ';'; });
}

}  // namespace dkim

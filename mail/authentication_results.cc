// Writing the field, and reading as much of it as says who wrote it.
#include "mail/authentication_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/idn.h"
#include "base/text.h"
#include "mail/comment.h"
#include "mail/folding.h"

namespace mail {
namespace {

constexpr std::size_t longest_value = 253;  // a domain's
constexpr std::size_t longest_reason = 200;
constexpr std::size_t shortest_start = 8;  // of a signature, RFC 6008 4
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view version = "1";

/// RFC 2045 5.1.
bool is_token(std::string_view text) {
  constexpr std::string_view others = "()<>@,;:\\\"/[]?=";
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return c > ' ' && c <= '~' && others.find(c) == std::string_view::npos; });
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += white_space.find(c) == std::string_view::npos ? c : ' ';
  }
  return result + '"';
}

/// A quoted string with blanks is several words: it may be folded at them.
void add_value(std::vector<std::string>& words, std::string_view name, std::string_view value, std::size_t longest) {
  if (value.empty()) return;
  value = value.substr(0, longest);
  const std::string text = fmt::format("{}={}", name, is_token(value) ? std::string(value) : quoted(value));
  for (const std::string_view word : base::words(text)) words.emplace_back(word);
}

/// Octets of the signature that no other one begins with.
std::size_t telling_start(const DkimOutcome& outcome, std::span<const DkimOutcome> all) {
  std::size_t size = shortest_start;
  for (const DkimOutcome& other : all) {
    if (other.signature == outcome.signature) continue;
    const auto differ = std::ranges::mismatch(outcome.signature, other.signature).in1;
    size = std::max(size, static_cast<std::size_t>(differ - outcome.signature.begin()) + 1);
  }
  return size;
}

std::vector<std::string> words_of(const DkimOutcome& outcome, std::span<const DkimOutcome> all) {
  std::vector<std::string> words{fmt::format("dkim={}", outcome.result)};
  add_value(words, "reason", outcome.reason, longest_reason);
  add_value(words, "header.d", outcome.domain, longest_value);
  add_value(words, "header.s", outcome.selector, longest_value);
  add_value(words, "header.a", outcome.algorithm, longest_value);
  add_value(words, "header.b", outcome.signature, std::min(telling_start(outcome, all), longest_value));
  return words;
}

/// False when a comment does not end.
bool skip_comments(std::string_view& text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
    if (!text.starts_with('(')) return true;
    const std::size_t size = comment_size(text);
    if (size == std::string_view::npos) return false;
    text.remove_prefix(size);
  }
}

/// A quoted string, or all up to what may follow a token.
std::optional<std::string> take_value(std::string_view& text) {
  if (!text.starts_with('"')) {
    const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n;(\""));
    text.remove_prefix(word.size());
    return word.empty() ? std::nullopt : std::optional<std::string>(word);
  }
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    if (text[i] != '\r' && text[i] != '\n') value += text[i];
  }
  return std::nullopt;
}

struct Writer {
  std::string id;
  std::string version;
};

/// Nothing when the start of the field is not as RFC 8601 2.2 has it.
std::optional<Writer> writer_of(std::string_view value) {
  if (!skip_comments(value)) return std::nullopt;
  auto id = take_value(value);
  if (!id || !skip_comments(value)) return std::nullopt;
  Writer writer{*std::move(id), std::string(version)};
  if (!value.empty() && !value.starts_with(';')) {
    const std::string_view digits = value.substr(0, value.find_first_not_of("0123456789"));
    if (digits.empty()) return std::nullopt;
    writer.version = digits;
    value.remove_prefix(digits.size());
    if (!skip_comments(value)) return std::nullopt;
  }
  const bool ends = value.empty() || value.starts_with(';');
  return ends ? std::optional<Writer>(std::move(writer)) : std::nullopt;
}

/// RFC 8601 5: U-labels and A-labels of a name are the same.
bool is_same_name(std::string_view name, std::string_view authserv_id) {
  const auto normal = base::to_a_labels(name);
  return base::equal_ignoring_case(normal ? *normal : name, authserv_id);
}

}  // namespace

std::string authentication_results(std::string_view authserv_id, std::span<const DkimOutcome> outcomes) {
  FoldedField field("Authentication-Results:", ' ');
  field.add(fmt::format("{};", authserv_id));
  if (outcomes.empty()) field.add("dkim=none");
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    std::vector<std::string> words = words_of(outcomes[i], outcomes);
    if (i + 1 < outcomes.size()) words.back() += ';';
    field.fold();
    for (const std::string& word : words) field.add(word);
  }
  return std::move(field).finish();
}

bool is_false_result(const Field& field, std::string_view authserv_id) {
  if (!base::equal_ignoring_case(field.name, "Authentication-Results")) return false;
  const auto writer = writer_of(field.value);
  if (writer) return writer->version != version || is_same_name(writer->id, authserv_id);
  return base::lower(unfold(field.value)).find(base::lower(authserv_id)) != std::string::npos;
}

}  // namespace mail

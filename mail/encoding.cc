// Writing and reading of encoded words, folding, quoted-printable.
#include "mail/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "mail/charset.h"
#include "mail/header.h"

namespace mail {
namespace {

constexpr std::size_t line_width = 78;          // RFC 5322 2.1.1, without CR LF
constexpr std::size_t encoded_width = 76;       // RFC 2045 6.7
constexpr std::size_t longest_plain_word = 60;  // of an unstructured field: it must fit in a line with some company
constexpr std::size_t longest_payload = 45;     // octets in an encoded word: 60 of base64, 72 in all of the 75 of RFC 2047 2
constexpr std::size_t shortest_payload = 12;    // less is not worth a word of its own
constexpr std::size_t longest_unfolded = 500;   // of a word of a plain field, far from the 998 of RFC 5322 2.1.1
constexpr std::size_t most_of_raw_value = 4096;

bool is_visible(char c) { return c > ' ' && c <= '~'; }

/// Not to be shown: separators of lines and paragraphs, marks and overrides of direction, the byte order mark.
bool is_hidden(char32_t c) {
  return c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

// ---- reading ----

/// "=?charset?B?payload?=" at the start of a text.
struct EncodedWord {
  std::string_view all;
  std::string charset;
  std::string octets;
};

std::string decode_q(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto hex = [](char c) { return std::string_view("0123456789ABCDEF").find(base::to_upper(c)); };
    const bool escape = text[i] == '=' && i + 2 < text.size() && hex(text[i + 1]) != std::string_view::npos &&
                        hex(text[i + 2]) != std::string_view::npos;
    if (escape) {
      octets += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      octets += text[i] == '_' ? ' ' : text[i];
    }
  }
  return octets;
}

std::optional<EncodedWord> read_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?')
    return std::nullopt;
  const std::size_t payload = charset_end + 3;
  const std::size_t end = text.find("?=", payload);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view encoded = text.substr(payload, end - payload);
  if (!std::ranges::all_of(text.substr(0, end), [](char c) { return is_visible(c) || c == ' '; })) return std::nullopt;
  EncodedWord word;
  word.all = text.substr(0, end + 2);
  word.charset = text.substr(2, charset_end - 2);
  word.charset.resize(std::min(word.charset.find('*'), word.charset.size()));  // RFC 2231 5: the language
  const char how = base::to_lower(text[charset_end + 1]);
  if (how == 'q') {
    word.octets = decode_q(encoded);
  } else if (auto octets = base::base64_decode(encoded); how == 'b' && octets) {
    word.octets = std::move(*octets);
  } else {
    return std::nullopt;
  }
  return word;
}

/// Neighbours of one charset are put together before they are converted, for many writers cut characters in two.
std::string decode_words(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    auto word = read_encoded_word(text);
    if (!word) {
      result += text.front();
      text.remove_prefix(1);
      continue;
    }
    std::string_view rest = text.substr(word->all.size());
    for (;;) {
      const std::string_view behind = rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
      auto next = read_encoded_word(behind);
      if (!next) break;
      if (!base::equal_ignoring_case(next->charset, word->charset)) {
        rest = behind;  // blanks between encoded words are not shown (RFC 2047 6.2)
        break;
      }
      word->octets += next->octets;
      rest = behind.substr(next->all.size());
    }
    const auto converted = to_utf8(word->charset, word->octets);
    result += converted ? *converted : std::string(text.substr(0, text.size() - rest.size()));
    text = rest;
  }
  return result;
}

// ---- writing ----

/// A field that goes on in a new line where its next piece does not fit; not right behind its name.
class Folded {
 public:
  explicit Folded(std::string_view name) : text_(fmt::format("{}:", name)), start_(text_.size()), width_(text_.size()) {}

  /// A piece with the blanks before it.
  void add(std::string_view piece) {
    if (piece.size() > room() && text_.size() > start_) {
      text_ += "\r\n";
      width_ = 0;
    }
    text_ += piece;
    width_ += piece.size();
  }
  /// In this line.
  std::size_t room() const { return line_width - std::min(width_, line_width); }
  std::string finish() && { return std::move(text_) + "\r\n"; }

 private:
  std::string text_;
  std::size_t start_;
  std::size_t width_;
};

bool is_plain_word(std::string_view word) {
  return word.size() <= longest_plain_word && std::ranges::all_of(word, is_visible) && word.find("=?") == std::string_view::npos;
}

/// As encoded words, none of which cuts a character in two; the first one takes what room there is.
void add_encoded(Folded& field, std::string_view text) {
  constexpr std::string_view opening = " =?utf-8?B?";
  constexpr std::string_view closing = "?=";
  while (!text.empty()) {
    const std::size_t room = field.room() - std::min(field.room(), opening.size() + closing.size());
    const std::size_t most = room / 4 * 3 < shortest_payload ? longest_payload : std::min(room / 4 * 3, longest_payload);
    std::size_t size = 0;
    while (size < text.size()) {
      const std::size_t length = std::max<std::size_t>(base::utf8_sequence(text.substr(size)), 1);
      if (size + length > most) break;
      size += length;
    }
    field.add(fmt::format("{}{}{}", opening, base::base64_encode(text.substr(0, size)), closing));
    text.remove_prefix(size);
  }
}

std::string escape_8bit(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const std::size_t length = base::utf8_sequence(text);
    const char32_t c = length == 0 ? static_cast<unsigned char>(text.front()) : base::code_point(text.substr(0, length));
    if (c < 0x80) {
      ascii += is_visible(text.front()) ? text.front() : ' ';
    } else if (length == 0) {
      ascii += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      ascii += fmt::format("\\x{{{:04X}}}", static_cast<unsigned>(c));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return ascii;
}

/// One line of quoted-printable text, without its end.
void encode_line(std::string& out, std::string_view line) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool last = i + 1 == line.size();
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t';
    // A dot alone or "From" at the start of a line is what some hosts on the way change.
    const bool touchy = i == 0 && (c == '.' || line.starts_with("From "));
    const bool plain = blank ? !last : is_visible(c) && c != '=' && !touchy;
    const std::size_t size = plain ? 1 : 3;
    if (width + size > encoded_width - (last ? 0 : 1)) {
      out += "=\r\n";
      width = 0;
    }
    out += plain ? std::string(1, c) : fmt::format("={:02X}", static_cast<unsigned char>(c));
    width += size;
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = base::utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string one_line(std::string_view text, std::size_t most) {
  std::string controlled(text.substr(0, most * 4 + 4));
  std::ranges::replace_if(controlled, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }, ' ');
  const std::string shown = base::printable(controlled);
  std::string_view rest = shown;
  std::string line;
  bool blank = true;
  for (std::size_t count = 0; !rest.empty() && count < most; ++count) {
    const std::size_t length = std::max<std::size_t>(base::utf8_sequence(rest), 1);
    const std::string_view sequence = rest.substr(0, length);
    const char32_t c = base::code_point(sequence);
    if (!is_hidden(c) && c != ' ') {
      line += sequence;
    } else if (!blank) {
      line += ' ';
    }
    blank = line.empty() || line.back() == ' ';
    rest.remove_prefix(length);
  }
  if (line.ends_with(' ')) line.pop_back();
  if (!rest.empty()) line += "...";
  return line;
}

std::string readable(std::string_view raw_value, std::size_t most) {
  std::string value = unfold(raw_value.substr(0, most_of_raw_value));
  if (!is_utf8(value)) value = to_utf8("gb18030", value).value_or(value);
  return one_line(decode_words(value), most);
}

std::string unstructured_field(std::string_view name, std::string_view value) {
  Folded field(name);
  std::string encoded;  // neighbours that are not plain, with the blanks between them
  for (const std::string_view word : base::words(value)) {
    if (!is_plain_word(word)) {
      if (!encoded.empty()) encoded += ' ';
      encoded += word;
      continue;
    }
    add_encoded(field, std::exchange(encoded, {}));
    field.add(fmt::format(" {}", word));
  }
  add_encoded(field, encoded);
  return std::move(field).finish();
}

std::string plain_field(std::string_view name, std::string_view value) {
  Folded field(name);
  const std::string ascii = fmt::format(" {}", base::trim(escape_8bit(value)));
  std::string_view rest = ascii;
  while (!rest.empty()) {
    const std::size_t word = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t end = std::min({rest.find(' ', word), rest.size(), word + longest_unfolded});
    if (word > 0) {
      field.add(rest.substr(0, end));
    } else {
      field.add(fmt::format(" {}", rest.substr(0, end)));  // the rest of an overlong word
    }
    rest.remove_prefix(end);
  }
  return std::move(field).finish();
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (end < text.size() && line.ends_with('\r')) line.remove_suffix(1);
    encode_line(out, line);
    out += "\r\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace mail

// Replies: printed so that no text can break out of its line, and read within bounds.
#include "mail/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace mail {
namespace {

using base::fail;
using base::Kind;

constexpr std::size_t longest_sent_line = 512;   // with CR LF, RFC 5321 4.5.3.1.5
constexpr std::size_t longest_read_line = 2048;  // with its line end: four times what the RFC allows
constexpr std::size_t most_read_lines = 128;
constexpr std::size_t largest_read_reply = 32U << 10U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }

std::string without_controls(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, is_control, ' ');
  return line;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : base::split(text, '\n')) lines.push_back(without_controls(line));
  return lines;
}

/// One to three digits at the start of `text`, taken away.
std::optional<std::uint16_t> take_part(std::string_view& text) {
  std::size_t digits = 0;
  unsigned value = 0;
  while (digits < text.size() && is_digit(text[digits])) {
    if (digits == 3) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<std::uint16_t>(value);
}

bool take_dot(std::string_view& text) {
  const bool dot = text.starts_with('.');
  if (dot) text.remove_prefix(1);
  return dot;
}

/// The status at the start of `text`, taken away together with the blanks behind it.
std::optional<EnhancedStatus> take_status(std::string_view& text) {
  std::string_view rest = text;
  const auto category = take_part(rest);
  if (!category || (*category != 2 && *category != 4 && *category != 5) || !take_dot(rest)) return std::nullopt;
  const auto subject = take_part(rest);
  if (!subject || !take_dot(rest)) return std::nullopt;
  const auto detail = take_part(rest);
  constexpr std::string_view may_follow = " \t:,;";  // "5.7.1: refused" is seen; "5.7.1.9" is an address
  if (!detail || (!rest.empty() && may_follow.find(rest.front()) == std::string_view::npos)) return std::nullopt;
  text = rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
  return EnhancedStatus{*category, *subject, *detail};
}

/// One line of a reply as it was read.
struct ReplyLine {
  int code = 0;
  bool last = false;
  std::string_view text;
};

/// RFC 5321 4.2: three digits, then "-" when more lines follow.
std::optional<ReplyLine> parse_line(std::string_view text) {
  if (text.size() < 3 || text[0] < '2' || text[0] > '5' || !is_digit(text[1]) || !is_digit(text[2])) return std::nullopt;
  ReplyLine line;
  line.code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if (text.size() > 3 && text[3] != ' ' && text[3] != '-') return std::nullopt;
  line.last = text.size() == 3 || text[3] == ' ';
  line.text = text.substr(std::min<std::size_t>(text.size(), 4));
  return line;
}

std::unexpected<base::Error> not_smtp(std::string_view why, std::string_view line) {
  constexpr std::size_t enough = 80;
  return fail(Kind::invalid, fmt::format("does not speak SMTP: {}: \"{}\"", why, base::printable(line.substr(0, enough))));
}

void add_line(Reply& reply, const ReplyLine& line) {
  std::string_view text = line.text;
  if (reply.lines.empty()) {
    std::string_view behind = text;
    const auto status = take_status(behind);
    if (status && status->category == line.code / 100) {
      reply.status = status;
      text = behind;
    }
  } else if (reply.status) {
    std::string_view behind = text;
    if (take_status(behind) == reply.status) text = behind;
  }
  reply.code = line.code;
  reply.lines.push_back(without_controls(text));
}

}  // namespace

std::optional<EnhancedStatus> EnhancedStatus::parse(std::string_view text) { return take_status(text); }

std::string EnhancedStatus::to_string() const { return fmt::format("{}.{}.{}", category, subject, detail); }

Reply::Reply(int reply_code, std::string_view text) : code(reply_code), lines(split_lines(text)) {}

Reply::Reply(int reply_code, EnhancedStatus enhanced_status, std::string_view text)
    : code(reply_code), status(enhanced_status), lines(split_lines(text)) {}

std::string Reply::to_wire() const {
  const std::string status_text = status ? status->to_string() + ' ' : std::string();
  std::string wire;
  const std::size_t count = std::max<std::size_t>(lines.size(), 1);
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = fmt::format("{}{}{}", code, i + 1 == count ? ' ' : '-', status_text);
    if (!lines.empty()) line += without_controls(lines[i]);
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) >= 0x80U; }, '?');
    wire.append(line, 0, longest_sent_line - 2).append("\r\n");
  }
  return wire;
}

std::string Reply::to_string() const {
  std::string text = fmt::format("{}", code);
  if (status) text += ' ' + status->to_string();
  for (const std::string& line : lines) {
    if (!line.empty()) text += ' ' + base::printable(without_controls(line));
  }
  return text;
}

void ReplyParser::feed(std::string_view bytes) {
  input_.erase(0, std::exchange(start_, 0));
  input_.append(bytes);
}

Result<std::optional<Reply>> ReplyParser::next() {
  for (;;) {
    const std::string_view waiting = std::string_view(input_).substr(start_);
    const std::size_t end = waiting.substr(0, longest_read_line).find('\n');
    if (end == std::string_view::npos) {
      if (waiting.size() >= longest_read_line) return not_smtp("a reply line is too long", waiting);
      return std::optional<Reply>();
    }
    std::string_view text = waiting.substr(0, end);
    if (text.ends_with('\r')) text.remove_suffix(1);
    const auto line = parse_line(text);
    if (!line) return not_smtp("not a reply", text);
    if (partial_ && partial_->code != line->code) return not_smtp("two codes in one reply", text);
    if (partial_ && partial_->lines.size() == most_read_lines) return not_smtp("too many lines in a reply", text);
    if (partial_size_ + end + 1 > largest_read_reply) return not_smtp("a reply is too long", text);
    if (!partial_) partial_.emplace();
    add_line(*partial_, *line);
    partial_size_ += end + 1;
    start_ += end + 1;
    if (!line->last) continue;
    partial_size_ = 0;
    return std::exchange(partial_, std::nullopt);
  }
}

}  // namespace mail

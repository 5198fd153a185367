// Header fields taken and added; everything else stays as it was written.
#include "relay/cli/letter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "mail/address_list.h"
#include "mail/header.h"

namespace relay::cli {
namespace {

using Names = std::array<std::string_view, 3>;
constexpr Names usual{"To", "Cc", "Bcc"};
constexpr Names resent{"Resent-To", "Resent-Cc", "Resent-Bcc"};

bool is_one_of(const Names& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view other) { return base::equal_ignoring_case(other, name); });
}

bool is_secret(std::string_view name) {
  return base::equal_ignoring_case(name, "Bcc") || base::equal_ignoring_case(name, "Resent-Bcc");
}

std::string with_line_ends(std::string_view input) {
  std::string text;
  text.reserve(input.size() + input.size() / 32);
  while (!input.empty()) {
    const std::size_t end = input.find('\n');
    std::string_view line = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text += line;
    text += "\r\n";
  }
  return text;
}

std::string_view without_mailbox_line(std::string_view input) {
  if (!input.starts_with("From ")) return input;
  const std::size_t end = input.find('\n');
  return end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
}

/// As a quoted string; a name that is not ASCII, or holds control characters, is left out.
std::string from_field(const Sender& sender) {
  const bool plain = std::ranges::all_of(sender.full_name, [](char c) { return c >= ' ' && c <= '~'; });
  if (sender.full_name.empty() || !plain) return fmt::format("From: {}\r\n", sender.address);
  std::string quoted;
  for (const char c : sender.full_name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("From: \"{}\" <{}>\r\n", quoted, sender.address);
}

}  // namespace

std::string_view up_to_dot(std::string_view input, DotLine dot) {
  if (dot == DotLine::is_text) return input;
  for (std::size_t start = 0; start < input.size();) {
    const std::size_t end = input.find('\n', start);
    std::string_view line = input.substr(start, end == std::string_view::npos ? end : end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == ".") return input.substr(0, start);
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
  return input;
}

Letter::Letter(std::string_view input) : text_(with_line_ends(without_mailbox_line(input))) {
  mail::HeaderBlock header;
  const std::size_t used = header.feed(text_);
  header.finish();
  too_large_ = header.too_large();
  // The block has its own copy: the same places in text_ outlive it.
  std::size_t at = 0;
  for (const mail::Field& field : header.fields()) {
    const std::string_view raw = std::string_view(text_).substr(at, field.raw.size());
    const auto value_at = static_cast<std::size_t>(field.value.data() - field.raw.data());
    fields_.push_back(Field{raw.substr(0, field.name.size()), raw.substr(value_at, field.value.size()), raw});
    at += field.raw.size();
  }
  body_ = std::string_view(text_).substr(used - header.held_back().size());
}

base::Result<std::vector<std::string>> Letter::recipients() const {
  const bool is_resent = std::ranges::any_of(fields_, [](const Field& field) { return is_one_of(resent, field.name); });
  const Names& names = is_resent ? resent : usual;
  std::vector<std::string> all;
  for (const Field& field : fields_) {
    if (!is_one_of(names, field.name)) continue;
    auto addresses = mail::addresses_in(field.value);
    if (!addresses) return base::fail(addresses.error().kind, fmt::format("{}: {}", field.name, addresses.error().words));
    std::ranges::move(*addresses, std::back_inserter(all));
  }
  return all;
}

bool Letter::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const Field& field) { return base::equal_ignoring_case(field.name, name); });
}

std::string Letter::finish(const Sender& sender) const {
  if (too_large_) return text_;
  std::string message;
  message.reserve(text_.size() + 512);
  if (!has("From")) message += from_field(sender);
  for (const Field& field : fields_) {
    if (!is_secret(field.name)) message += field.raw;
  }
  message += "\r\n";
  message += body_;
  return message;
}

bool Letter::is_8bit() const {
  return std::ranges::any_of(text_, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace relay::cli

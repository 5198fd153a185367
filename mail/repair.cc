// Fields added and taken away.
#include "mail/repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mail {

std::string missing_fields(const HeaderBlock& header, std::string_view hostname, std::string_view id, base::Time now) {
  const bool has_header = !header.fields().empty() || !header.had_no_separator();
  if (!has_header || header.count("DKIM-Signature") > 0) return {};
  std::string added;
  std::size_t fields = header.fields().size();
  if (header.count("Date") == 0) {
    added += fmt::format("Date: {}\r\n", date_time(now));
    ++fields;
  }
  if (header.count("Message-ID") == 0) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    added += fmt::format("Message-ID: <{}.{}@{}>\r\n", id, seconds, hostname);
    ++fields;
  }
  const bool fits = header.raw().size() + added.size() <= HeaderBlock::max_octets && fields <= HeaderBlock::max_fields;
  return fits ? added : std::string();
}

std::string without_fields(const HeaderBlock& header, const WhichFields& which) {
  std::string text;
  std::size_t in_fields = 0;
  for (const Field& field : header.fields()) {
    in_fields += field.raw.size();
    if (!which(field)) text += field.raw;
  }
  return text + header.raw().substr(in_fields);
}

std::string values_of(const HeaderBlock& header, const WhichFields& which, std::size_t most) {
  std::string text;
  for (const Field& field : header.fields()) {
    if (text.size() >= most) break;
    if (!which(field)) continue;
    if (!text.empty()) text += " | ";
    text += unfold(field.value);
  }
  text.resize(std::min(text.size(), most));
  return text;
}

}  // namespace mail

// The header of a message: scanned a line at a time while it streams in, shown as views when it is complete.
#include "mail/header.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace mail {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// ftext of RFC 5322 3.6.8.
bool is_name_octet(char c) { return c > ' ' && c <= '~' && c != ':'; }

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

HeaderBlock::HeaderBlock(HeaderBlock&& other) noexcept { *this = std::move(other); }

HeaderBlock& HeaderBlock::operator=(HeaderBlock&& other) noexcept {
  text_ = std::move(other.text_);
  line_start_ = other.line_start_;
  places_ = std::move(other.places_);
  fields_ = std::move(other.fields_);
  held_back_ = std::move(other.held_back_);
  complete_ = other.complete_;
  too_large_ = other.too_large_;
  no_separator_ = other.no_separator_;
  if (complete_) point_fields();  // a short text lies inside of the string and has moved
  return *this;
}

std::size_t HeaderBlock::feed(std::string_view content) {
  if (too_large_) return content.size();
  std::size_t used = 0;
  while (used < content.size() && !complete_) {
    const std::size_t line_feed = content.find('\n', used);
    const bool ends = line_feed != std::string_view::npos;
    const std::string_view piece = content.substr(used, ends ? line_feed - used + 1 : line_feed);
    if (text_.size() + piece.size() > max_octets) {
      give_up();
      return content.size();
    }
    text_ += piece;
    used += piece.size();
    if (!ends) break;
    const Line line = take_line(std::string_view(text_).substr(line_start_));
    if (too_large_) return content.size();
    if (line == Line::body) {
      used -= piece.size();
      end_without_separator(piece.size());
    } else if (line == Line::end) {
      conclude();
    } else {
      line_start_ = text_.size();
    }
  }
  return used;
}

void HeaderBlock::finish() {
  if (complete_) return;
  if (line_start_ < text_.size()) {
    const Line line = take_line(std::string_view(text_).substr(line_start_));
    if (line == Line::body) return end_without_separator(0);
    if (line == Line::header) line_start_ = text_.size();
  }
  conclude();
}

/// Says what a whole line is and notes where a field starts.
HeaderBlock::Line HeaderBlock::take_line(std::string_view line) {
  line = without_line_end(line);
  if (line.empty()) return Line::end;
  if (is_blank(line.front())) return places_.empty() ? Line::body : Line::header;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Line::body;
  const std::string_view before = line.substr(0, colon);
  const std::string_view name = before.substr(0, before.find_last_not_of(" \t") + 1);  // obs-optional, RFC 5322 4.5.8
  if (name.empty() || !std::ranges::all_of(name, is_name_octet)) return Line::body;
  if (places_.size() == max_fields) {
    give_up();
    return Line::header;
  }
  places_.push_back(Place{static_cast<std::uint32_t>(line_start_), static_cast<std::uint32_t>(line_start_ + name.size()),
                          static_cast<std::uint32_t>(line_start_ + colon)});
  return Line::header;
}

void HeaderBlock::end_without_separator(std::size_t octets_of_this_feed) {
  no_separator_ = true;
  held_back_ = text_.substr(line_start_, text_.size() - line_start_ - octets_of_this_feed);
  text_.resize(line_start_);
  conclude();
}

void HeaderBlock::give_up() {
  too_large_ = true;
  text_ = std::string();
  line_start_ = 0;
  places_ = {};
}

void HeaderBlock::conclude() {
  complete_ = true;
  fields_.resize(places_.size());
  point_fields();
}

void HeaderBlock::point_fields() {
  std::size_t end = line_start_;  // of the empty line, when there is one
  for (std::size_t i = fields_.size(); i-- > 0;) {
    const Place& place = places_[i];
    const std::string_view raw = std::string_view(text_).substr(place.start, end - place.start);
    fields_[i].raw = raw;
    fields_[i].name = raw.substr(0, place.name_end - place.start);
    fields_[i].value = without_line_end(raw.substr(place.colon - place.start + 1));
    end = place.start;
  }
}

std::vector<const Field*> HeaderBlock::find(std::string_view name) const {
  std::vector<const Field*> found;
  for (const Field& field : fields_) {
    if (base::equal_ignoring_case(field.name, name)) found.push_back(&field);
  }
  return found;
}

std::size_t HeaderBlock::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields_, [name](const Field& field) { return base::equal_ignoring_case(field.name, name); }));
}

std::string unfold(std::string_view value) {
  std::string text(base::trim(value));
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return text;
}

std::string message_id(const HeaderBlock& header) {
  const auto fields = header.find("Message-ID");
  if (fields.size() != 1) return {};
  const std::string_view value = base::trim(fields.front()->value);
  const std::size_t start = value.find('<');
  const std::size_t end = value.find('>', std::min(start, value.size()));
  if (end == std::string_view::npos) return {};
  const std::string_view id = value.substr(start, end - start + 1);
  const bool one_word = std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
  return one_word ? std::string(id) : std::string();
}

bool asks_for_no_tls_policy(const HeaderBlock& header) {
  const auto fields = header.find("TLS-Required");
  return fields.size() == 1 && base::equal_ignoring_case(base::trim(unfold(fields.front()->value)), "No");
}

}  // namespace mail

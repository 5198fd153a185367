// Fuzzes the header: the same fields and the same body at any cut, views that cover the text without a gap, and look-ups that
// hold; and what is written of a field into Authentication-Results is known again. The first octet chooses the cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "mail/authentication_results.h"
#include "mail/header.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Scan {
  mail::HeaderBlock header;
  std::string body;
};

Scan scan(std::string_view content, std::size_t piece) {
  Scan result;
  for (; !content.empty(); content.remove_prefix(std::min(piece, content.size()))) {
    const std::string_view in = content.substr(0, piece);
    const bool was_complete = result.header.complete();
    const std::size_t head = was_complete ? 0 : result.header.feed(in);
    if (!was_complete) result.body += result.header.held_back();
    result.body += in.substr(head);
  }
  if (!result.header.complete()) {
    result.header.finish();
    result.body += result.header.held_back();
  }
  return result;
}

void check_results(const mail::Field& field) {
  constexpr std::string_view us = "relay.example.com";
  const mail::DkimOutcome outcome{"fail", field.value, field.value, field.name, field.value, field.value};
  mail::HeaderBlock written;
  written.feed(mail::authentication_results(us, {&outcome, 1}));
  written.finish();
  require(written.fields().size() == 1 && mail::is_false_result(written.fields().front(), us));
  require(written.raw().size() == written.fields().front().raw.size());
  mail::is_false_result(mail::Field{"Authentication-Results", field.value, field.raw}, us);
}

void check(const mail::HeaderBlock& header) {
  std::string_view rest = header.raw();
  for (const mail::Field& field : header.fields()) {
    require(field.raw.data() == rest.data() && rest.starts_with(field.raw));
    require(!field.name.empty() && field.raw.starts_with(field.name));
    require(field.name.data() + field.name.size() < field.value.data() || field.value.empty());
    const auto found = header.find(field.name);
    require(header.count(field.name) == found.size());
    require(std::ranges::find(found, &field) != found.end());
    const std::string unfolded = mail::unfold(field.value);
    require(unfolded.find('\n') == std::string::npos && unfolded.find('\r') == std::string::npos);
    rest.remove_prefix(field.raw.size());
  }
  require(rest.empty() || rest == "\r\n" || rest == "\n" || rest == "\r");
  const std::string id = mail::message_id(header);
  require(id.empty() || (id.starts_with('<') && id.ends_with('>')));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Scan whole = scan(content, content.size() + 1);
  Scan cut = scan(content, std::size_t{data[0]} + 1);
  require(cut.body == whole.body && cut.header.raw() == whole.header.raw());
  require(cut.header.had_no_separator() == whole.header.had_no_separator());
  require(cut.header.fields().size() == whole.header.fields().size());
  if (!whole.header.too_large()) require(whole.header.raw() + whole.body == content);
  const mail::HeaderBlock moved(std::move(cut.header));
  check(whole.header);
  check(moved);
  for (std::size_t i = 0; i < std::min<std::size_t>(whole.header.fields().size(), 20); ++i)
    check_results(whole.header.fields()[i]);
  return 0;
}

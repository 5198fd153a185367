// Fuzzes filters: text that is read prints to what reads back as itself, and so does what a command line makes of names and
// values. The input is taken as the text, and as lines "name value" of a command line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "queue/filter.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const queue::Filter& filter) {
  const auto again = queue::Filter::parse(filter.to_text());
  require(again.has_value() && *again == filter);
  require(filter.is_empty() == (filter.to_text().empty() || filter.to_text().starts_with("until ")));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto filter = queue::Filter::parse(text)) check(*filter);
  queue::Filter filter;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::size_t space = line.find(' ');
    const std::string_view value = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    const auto set = filter.set(line.substr(0, space), value, base::Time(base::Duration(1'790'000'000'000)));
    if (!set) require(set.error().kind == base::Kind::invalid && set.error().words.find('\n') == std::string::npos);
  }
  check(filter);
  return 0;
}

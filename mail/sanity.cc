// One pass over the fields with a count for each that may stand once.
#include "mail/sanity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"

namespace mail {
namespace {

constexpr std::array<std::string_view, 14> once{
    "From",       "Date",        "Sender",     "Reply-To", "To",           "Cc",           "Bcc",
    "Message-ID", "In-Reply-To", "References", "Subject",  "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

}  // namespace

std::string flaw(const HeaderBlock& header) {
  std::array<std::size_t, once.size()> counts{};
  const Field* from = nullptr;
  for (const Field& field : header.fields()) {
    const auto* const name =
        std::ranges::find_if(once, [&](std::string_view known) { return base::equal_ignoring_case(known, field.name); });
    if (name == once.end()) continue;
    ++counts[static_cast<std::size_t>(name - once.begin())];
    if (name == once.begin()) from = &field;
  }
  if (from == nullptr) return "there is no From: field";
  for (std::size_t i = 0; i < once.size(); ++i) {
    if (counts[i] > 1) return fmt::format("there are {} {}: fields, and only one is allowed", counts[i], once[i]);
  }
  const auto author = first_address(from->value);
  const bool readable = author || author.error().kind == base::Kind::unsupported;
  return readable ? std::string() : "the From: field has no address that can be read";
}

}  // namespace mail

// Fuzzes addresses: whatever is taken prints as one clean word of the envelope and reads back as the same value; the author of a
// From: value is an address too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mail/address.h"
#include "mail/header.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const mail::Mailbox& mailbox) {
  const std::string text = mailbox.to_string();
  require(text.size() <= 254);
  require(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
  require(mail::Mailbox::parse(text) == mailbox);
  if (!mailbox.domain().empty() && !mailbox.has_literal()) require(mail::parse_domain(mailbox.domain()) == mailbox.domain());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto mailbox = mail::Mailbox::parse(text)) check(*mailbox);
  if (const auto path = mail::ReversePath::parse(text)) require(mail::ReversePath::parse(path->to_string()) == *path);
  if (const auto author = mail::first_address(text)) {
    check(*author);
    require(!author->domain().empty());
    require(mail::first_address("\"x, <y>\" (z) <" + author->to_string() + ">") == *author);
  }
  return 0;
}

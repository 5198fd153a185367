// Fuzzes addresses: whatever is taken prints as one clean word of the envelope and reads back as the same value; the author of a
// From: value is an address too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "mail/address.h"
#include "mail/encoding.h"
#include "mail/header.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const mail::Mailbox& mailbox) {
  const std::string text = mailbox.to_string();
  require(text.size() <= 254);
  require(mail::is_utf8(text) && mailbox.is_ascii() == base::is_ascii(text));
  require(std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7F; }));
  require(mail::Mailbox::parse(text) == mailbox);
  if (mailbox.to_utf8().size() <= 254) require(mail::Mailbox::parse(mailbox.to_utf8()) == mailbox);
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

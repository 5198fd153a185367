// Lists of addresses: what is found can be read by itself and means the same again.
#include "mail/address_list.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto addresses = mail::addresses_in(value);
  if (!addresses) return 0;
  std::size_t octets = 0;
  for (const std::string& address : *addresses) {
    octets += address.size();
    const auto mailbox = mail::qualified(address, "relay.example.com");
    if (!mailbox) continue;
    const auto again = mail::addresses_in(mailbox->to_string());
    if (!again || again->size() != 1) std::abort();
    const auto same = mail::qualified(again->front(), "relay.example.com");
    if (!same || *same != *mailbox) std::abort();
  }
  if (octets > size) std::abort();
  return 0;
}

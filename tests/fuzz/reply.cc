// Fuzzes the reading of replies: the same replies at any cut, clean lines, and each prints to what reads back as itself.
// The first octet chooses the cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mail/reply.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Read {
  std::vector<mail::Reply> replies;
  bool valid = true;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read(std::string_view wire, std::size_t piece) {
  mail::ReplyParser parser;
  Read result;
  for (; !wire.empty() && result.valid; wire.remove_prefix(std::min(piece, wire.size()))) {
    parser.feed(wire.substr(0, piece));
    for (;;) {
      auto reply = parser.next();
      result.valid = reply.has_value();
      if (!reply || !*reply) break;
      result.replies.push_back(**reply);
    }
  }
  return result;
}

void check(const mail::Reply& reply) {
  require(reply.code >= 200 && reply.code < 600 && !reply.lines.empty() && reply.lines.size() <= 128);
  require(!reply.status || reply.status->category == reply.code / 100);
  for (const std::string& line : reply.lines) {
    require(std::ranges::none_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }));
  }
  require(reply.to_string().find('\n') == std::string::npos);
  const Read again = read(reply.to_wire(), 7);
  require(again.valid && again.replies.size() == 1 && again.replies[0].code == reply.code);
  require(again.replies[0].lines.size() == reply.lines.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(wire, wire.size() + 1);
  require(read(wire, std::size_t{data[0]} + 1) == whole);
  for (const mail::Reply& reply : whole.replies) check(reply);
  return 0;
}

// Fuzzes DATA: content has CR LF line ends only, is the same at any cut as a plain reference makes it, goes out and comes in
// unchanged, and no content ends its own transfer. The first octet chooses the cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mail/data.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Taken {
  std::string content;
  std::size_t used = 0;
  bool done = false;
  friend bool operator==(const Taken&, const Taken&) = default;
};

Taken take(std::string_view wire, std::size_t piece) {
  mail::EndOfData end(mail::BareNewline::normalize);
  Taken taken;
  while (taken.used < wire.size() && !end.done()) {
    const std::string_view in = wire.substr(taken.used, piece);
    const std::size_t used = end.consume(in, taken.content);
    require(used == in.size() || end.done());
    taken.used += used;
  }
  taken.done = end.done();
  return taken;
}

/// Line by line and octet by octet; only for wires that hold their end.
Taken reference(std::string_view wire) {
  Taken taken;
  for (;;) {
    const std::size_t end = wire.find("\r\n", taken.used);
    std::string_view line = wire.substr(taken.used, end - taken.used);
    taken.used = end + 2;
    taken.done = line == ".";
    if (taken.done) return taken;
    if (line.starts_with('.')) line.remove_prefix(1);
    for (const char c : line) {
      if (c == '\n') {
        taken.content += "\r\n";
      } else {
        taken.content += c == '\r' ? ' ' : c;
      }
    }
    taken.content += "\r\n";
  }
}

std::string stuff(std::string_view content, std::size_t piece) {
  mail::DotStuffer stuffer;
  std::string wire;
  for (std::size_t i = 0; i < content.size(); i += piece) stuffer.append(content.substr(i, piece), wire);
  stuffer.finish(wire);
  return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string wire = std::string(text) + "\r\n.\r\n";
  const Taken taken = take(wire, wire.size());
  require(taken.done && taken == take(wire, piece) && taken == reference(wire));

  const std::string out = stuff(taken.content, piece);
  require(out == stuff(taken.content, out.size()));
  const Taken back = take(out, piece);
  require(back.content == taken.content && back.used == out.size());

  const std::string any = stuff(text, piece);
  const Taken any_back = take(any, any.size());
  require(any_back.done && any_back.used == any.size());
  return 0;
}

// The PROXY header: examples of both versions, what is no header, and that cuts do not matter.
#include "mail/proxy_header.h"

#include "tests/catch.h"

using mail::ProxyHeader;

namespace {

std::string v2(char version_command, char family, const std::string& rest) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += version_command;
  text += family;
  text += static_cast<char>(rest.size() >> 8U);
  text += static_cast<char>(rest.size() & 255U);
  return text + rest;
}

const std::string v4_part("\xC0\x00\x02\x01\xC6\x33\x64\x01\xDC\x04\x00\x19", 12);

struct Read {
  bool ok = true;
  bool done = false;
  std::size_t used = 0;
  std::string client;
  std::string server;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read(std::string_view text, std::size_t piece = 1U << 20U) {
  ProxyHeader header;
  Read read;
  while (read.used < text.size() && !header.done()) {
    const auto used = header.consume(text.substr(read.used, piece));
    if (!used) return Read{false, false, 0, {}, {}};
    read.used += *used;
  }
  read.done = header.done();
  if (header.proxied()) {
    read.client = base::to_string(header.proxied()->client);
    read.server = base::to_string(header.proxied()->server);
  }
  return read;
}

}  // namespace

TEST_CASE("a line of version 1 names both ends") {
  const Read four = read("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO x\r\n");
  CHECK(four.client == "192.0.2.1:56324");
  CHECK(four.server == "198.51.100.1:25");
  CHECK(four.used == 44);
  const Read six = read("PROXY TCP6 2001:db8::1 2001:db8::2 1 465\r\n");
  CHECK(six.client == "[2001:db8::1]:1");
  CHECK(six.server == "[2001:db8::2]:465");
}

TEST_CASE("a balancer that speaks for itself names nobody") {
  const std::string text =
      GENERATE(std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"),
               v2('\x20', '\x00', ""), v2('\x20', '\x11', v4_part), v2('\x21', '\x00', ""), v2('\x21', '\x00', "whatever"),
               v2('\x21', '\x31', std::string(216, 'u')));
  const Read result = read(text + "EHLO x\r\n");
  CHECK(result.done);
  CHECK(result.used == text.size());
  CHECK(result.client.empty());
}

TEST_CASE("a header of version 2 names both ends, its TLVs are skipped") {
  const std::string tlvs =
      GENERATE(std::string(), std::string("\x04\x00\x01x", 4), std::string(500, 't'), std::string(4068, 't'));
  const std::string text = v2('\x21', '\x11', v4_part + tlvs);
  const Read result = read(text + "EHLO x\r\n");
  CHECK(result.done);
  CHECK(result.used == text.size());
  CHECK(result.client == "192.0.2.1:56324");
  CHECK(result.server == "198.51.100.1:25");
}

TEST_CASE("version 2 has IPv6, too") {
  std::string part("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x01\x01\xd1", 36);
  const Read result = read(v2('\x21', '\x21', part));
  CHECK(result.client == "[2001:db8::1]:1");
  CHECK(result.server == "[2001:db8::2]:465");
}

TEST_CASE("what is no PROXY header is refused at its first wrong octet") {
  const std::string bad = GENERATE(
      std::string("EHLO x\r\n"), std::string("P\r\n"), std::string("PROXX "), std::string("\r\n\r\n\r\n"), std::string("\n"),
      std::string("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"), std::string("PROXY TCP4 192.0.2.1 198.51.100.1 1 25 9\r\n"),
      std::string("PROXY TCP4 192.0.2.1  198.51.100.1 1 25\r\n"), std::string("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"),
      std::string("PROXY TCP4 192.0.2.256 198.51.100.1 1 25\r\n"), std::string("PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n"),
      std::string("PROXY TCP4 192.0.2.1 198.51.100.1 01 25\r\n"), std::string("PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n"),
      std::string("PROXY \r\n"), std::string("PROXY TCP4 192.0.2.1 198.51.100.1 1 25\n"),
      "PROXY UNKNOWN " + std::string(100, 'x'));
  CHECK_FALSE(read(bad).ok);
  CHECK_FALSE(read(bad, 1).ok);
}

TEST_CASE("a header of version 2 that cannot be right is refused") {
  const std::string bad =
      GENERATE(v2('\x11', '\x11', v4_part), v2('\x22', '\x11', v4_part), v2('\x21', '\x41', v4_part), v2('\x21', '\x13', v4_part),
               v2('\x21', '\x12', v4_part), v2('\x21', '\x11', v4_part.substr(1)), v2('\x21', '\x21', std::string(35, 'x')),
               v2('\x21', '\x11', v4_part + std::string(4069, 't')));
  CHECK_FALSE(read(bad).ok);
}

TEST_CASE("a PROXY header may come in any pieces") {
  const std::string text = GENERATE(std::string("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO x\r\n"),
                                    v2('\x21', '\x11', v4_part + std::string(300, 't')) + "EHLO x\r\n");
  for (std::size_t piece = 1; piece < text.size(); ++piece) CHECK(read(text, piece) == read(text));
  for (std::size_t size = 0; size < text.size() - 8; ++size) CHECK_FALSE(read(text.substr(0, size)).done);
}

// DATA's transparency: what ends the content, what never does, and that nothing depends on how the octets are cut.
#include "mail/data.h"

#include <algorithm>
#include <random>

#include "tests/catch.h"

using mail::BareNewline;
using mail::DotStuffer;
using mail::EndOfData;

namespace {

struct Taken {
  std::string content;
  std::size_t used = 0;
  bool done = false;
  bool bare = false;
  friend bool operator==(const Taken&, const Taken&) = default;
};

Taken take(std::string_view wire, std::size_t piece = 1U << 20U) {
  EndOfData end(BareNewline::normalize);
  Taken taken;
  while (taken.used < wire.size() && !end.done()) {
    const std::string_view in = wire.substr(taken.used, piece);
    const std::size_t used = end.consume(in, taken.content);
    REQUIRE((used == in.size() || end.done()));
    taken.used += used;
  }
  taken.done = end.done();
  taken.bare = end.saw_bare_newline();
  return taken;
}

/// The content of a transfer that ends with the last octets of `wire`.
std::string content(std::string_view wire) {
  const Taken taken = take(wire);
  CHECK(taken.done);
  CHECK(taken.used == wire.size());
  return taken.content;
}

std::string stuffed(std::string_view text, std::size_t piece = 1U << 20U) {
  DotStuffer stuffer;
  std::string wire;
  for (std::size_t i = 0; i < text.size(); i += piece) stuffer.append(text.substr(i, piece), wire);
  stuffer.finish(wire);
  return wire;
}

/// Text of few different octets, so that every order of them comes up.
std::string random_text(std::mt19937& random, std::string_view alphabet, std::size_t longest) {
  std::string text(random() % (longest + 1), ' ');
  std::ranges::generate(text, [&] { return alphabet[random() % alphabet.size()]; });
  return text;
}

std::string random_lines(std::mt19937& random) {
  std::string text;
  for (auto count = random() % 8; count > 0; --count) text += random_text(random, "ab.", 5) + "\r\n";
  return text;
}

}  // namespace

TEST_CASE("CR LF . CR LF ends the content and is no part of it") {
  CHECK(content("a\r\nb\r\n.\r\n") == "a\r\nb\r\n");
  CHECK(content("\r\n.\r\n") == "\r\n");
  CHECK(content(".\r\n").empty());
  CHECK(take("a\r\n.\r\nQUIT\r\n") == Taken{"a\r\n", 6, true, false});
  CHECK_FALSE(take("a\r\n.\r").done);
  CHECK_FALSE(take("a\r\n").done);
}

TEST_CASE("the first dot of a line is taken away") {
  CHECK(content("..\r\n.\r\n") == ".\r\n");
  CHECK(content("...a\r\n.b\r\nc.d.\r\n.\r\n") == "..a\r\nb\r\nc.d.\r\n");
  CHECK(content("a\r\n.. \r\n.\r\n") == "a\r\n. \r\n");
}

TEST_CASE("nothing else ends the content") {
  CHECK(content("a\n.\nb\r\n.\r\n") == "a\r\n.\r\nb\r\n");
  CHECK(content("a\n.\r\nb\r\n.\r\n") == "a\r\n.\r\nb\r\n");
  CHECK(content("a\r\n.\nb\r\n.\r\n") == "a\r\n\r\nb\r\n");
  CHECK(content("a\r.\rb\r\n.\r\n") == "a . b\r\n");
  CHECK(content("a\r\n.\rb\r\n.\r\n") == "a\r\n b\r\n");
  CHECK(content("a\r\n.\r\r\nb\r\n.\r\n") == "a\r\n \r\nb\r\n");
  CHECK(content("a\r\r\n.\r\n") == "a \r\n");
  CHECK(content("a\r.\r\nb\r\n.\r\n") == "a .\r\nb\r\n");
  CHECK(content(std::string("a\r\n\0.\r\n.\0\r\n.\r\n", 14)) == std::string("a\r\n\0.\r\n\0\r\n", 10));
  CHECK(content("\n.\r\n\r\n.\r\n") == "\r\n.\r\n\r\n");
}

TEST_CASE("what a bare newline hid goes out as content") {
  const std::string smuggled =
      GENERATE(as<std::string>{}, "a\n.\nQUIT\r\n.\r\n", "a\n.\r\nQUIT\r\n.\r\n", "a\r\n.\nQUIT\r\n.\r\n", "a\r.\rQUIT\r\n.\r\n",
               "a\r\n.\rQUIT\r\n.\r\n", "a\n\r.\r\nQUIT\r\n.\r\n");
  const std::string wire = stuffed(content(smuggled));
  CHECK(wire.find("\r\n.\r\n") == wire.size() - 5);
  CHECK(wire.find("QUIT") < wire.size() - 5);
}

TEST_CASE("bare newlines are noticed, and refused where that is asked") {
  CHECK_FALSE(take("a\r\n..\r\n.\r\n").bare);
  CHECK(take("a\nb\r\n.\r\n").bare);
  CHECK(take("a\rb\r\n.\r\n").bare);
  CHECK(take("a\r\r\n.\r\n").bare);
  CHECK(take("a\r\n.\n\r\n.\r\n").bare);
  for (const auto policy : {BareNewline::normalize, BareNewline::reject}) {
    EndOfData end(policy);
    std::string out;
    end.consume("a\n.\nb\r\n.\r\n", out);
    CHECK(end.done());
    CHECK(end.must_refuse() == (policy == BareNewline::reject));
  }
  EndOfData clean(BareNewline::reject);
  std::string out;
  clean.consume("a\r\n.\r\n", out);
  CHECK_FALSE(clean.must_refuse());
}

TEST_CASE("the content is the same however the octets are cut") {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string wire = random_text(random, "a.\r\n", 40) + "\r\n.\r\n" + random_text(random, "a.\r\n", 5);
    const Taken whole = take(wire);
    REQUIRE(whole.done);
    for (const std::size_t piece : {1U, 2U, 3U, 7U}) REQUIRE(take(wire, piece) == whole);
  }
}

TEST_CASE("content has CR LF line ends only and ends with one") {
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = take(random_text(random, "a.\r\n", 40) + "\r\n.\r\n").content;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\r') REQUIRE((i + 1 < text.size() && text[i + 1] == '\n'));
      if (text[i] == '\n') REQUIRE((i > 0 && text[i - 1] == '\r'));
    }
    REQUIRE((text.empty() || text.ends_with("\r\n")));
  }
}

TEST_CASE("dots are doubled at line starts") {
  CHECK(stuffed("") == ".\r\n");
  CHECK(stuffed("a\r\n") == "a\r\n.\r\n");
  CHECK(stuffed(".\r\n..a\r\nb.\r\n") == "..\r\n...a\r\nb.\r\n.\r\n");
}

TEST_CASE("a last line without its end is completed") {
  CHECK(stuffed("a") == "a\r\n.\r\n");
  CHECK(stuffed(".") == "..\r\n.\r\n");
  CHECK(stuffed("a\r") == "a\r\n.\r\n");
  CHECK(stuffed("a\n") == "a\n\r\n.\r\n");
}

TEST_CASE("content comes through a transfer as it was") {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_lines(random);
    const std::string wire = stuffed(text, 1 + random() % 5);
    REQUIRE(wire == stuffed(text));
    REQUIRE(take(wire, 1 + random() % 5) == Taken{text, wire.size(), true, false});
  }
}

TEST_CASE("no content of any kind ends a transfer early, to strict and to careless receivers") {
  std::mt19937 random(4);
  for (int round = 0; round < 5000; ++round) {
    const std::string text = random_text(random, "a.\r\n", 30);
    const std::string wire = stuffed(text, 1 + random() % 5);
    REQUIRE(wire == stuffed(text));
    REQUIRE(take(wire).used == wire.size());
    REQUIRE(take(wire).done);
    for (const char* end : {"\n.\n", "\n.\r", "\r.\r", "\r.\n"})
      REQUIRE(std::min(wire.find(end), wire.size()) + 4 >= wire.size());
  }
}

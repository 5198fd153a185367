// What a terminal is given, and how wide that is.
#include "relay/cli/display.h"

#include <random>

#include "base/text.h"
#include "tests/catch.h"

namespace {

using relay::cli::Cut;
using relay::cli::cut_text;
using relay::cli::display_width;
using relay::cli::safe_text;

}  // namespace

TEST_CASE("no text can send a terminal a control sequence") {
  CHECK(safe_text("550 \x1b]0;owned\x07") == "550 \\x1b]0;owned\\x07");
  CHECK(safe_text("a\r\nb\tc") == "a\\x0d\\x0ab\\x09c");
  CHECK(safe_text("\xC2\x9B"
                  "31m") == "\\xc2\\x9b31m");  // CSI as one character of C1
  CHECK(safe_text("bad \xFF utf-8") == "bad \\xff utf-8");
}

TEST_CASE("no text can turn its direction or hide a part of itself") {
  CHECK(safe_text("bob@example.\u202Eten") == "bob@example.\\u{202e}ten");
  CHECK(safe_text("b\u200Bob") == "b\\u{200b}ob");
  CHECK(safe_text("\u2066x\u2069") == "\\u{2066}x\\u{2069}");
  CHECK(safe_text("\uFEFFx") == "\\u{feff}x");
}

TEST_CASE("readable text of any language stays as it is, and is not made safe twice") {
  for (const std::string text : {"plain", "用户不存在", "Grüße", "почта", "ผู้ใช้", "C:\\x1b"}) {
    CHECK(safe_text(text) == text);
    CHECK(safe_text(safe_text(text)) == text);
  }
  CHECK(safe_text(safe_text("\x1b\u202E")) == safe_text("\x1b\u202E"));
}

TEST_CASE("whatever octets come, they are shown safely and cut to the column") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same octets in every run
  for (int round = 0; round < 3000; ++round) {
    std::string octets;
    for (int i = 0; i < 24; ++i) octets += static_cast<char>(random() % 3 == 0 ? random() % 256 : 0xC0 + random() % 64);
    const std::string safe = safe_text(octets);
    for (const char c : safe) CHECK(((static_cast<unsigned char>(c) >= 0x20 && c != '\x7F')));
    CHECK(safe_text(safe) == safe);
    for (const Cut cut : {Cut::end, Cut::start, Cut::address}) {
      const std::size_t width = random() % 30;
      CHECK(display_width(cut_text(safe, width, cut)) <= width);
    }
    const std::string lines = relay::cli::wrapped(safe, 20, 4);
    for (const std::string_view line : base::split(lines, '\n')) CHECK(display_width(line) <= 20);
  }
}

TEST_CASE("long text is wrapped at its blanks, and indented") {
  using relay::cli::wrapped;
  CHECK(wrapped("short", 20, 4) == "short\n");
  CHECK(wrapped("", 20, 4) == "\n");
  CHECK(wrapped("a reply that has many words", 12, 2) == "a reply that\n  has many\n  words\n");
  CHECK(wrapped("name      averyveryverylongvalue", 20, 10) == "name      averyveryv\n          erylongval\n          ue\n");
  CHECK(wrapped("用户不存在 请检查", 11, 2) == "用户不存在\n  请检查\n");
}

TEST_CASE("columns are counted, not octets and not characters") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("äöü") == 3);
  CHECK(display_width("用户不存在") == 10);
  CHECK(display_width("ｆｕｌｌ") == 8);
  CHECK(display_width("한국어") == 6);
  CHECK(display_width("ひらがな") == 8);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("📧") == 2);
  CHECK(display_width("𠀀") == 2);
  CHECK(display_width("…—“”") == 4);
}

TEST_CASE("a reply keeps its beginning") {
  CHECK(cut_text("450 4.2.0 greylisted", 20, Cut::end) == "450 4.2.0 greylisted");
  CHECK(cut_text("450 4.2.0 greylisted", 19, Cut::end) == "450 4.2.0 greylist…");
  CHECK(cut_text("450 4.2.0 greylisted", 10, Cut::end) == "450 4.2.0…");
  CHECK(cut_text("450", 0, Cut::end).empty());
  CHECK(cut_text("450 4.2.0", 1, Cut::end) == "…");
}

TEST_CASE("an address keeps the end of its domain") {
  CHECK(cut_text("robert.miller@example.net", 25, Cut::address) == "robert.miller@example.net");
  CHECK(cut_text("robert.miller@example.net", 20, Cut::address) == "robert.…@example.net");
  CHECK(cut_text("robert.miller@example.net", 15, Cut::address) == "ro…@example.net");
  CHECK(cut_text("robert.miller@example.net", 14, Cut::address) == "…r@example.net");
  CHECK(cut_text("robert.miller@example.net", 12, Cut::address) == "…example.net");
  CHECK(cut_text("robert.miller@example.net", 8, Cut::address) == "…ple.net");
  CHECK(cut_text("a.very.long.host.example.net", 12, Cut::address) == "…example.net");
  CHECK(cut_text("\"odd@local\"@example.net", 16, Cut::address) == "\"od…@example.net");
}

TEST_CASE("a wide character is never cut in half") {
  CHECK(cut_text("用户不存在", 10, Cut::end) == "用户不存在");
  CHECK(cut_text("用户不存在", 9, Cut::end) == "用户不存…");
  CHECK(cut_text("用户不存在", 8, Cut::end) == "用户不…");
  CHECK(cut_text("用户不存在", 8, Cut::start) == "…不存在");
  CHECK(cut_text("e\u0301e\u0301e\u0301", 2, Cut::end) == "e\u0301…");
  CHECK(cut_text("xe\u0301", 1, Cut::start) == "…");
}

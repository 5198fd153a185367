// Text between people and mail: subjects read, fields written, quoted-printable.
#include "mail/encoding.h"

#include <algorithm>

#include "base/text.h"
#include "mail/header.h"
#include "tests/catch.h"

using mail::one_line;
using mail::plain_field;
using mail::quoted_printable;
using mail::readable;
using mail::unstructured_field;

namespace {

constexpr std::size_t enough = 200;

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  for (const std::string_view line : base::split(text, '\n')) longest = std::max(longest, base::trim(line).size());
  return longest;
}

/// The value of a field as a reader sees it.
std::string read_back(std::string_view field) { return readable(field.substr(field.find(':') + 1), 5000); }

}  // namespace

TEST_CASE("text for people stays on one line and does not play tricks") {
  CHECK(one_line("plain words", enough) == "plain words");
  CHECK(one_line(" a\r\nb\t\tc\x7F ", enough) == "a b c");
  CHECK(one_line("你好", enough) == "你好");
  CHECK(one_line("a\xFFz", enough) == "a\\xffz");
  CHECK(one_line("invoice\xE2\x80\xAE"
                 "fdp.exe",
                 enough) == "invoice fdp.exe");        // U+202E turns the direction
  CHECK(one_line("a\xE2\x80\xA8z", enough) == "a z");  // U+2028 is a line end
  CHECK(one_line("", enough) == "");
}

TEST_CASE("text for people is cut between characters") {
  CHECK(one_line("abcdef", 3) == "abc...");
  CHECK(one_line("abc", 3) == "abc");
  CHECK(one_line("报价单", 2) == "报价...");
  CHECK(one_line(std::string(100000, 'x'), 10) == "xxxxxxxxxx...");
}

TEST_CASE("subjects are read as their writers meant them") {
  const auto [raw, text] = GENERATE(table<std::string, std::string>({
      {" Offer No. 5", "Offer No. 5"},
      {" folded\r\n subject", "folded subject"},
      {" =?utf-8?B?5oql5Lu35Y2V?=", "报价单"},
      {" =?UTF-8?q?=E6=8A=A5=e4=bb=b7_5?= please", "报价 5 please"},
      {" =?gb2312?B?sai827Wl?=", "报价单"},
      {" =?GBK?Q?=B1=A8=BC=DB=B5=A5?=", "报价单"},
      {" =?GB18030?B?sai827Wl?=", "报价单"},
      {" =?big5?B?s/i7+bPm?=", "報價單"},
      {" =?iso-8859-1?Q?M=FCller?=", "Müller"},
      {" =?us-ascii*en?Q?a_b?=", "a b"},
      {" Re: =?utf-8?B?5oql?= =?utf-8?B?5Lu3?= =?gbk?B?taU=?=!", "Re: 报价单!"},  // blanks between encoded words are not shown
      {" =?utf-8?B?5oql5A==?=\r\n =?utf-8?B?u7c=?=", "报价"},                     // a character cut in two
      {" =?gbk?B?sai8?= =?gbk?B?2w==?=", "报价"},
      {" \xB1\xA8\xBC\xDB", "报价"},  // neither encoded nor UTF-8
      {" \xE6\x8A\xA5\xE4\xBB\xB7", "报价"},
      {" \xB1\xA8 =?utf-8?B?5Lu3?=", "报 价"},
      {" =?utf-8?B?DQpCY2M6IHg=?=", "Bcc: x"},
  }));
  CHECK(readable(raw, enough) == text);
}

TEST_CASE("what is no encoded word, or in a charset that is not known, is shown as it stands") {
  const std::string raw = GENERATE(as<std::string>{}, "=?utf-8?B?5oql", "=?utf-8?X?abc?=", "=?utf-8?B?@@@?=", "=?utf-8?", "=?",
                                   "=?koi8-r?B?8NLJ18XU?=", "=?../../x?B?8NLJ18XU?=", "a =? b ?= c");
  CHECK(readable(raw, enough) == raw);
}

TEST_CASE("a subject of any size is read in bounds") {
  CHECK(readable(std::string(1U << 20U, '\xB1'), enough).size() < 5 * enough);
  std::string words;
  for (int i = 0; i < 20000; ++i) words += "=?utf-8?Q?";
  CHECK(readable(words, enough).size() == enough + 3);
}

TEST_CASE("an unstructured field is ASCII and reads back") {
  const std::string value = GENERATE(
      as<std::string>{}, "Mail not delivered to bob@example.net / 邮件未送达", "邮件 未 送达", "plain",
      "=?utf-8?Q?x?= looks encoded",
      "a very long plain subject that goes on and on until it has to be folded somewhere before it reaches the end of the line",
      "这是一个很长的主题，需要分成几个编码的词，而且不能把一个汉字从中间切开，否则对方的邮件软件可能无法正确显示它的内容");
  const std::string field = unstructured_field("Subject", value);
  CHECK(field.starts_with("Subject: "));
  CHECK(field.ends_with("\r\n"));
  CHECK(longest_line(field) <= 78);
  CHECK(std::ranges::all_of(field, [](char c) { return static_cast<unsigned char>(c) < 0x80U; }));
  CHECK(read_back(field) == value);
}

TEST_CASE("a long word of an unstructured field is encoded rather than too wide") {
  const std::string value = "to " + std::string(200, 'x') + "@example.net now";
  const std::string field = unstructured_field("Subject", value);
  CHECK(longest_line(field) <= 78);
  CHECK(read_back(field) == value);
}

TEST_CASE("a plain field is folded so that unfolding gives it back") {
  const std::string value =
      "smtp; 550 5.1.1 <bob@example.net>: Recipient address rejected:  User unknown   in the table of local users, see elsewhere";
  const std::string field = plain_field("Diagnostic-Code", value);
  CHECK(longest_line(field) <= 78);
  CHECK(mail::unfold(field.substr(field.find(':') + 1)) == value);
}

TEST_CASE("a plain field has no other octets than printable ASCII") {
  CHECK(plain_field("A", "拒收 \xFF z") == "A: \\x{62D2}\\x{6536} \\xff z\r\n");
  CHECK(plain_field("A", "x\r\nB: y\tz") == "A: x  B: y z\r\n");
  CHECK(longest_line(plain_field("A", std::string(5000, 'x'))) < 998);
}

TEST_CASE("quoted-printable is written as RFC 2045 has it") {
  const auto [text, encoded] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"plain\n", "plain\r\n"},
      {"without an end", "without an end\r\n"},
      {"two\r\nlines\n", "two\r\nlines\r\n"},
      {"a=b\n", "a=3Db\r\n"},
      {"报\n", "=E6=8A=A5\r\n"},
      {"blank \ntab\t\n", "blank=20\r\ntab=09\r\n"},
      {".\n", "=2E\r\n"},
      {"From here\n", "=46rom here\r\n"},
      {"bare\rCR\n", "bare=0DCR\r\n"},
      {"\n\n", "\r\n\r\n"},
  }));
  CHECK(quoted_printable(text) == encoded);
}

TEST_CASE("quoted-printable lines have at most 76 octets") {
  for (std::size_t size = 70; size < 160; ++size) {
    CHECK(longest_line(quoted_printable(std::string(size, 'x'))) <= 76);
    CHECK(longest_line(quoted_printable(std::string(size, '\xE4'))) <= 76);
  }
  CHECK(quoted_printable(std::string(76, 'x')) == std::string(76, 'x') + "\r\n");
  CHECK(quoted_printable(std::string(77, 'x')) == std::string(75, 'x') + "=\r\nxx\r\n");
}

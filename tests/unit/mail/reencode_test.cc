// Long lines go away, and what the parts decode to stays.
#include "mail/reencode.h"

#include <fmt/format.h>

#include <random>

#include "base/text.h"
#include "mail/transfer.h"
#include "tests/catch.h"

namespace {

using mail::LineLengths;
using mail::MimeWalker;
using mail::PartHandler;
using mail::RepairPlan;
using mail::Treatment;

constexpr std::size_t whole = std::string::npos;

void in_pieces(std::string_view text, std::size_t piece, const auto& take) {
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) take(text.substr(0, piece));
}

RepairPlan plan_of(std::string_view text, std::size_t piece = whole) {
  mail::LineSurvey survey;
  in_pieces(text, piece, [&](std::string_view part) { survey.feed(part); });
  return survey.finish();
}

std::string reencoded(std::string_view text, std::size_t piece = whole) {
  mail::Reencoder encoder(plan_of(text, piece));
  std::string out;
  in_pieces(text, piece, [&](std::string_view part) { encoder.feed(part, out); });
  encoder.finish(out);
  return out;
}

std::size_t longest_line(std::string_view text) {
  LineLengths lengths;
  lengths.feed(text);
  return lengths.longest();
}

/// Repeats all it is told, and keeps the leaves apart.
class Recorder : public PartHandler {
 public:
  void begin_leaf(const mail::HeaderBlock& header, const mail::ContentType& type) override {
    all += header.raw();
    codings.push_back(mail::coding_of(header));
    leaves.emplace_back();
    types.push_back(type.type);
  }
  void leaf(std::string_view octets) override {
    all += octets;
    leaves.back() += octets;
  }
  void end_leaf() override {}
  void outer_header(const mail::HeaderBlock& header) override { all += header.raw(); }
  void frame(std::string_view octets) override { all += octets; }

  std::string all;
  std::vector<std::string> leaves;
  std::vector<std::string> types;
  std::vector<mail::Coding> codings;
};

std::string decoded_quoted_printable(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      octets += text[i];
    } else if (text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else {
      octets += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
  }
  return octets;
}

/// The leaves of a message, decoded.
std::vector<std::string> leaves_of(std::string_view text, std::size_t piece = whole) {
  Recorder recorder;
  MimeWalker walker(recorder);
  in_pieces(text, piece, [&](std::string_view part) { walker.feed(part); });
  walker.finish();
  REQUIRE(recorder.all == text);
  for (std::size_t i = 0; i < recorder.leaves.size(); ++i) {
    std::string& leaf = recorder.leaves[i];
    if (recorder.codings[i] == mail::Coding::quoted_printable) leaf = decoded_quoted_printable(leaf);
    if (recorder.codings[i] == mail::Coding::base64) {
      std::erase_if(leaf, [](char c) { return c == '\r' || c == '\n'; });
      leaf = base::base64_decode(leaf).value();
    }
  }
  return recorder.leaves;
}

const std::string head = "From: a@a.com\r\nSubject: x\r\n";
const std::string long_ascii(1500, 'x');
const std::string long_utf8 = [] {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\xe6\x82\xa8";
  return text;
}();

std::string multipart(const std::vector<std::string>& parts) {
  std::string text = head + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\npreamble\r\n";
  for (const std::string& part : parts) text += "--=_b\r\n" + part + "\r\n";
  return text + "--=_b--\r\nepilogue\r\n";
}

}  // namespace

TEST_CASE("the longest line is found however content is cut") {
  const std::string text = "ab\r\n" + std::string(998, 'x') + "\r\n\r\nlast";
  for (std::size_t piece = 1; piece < 20; ++piece) {
    LineLengths lengths;
    in_pieces(text, piece, [&](std::string_view part) { lengths.feed(part); });
    CHECK(lengths.longest() == 998);
  }
  CHECK(longest_line("") == 0);
  CHECK(longest_line("abc") == 3);
  CHECK(longest_line("abc\r") == 3);
  CHECK(longest_line("\r\n") == 0);
}

TEST_CASE("mail without long lines has nothing to be mended") {
  const std::string text = head + "\r\n" + std::string(998, 'x') + "\r\n";
  CHECK_FALSE(plan_of(text).changes);
  CHECK_FALSE(plan_of(text).leaves_long_lines);
  CHECK(reencoded(text) == text);
}

TEST_CASE("a plain text becomes quoted-printable and says so") {
  const std::string sent = reencoded(head + "\r\n" + long_ascii + " \r\nend=\r\n");
  CHECK(sent.starts_with(head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                                "Content-Transfer-Encoding: quoted-printable\r\n\r\nxxx"));
  CHECK(longest_line(sent) == 76);
  CHECK(sent.ends_with("x=\r\n=20\r\nend=3D\r\n"));
  CHECK(leaves_of(sent) == std::vector{long_ascii + " \r\nend=\r\n"});
}

TEST_CASE("a text of other letters becomes base64") {
  const std::string sent = reencoded(head + "\r\n" + long_utf8 + "\r\n");
  CHECK(sent.starts_with(head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Transfer-Encoding: base64\r\n\r\n"));
  CHECK(longest_line(sent) == 76);
  CHECK(sent.ends_with("\r\n"));
  CHECK(leaves_of(sent) == std::vector{long_utf8 + "\r\n"});
  CHECK(reencoded(head + "\r\n" + std::string(1000, '\xff') + "\r\n").find("charset=unknown-8bit") != std::string::npos);
}

TEST_CASE("what the header says of the encoding is replaced, the rest stays") {
  const std::string type = "Content-Type: text/html; charset=gbk\r\n";
  const std::string sent =
      reencoded("Mime-Version: 1.0\r\ncontent-transfer-encoding: 8bit\r\n" + head + type + "\r\n" + long_ascii + "\r\n");
  CHECK(sent.starts_with("Mime-Version: 1.0\r\n" + head + type + "Content-Transfer-Encoding: quoted-printable\r\n\r\nxxx"));
}

TEST_CASE("only the parts that need it are encoded") {
  const std::string text = multipart({
      "Content-Type: text/plain\r\n\r\nshort",
      "Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + long_ascii,
      "\r\nno header " + long_ascii + "\r\n",
      "Content-Type: application/octet-stream\r\n\r\n" + long_ascii + "\r\n\r\n",
  });
  const std::string sent = reencoded(text);
  CHECK(longest_line(sent) <= 76);
  CHECK(leaves_of(sent) == leaves_of(text));
  CHECK(sent.find("Content-Type: text/plain\r\n\r\nshort\r\n--=_b\r\n") != std::string::npos);
  CHECK(sent.find("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n") != std::string::npos);
  CHECK(sent.find("MIME-Version: 1.0", head.size() + 20) == std::string::npos);  // once
  CHECK(sent.ends_with("\r\n--=_b--\r\nepilogue\r\n"));
}

TEST_CASE("a message in a message is walked into") {
  const std::string inner = "From: b@b.com\r\n\r\n" + long_ascii + "\r\n";
  const std::string text = multipart({"Content-Type: message/rfc822\r\n\r\n" + inner});
  const std::string sent = reencoded(text);
  CHECK(sent.find("Content-Type: message/rfc822\r\n\r\nFrom: b@b.com\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\nxxx") != std::string::npos);
  CHECK(leaves_of(sent) == leaves_of(text));
}

TEST_CASE("what is encoded already is only wrapped") {
  const std::string octets(3000, '\x81');
  const std::string base64 = head + "Content-Transfer-Encoding: base64\r\n\r\n" + base::base64_encode(octets) + "\r\n";
  CHECK(plan_of(base64).parts.at(0).treatment == Treatment::wrap_base64);
  CHECK(longest_line(reencoded(base64)) == 76);
  CHECK(leaves_of(reencoded(base64)) == std::vector{octets});
  std::string escapes;
  for (int i = 0; i < 900; ++i) escapes += i % 7 == 0 ? "x" : "=E6";
  const std::string printable = head + "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n" + escapes + "\r\nshort=\r\n\r\n";
  CHECK(plan_of(printable).parts.at(0).treatment == Treatment::wrap_quoted_printable);
  CHECK(longest_line(reencoded(printable)) <= 76);
  CHECK(leaves_of(reencoded(printable)) == leaves_of(printable));
}

TEST_CASE("what is signed, encrypted or unknown stays as it is, and that is told") {
  const std::string line = long_ascii + "\r\n";
  for (const std::string& text : {
           head + "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + line + "--b--\r\n",
           head + "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n" + line + "--b--\r\n",
           head + "Content-Type: application/pkcs7-mime\r\n\r\n" + line,
           multipart({"Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\n" + line + "--c--"}),
           head + "\r\nHello\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n" + line,
           head + "Content-Transfer-Encoding: x-uuencode\r\n\r\n" + line,
           head + "Content-Type: message/partial\r\n\r\n" + line,
           head + "Content-Type: multipart/mixed\r\n\r\n" + line,
           head + "X-Long: " + std::string(1000, 'y') + "\r\n\r\nbody\r\n",
           head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + line + "--b\r\n\r\nbody\r\n--b--\r\n",
       }) {
    INFO(text.substr(0, 200));
    CHECK(plan_of(text).leaves_long_lines);
    CHECK_FALSE(plan_of(text).changes);
    CHECK(reencoded(text) == text);
  }
}

TEST_CASE("long lines of a header are folded before white space") {
  const std::string value = std::string(600, 'a') + " " + std::string(600, 'b') + "\t" + std::string(900, 'c');
  const auto folded = mail::fold_long_lines("X: " + value + "\r\nY: z\r\n\r\n");
  REQUIRE(folded);
  CHECK(*folded ==
        "X: " + std::string(600, 'a') + "\r\n " + std::string(600, 'b') + "\r\n\t" + std::string(900, 'c') + "\r\nY: z\r\n\r\n");
  CHECK(mail::fold_long_lines("X: " + std::string(995, 'a') + "\r\n") == "X: " + std::string(995, 'a') + "\r\n");
  CHECK(mail::fold_long_lines("X: " + std::string(996, 'a') + "\r\n") == "X:\r\n " + std::string(996, 'a') + "\r\n");
  CHECK_FALSE(mail::fold_long_lines("X: " + std::string(998, 'a') + "\r\n"));
  CHECK_FALSE(mail::fold_long_lines("X :" + std::string(998, 'a') + "\r\n"));
  CHECK_FALSE(mail::fold_long_lines("X: a" + std::string(998, ' ') + "\r\n"));
}

TEST_CASE("signed mail is known") {
  const auto is_signed = [](const std::string& field) {
    mail::HeaderBlock header;
    header.feed(field + "\r\n" + head + "\r\n");
    return mail::is_signed_already(header);
  };
  CHECK(is_signed("DKIM-Signature: v=1"));
  CHECK(is_signed("Content-Type: Multipart/Signed; boundary=x"));
  CHECK_FALSE(is_signed("Content-Type: multipart/mixed; boundary=x"));
}

TEST_CASE("whatever a message looks like, its parts stay and the pieces it comes in do not matter") {
  std::mt19937 random(7);
  const auto below = [&](unsigned most) { return static_cast<unsigned>(random() % most); };
  const std::vector<std::string> pieces = {"\r\n",
                                           "--a\r\n",
                                           "--b\r\n",
                                           "--a--\r\n",
                                           "--b--\r\n",
                                           "--",
                                           "a",
                                           "=",
                                           " ",
                                           "\t",
                                           "Content-Type: multipart/mixed; boundary=a\r\n",
                                           "Content-Type: message/rfc822\r\n",
                                           "Content-Type: multipart/digest; boundary=\"b\"\r\n",
                                           "Content-Type: text/plain\r\n",
                                           "Content-Transfer-Encoding: 8bit\r\n",
                                           "x: y\r\n",
                                           "\xff\xe6",
                                           long_ascii,
                                           "\r\n\r\n",
                                           std::string(300, ' ')};
  for (int round = 0; round < 400; ++round) {
    std::string text = below(2) == 0 ? head + "Content-Type: multipart/mixed; boundary=a\r\n\r\n" : head;
    for (unsigned i = below(30); i > 0; --i) text += pieces[below(static_cast<unsigned>(pieces.size()))];
    text += "\r\n";
    INFO(text);
    const std::string sent = reencoded(text);
    CHECK(leaves_of(sent) == leaves_of(text));
    const std::size_t piece = 1 + below(9);
    REQUIRE(reencoded(text, piece) == sent);
    REQUIRE(leaves_of(text, piece) == leaves_of(text));
    const RepairPlan plan = plan_of(text);
    CHECK((longest_line(sent) <= mail::longest_line || plan.leaves_long_lines));
    CHECK(plan.changes == (sent != text));
  }
}

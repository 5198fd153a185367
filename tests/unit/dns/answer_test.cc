// What is read from DNS messages, whole ones and broken ones.
#include "dns/answer.h"

#include <string>

#include "tests/catch.h"
#include "tests/unit/dns/packet.h"

namespace {

using namespace std::chrono_literals;
using namespace dns_test;
using base::Kind;
using dns::MxRecord;
using dns::parse_answer;
using dns::RecordType;
using dns::Status;

dns::Result<dns::Answer> parse_mx(const Packet& packet) { return parse_answer(packet.octets(), "a.example", RecordType::mx); }

std::string address(const dns::Record& record) { return std::get<base::IpAddress>(record).to_string(); }

bool is_temporary(const dns::Result<dns::Answer>& answer) { return !answer && answer.error().kind == Kind::temporary; }

}  // namespace

TEST_CASE("records of every type") {
  SECTION("MX, lower case, by its pointer") {
    Packet packet("a.example", mx);
    packet.answer(rr(to_question, mx, 300, u16(10) + std::string("\x03MX1") + to_question));
    packet.answer(rr(labels("A.Example"), mx, 200, mx_data(20, "MX2.a.example")));
    const auto answer = parse_mx(packet.authentic());
    REQUIRE(answer.has_value());
    CHECK(answer->status == Status::found);
    CHECK(answer->ttl == 200s);
    CHECK(answer->authentic);
    REQUIRE(answer->records.size() == 2);
    CHECK(std::get<MxRecord>(answer->records[0]) == MxRecord{10, "mx1.a.example"});
    CHECK(std::get<MxRecord>(answer->records[1]) == MxRecord{20, "mx2.a.example"});
  }
  SECTION("null MX") {
    const auto answer = parse_mx(Packet("a.example", mx).answer(rr(to_question, mx, 300, mx_data(0, ""))));
    REQUIRE(answer.has_value());
    CHECK(std::get<MxRecord>(answer->records.at(0)) == MxRecord{0, ""});
    CHECK_FALSE(answer->authentic);
  }
  SECTION("A and AAAA") {
    Packet v4("a.example", a);
    v4.answer(rr(to_question, a, 1, std::string("\xc0\x00\x02\x01", 4)));
    CHECK(address(parse_answer(v4.octets(), "a.example", RecordType::a)->records.at(0)) == "192.0.2.1");
    Packet v6("a.example", aaaa);
    v6.answer(rr(to_question, aaaa, 1, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16)));
    CHECK(address(parse_answer(v6.octets(), "a.example", RecordType::aaaa)->records.at(0)) == "2001:db8::1");
  }
  SECTION("TXT: its strings joined") {
    Packet packet("a.example", txt);
    packet.answer(rr(to_question, txt, 60, text_data("v=DKIM1; ") + text_data("") + text_data("p=abc")));
    CHECK(std::get<std::string>(parse_answer(packet.octets(), "a.example", RecordType::txt)->records.at(0)) == "v=DKIM1; p=abc");
  }
  SECTION("PTR") {
    Packet packet("1.2.0.192.in-addr.arpa", ptr);
    packet.answer(rr(to_question, ptr, 60, labels("Mail.Example")));
    const auto answer = parse_answer(packet.octets(), "1.2.0.192.in-addr.arpa", RecordType::ptr);
    CHECK(std::get<std::string>(answer->records.at(0)) == "mail.example");
  }
}

TEST_CASE("CNAMEs are followed, in whatever order they stand") {
  Packet packet("a.example", mx);
  packet.answer(rr(labels("c.example"), mx, 500, mx_data(10, "mx.example")));
  packet.answer(rr(to_question, cname, 40, labels("b.example")));
  packet.answer(rr(labels("b.example"), cname, 50, labels("c.example")));
  packet.answer(rr(labels("elsewhere.example"), mx, 1, mx_data(10, "evil.example")));
  const auto answer = parse_mx(packet);
  REQUIRE(answer.has_value());
  REQUIRE(answer->records.size() == 1);
  CHECK(std::get<MxRecord>(answer->records[0]).exchange == "mx.example");
  CHECK(answer->ttl == 40s);

  SECTION("a chain to nowhere is no data") {
    Packet nowhere("a.example", mx);
    nowhere.answer(rr(to_question, cname, 40, labels("b.example")));
    nowhere.authority(rr(labels("example"), soa, 300, soa_data(60)));
    const auto none = parse_mx(nowhere);
    REQUIRE(none.has_value());
    CHECK(none->status == Status::no_data);
    CHECK(none->ttl == 40s);
  }
  SECTION("a loop is nonsense") {
    Packet loop("a.example", mx);
    loop.answer(rr(to_question, cname, 40, labels("b.example")));
    loop.answer(rr(labels("b.example"), cname, 40, labels("a.example")));
    CHECK(is_temporary(parse_mx(loop)));
  }
}

TEST_CASE("negative answers live as long as their SOA says") {
  Packet packet("a.example", mx);
  packet.authority(rr(labels("example"), soa, 300, soa_data(120)));
  const auto none = parse_mx(packet);
  REQUIRE(none.has_value());
  CHECK(none->status == Status::no_data);
  CHECK(none->ttl == 120s);
  const auto missing = parse_mx(packet.rcode(3));
  REQUIRE(missing.has_value());
  CHECK(missing->status == Status::no_name);
  CHECK(missing->ttl == 120s);
  Packet short_lived("a.example", mx);
  CHECK(parse_mx(short_lived.authority(rr(labels("example"), soa, 30, soa_data(120))))->ttl == 30s);
  CHECK(parse_mx(Packet("a.example", mx).rcode(3))->ttl == 0s);  // no SOA: not to be kept
}

TEST_CASE("no answer: temporary") {
  CHECK(is_temporary(parse_mx(Packet("a.example", mx).rcode(2))));
  CHECK(is_temporary(parse_mx(Packet("a.example", mx).rcode(5))));
  CHECK(is_temporary(parse_mx(Packet("a.example", mx).truncated())));
  CHECK(is_temporary(parse_mx(Packet("a.example", mx).as_question())));
  CHECK(is_temporary(parse_mx(Packet("b.example", mx))));
  CHECK(is_temporary(parse_mx(Packet("a.example", a))));
  CHECK(is_temporary(parse_mx(Packet("a.example", mx).authority(rr(labels("example"), ns, 300, labels("ns.example"))))));
  CHECK(is_temporary(parse_answer("", "a.example", RecordType::mx)));
}

TEST_CASE("malformed records") {
  const auto with = [](const std::string& record) { return parse_mx(Packet("a.example", mx).answer(record)); };
  CHECK(is_temporary(with(rr(to_question, mx, 300, u16(10)))));
  CHECK(is_temporary(with(rr(to_question, mx, 300, mx_data(10, "mx.example") + "x"))));
  CHECK(is_temporary(with(rr(to_question, mx, 300, u16(10) + "\xc0\xff"))));
  CHECK(is_temporary(with(rr(to_question, cname, 300, "\x40"))));
  CHECK(is_temporary(with("\xc0\x1b" + rr("", mx, 300, mx_data(10, "mx.example")))));  // a pointer to itself
  CHECK(is_temporary(with(rr(to_question, mx, 300,
                             mx_data(10, std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                                             std::string(63, 'd'))))));
  Packet short_address("a.example", a);
  short_address.answer(rr(to_question, a, 1, "\x01\x02\x03"));
  CHECK(is_temporary(parse_answer(short_address.octets(), "a.example", RecordType::a)));
  Packet text("a.example", txt);
  text.answer(rr(to_question, txt, 1, "\x09short"));
  CHECK(is_temporary(parse_answer(text.octets(), "a.example", RecordType::txt)));
}

TEST_CASE("records of another class are not ours, and a TTL with its highest bit is none") {
  const auto chaos = parse_mx(Packet("a.example", mx).answer(rr(to_question, mx, 300, mx_data(10, "mx.example"), 3)));
  REQUIRE(chaos.has_value());
  CHECK(chaos->status == Status::no_data);
  CHECK(parse_mx(Packet("a.example", mx).answer(rr(to_question, mx, 0x80000001U, mx_data(10, "mx.example"))))->ttl == 0s);
}

TEST_CASE("a name that could harm is escaped") {
  const std::string strange = u16(10) + std::string("\x05") + "a b.\n" + labels("example");
  const auto answer = parse_mx(Packet("a.example", mx).answer(rr(to_question, mx, 300, strange)));
  REQUIRE(answer.has_value());
  const auto& exchange = std::get<MxRecord>(answer->records.at(0)).exchange;
  CHECK(exchange == "a\\032b\\046\\010.example");
  CHECK_FALSE(dns::normal_name(exchange).has_value());
}

TEST_CASE("a message cut anywhere is nonsense, never a part of the answer") {
  Packet packet("a.example", mx);
  packet.answer(rr(to_question, mx, 300, mx_data(10, "mx1.example")));
  packet.answer(rr(to_question, mx, 300, mx_data(20, "mx2.example")));
  packet.authority(rr(labels("example"), ns, 300, labels("ns.example")));
  const std::string whole = packet.octets();
  REQUIRE(parse_answer(whole, "a.example", RecordType::mx)->records.size() == 2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("cut at " << size);
    CHECK(is_temporary(parse_answer(whole.substr(0, size), "a.example", RecordType::mx)));
  }
}

TEST_CASE("names that may be asked for") {
  CHECK(dns::normal_name("Mail.Example.") == "mail.example");
  CHECK(dns::normal_name("_dmarc.example") == "_dmarc.example");
  CHECK(dns::normal_name(std::string(63, 'a')).has_value());
  const std::string label(62, 'a');
  const std::string longest = label + "." + label + "." + label + "." + label + ".a";
  REQUIRE(longest.size() == 253);
  CHECK(dns::normal_name(longest).has_value());
  const std::string bad = GENERATE_COPY(as<std::string>(), "", ".", "a..b", ".a", "a b", "a\tb", "a\nb", std::string("a\0b", 3),
                                        "a\\.b", "\xc3\xa4.example", std::string(64, 'a'), longest + "a");
  const auto refused = dns::normal_name(bad);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::invalid);
  CHECK(refused.error().words.find('\n') == std::string::npos);
}

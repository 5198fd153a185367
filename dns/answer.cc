// Reads DNS messages octet by octet; nothing is trusted, everything is bounded by the message itself.
#include "dns/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace dns {
namespace {

using base::fail;
using base::Kind;

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_name = 253;  // RFC 1035 2.3.4: 255 octets with the first length and the root
constexpr std::size_t longest_label = 63;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_ns = 2;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr int most_pointers = 128;  // in one name: as many as it can have labels; more are there to cost time
constexpr int longest_chain = 16;   // CNAMEs; longer ones are loops or mischief

unsigned octet(char c) { return static_cast<unsigned char>(c); }

/// A label's octet as text; what could be taken for something else, or harm a log, as \DDD (RFC 1035 5.1).
void append_escaped(std::string& text, char c) {
  if (octet(c) > 0x20 && octet(c) < 0x7f && c != '.' && c != '\\') {
    text += base::to_lower(c);
  } else {
    text += fmt::format("\\{:03}", octet(c));
  }
}

/// A position in a message. After a read past the end it is broken and gives zeros.
class Cursor {
 public:
  Cursor(std::string_view message, std::size_t at) : message_(message), at_(at) {}

  bool broken() const { return broken_; }
  std::size_t at() const { return at_; }

  unsigned u8() {
    if (at_ >= message_.size()) return give_up();
    return octet(message_[at_++]);
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8U | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16U | u16();
  }
  std::string_view take(std::size_t count) {
    if (count > message_.size() - at_) {
      give_up();
      return {};
    }
    at_ += count;
    return message_.substr(at_ - count, count);
  }

  /// A name with compression (RFC 1035 4.1.4). Each pointer must lead further back than all before: so it ends.
  std::string name() {
    std::string text;
    std::size_t octets = 0;
    std::size_t lowest = at_;
    int pointers = 0;
    std::optional<std::size_t> behind;
    for (unsigned length = u8(); length != 0 && !broken_; length = u8()) {
      if ((length & 0xc0U) == 0xc0U) {
        const std::size_t target = (length & 0x3fU) << 8U | u8();
        if (!behind) behind = at_;
        if (target >= lowest || ++pointers > most_pointers) give_up();
        lowest = at_ = std::min(target, message_.size());
        continue;
      }
      octets += length + 1;
      if (length > longest_label || octets > longest_name + 1) give_up();
      if (!text.empty()) text += '.';
      for (const char c : take(broken_ ? 0 : length)) append_escaped(text, c);
    }
    if (behind) at_ = *behind;
    return broken_ ? std::string() : text;
  }

 private:
  unsigned give_up() {
    broken_ = true;
    return 0;
  }

  std::string_view message_;
  std::size_t at_;
  bool broken_ = false;
};

/// A resource record; data is the place of its RDATA in the message.
struct ResourceRecord {
  std::string owner;
  std::uint16_t type = 0;
  std::uint16_t rr_class = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0;
  std::size_t size = 0;
};

ResourceRecord read_record(Cursor& cursor) {
  ResourceRecord record;
  record.owner = cursor.name();
  record.type = cursor.u16();
  record.rr_class = cursor.u16();
  record.ttl = cursor.u32();
  if (record.ttl > 0x7fffffffU) record.ttl = 0;  // RFC 2181 8
  record.size = cursor.u16();
  record.data = cursor.at();
  cursor.take(record.size);
  return record;
}

/// A name that fills the rest of the RDATA.
std::optional<std::string> name_until(Cursor& cursor, std::size_t end) {
  std::string name = cursor.name();
  if (cursor.broken() || cursor.at() != end) return std::nullopt;
  return name;
}

std::optional<Record> read_text(Cursor& cursor, std::size_t end) {
  std::string text;
  while (cursor.at() < end) {
    text += cursor.take(cursor.u8());
    if (cursor.broken() || cursor.at() > end) return std::nullopt;
  }
  return text;
}

template <std::size_t size>
std::array<std::uint8_t, size> octets_of(std::string_view data) {
  std::array<std::uint8_t, size> octets{};
  std::ranges::transform(data, octets.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return octets;
}

std::optional<Record> read_data(std::string_view message, const ResourceRecord& record, RecordType type) {
  Cursor cursor(message, record.data);
  const std::size_t end = record.data + record.size;
  switch (type) {
    case RecordType::a:
      if (record.size != 4) return std::nullopt;
      return base::IpAddress::v4(octets_of<4>(cursor.take(4)));
    case RecordType::aaaa:
      if (record.size != 16) return std::nullopt;
      return base::IpAddress::v6(octets_of<16>(cursor.take(16)));
    case RecordType::mx: {
      const std::uint16_t preference = cursor.u16();
      auto exchange = name_until(cursor, end);
      if (!exchange) return std::nullopt;
      return MxRecord{preference, std::move(*exchange)};
    }
    case RecordType::ptr: return name_until(cursor, end);
    case RecordType::txt: return read_text(cursor, end);
  }
  return std::nullopt;
}

/// RFC 2308 5: the lesser of the SOA's own TTL and its last field. Without SOA nothing may be kept.
base::Duration negative_ttl(std::string_view message, const std::vector<ResourceRecord>& authority) {
  for (const auto& record : authority) {
    if (record.type != type_soa || record.rr_class != class_in) continue;
    Cursor cursor(message, record.data);
    cursor.name();
    cursor.name();
    cursor.take(16);
    const std::uint32_t minimum = cursor.u32();
    if (cursor.broken() || cursor.at() != record.data + record.size) continue;
    return std::chrono::seconds(std::min(record.ttl, minimum));
  }
  return base::Duration(0);
}

bool is_referral(const std::vector<ResourceRecord>& authority) {
  const auto has = [&](std::uint16_t type) {
    return std::ranges::any_of(authority, [&](const auto& r) { return r.type == type; });
  };
  return has(type_ns) && !has(type_soa);
}

Result<Answer> nonsense(std::string_view what) { return fail(Kind::temporary, fmt::format("DNS: {}", what)); }

/// The records of the name that the chain of CNAMEs leads to.
Result<Answer> follow(std::string_view message, const std::vector<ResourceRecord>& records, std::string name, RecordType type) {
  Answer answer;
  std::uint32_t ttl = 0x7fffffffU;
  for (int hop = 0; hop < longest_chain; ++hop) {
    std::optional<std::string> target;
    for (const auto& record : records) {
      if (record.rr_class != class_in || record.owner != name) continue;
      if (record.type == std::to_underlying(type)) {
        auto data = read_data(message, record, type);
        if (!data) return nonsense("a malformed record");
        answer.records.push_back(std::move(*data));
        ttl = std::min(ttl, record.ttl);
      } else if (record.type == type_cname && !target) {
        Cursor cursor(message, record.data);
        target = name_until(cursor, record.data + record.size);
        if (!target) return nonsense("a malformed CNAME");
        ttl = std::min(ttl, record.ttl);
      }
    }
    if (!answer.records.empty() || !target) {
      answer.ttl = std::chrono::seconds(ttl);
      return answer;
    }
    name = std::move(*target);
  }
  return nonsense("a chain of CNAMEs without end");
}

std::string_view rcode_text(unsigned rcode) {
  constexpr std::array<std::string_view, 6> texts = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return rcode < texts.size() ? texts.at(rcode) : "an unknown response code";
}

struct Header {
  unsigned high = 0;  ///< QR, opcode, AA, TC, RD
  unsigned low = 0;   ///< RA, AD, CD, RCODE
  std::uint16_t questions = 0, answers = 0, authority = 0;
  unsigned rcode() const { return low & 0x0fU; }
};

Header read_header(Cursor& cursor) {
  Header header;
  cursor.u16();
  header.high = cursor.u8();
  header.low = cursor.u8();
  header.questions = cursor.u16();
  header.answers = cursor.u16();
  header.authority = cursor.u16();
  cursor.u16();
  return header;
}

std::vector<ResourceRecord> read_records(Cursor& cursor, std::size_t count) {
  std::vector<ResourceRecord> records;
  for (std::size_t i = 0; i < count && !cursor.broken(); ++i) records.push_back(read_record(cursor));
  return records;
}

}  // namespace

Result<std::string> normal_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto strange = [](char c) { return octet(c) <= 0x20 || octet(c) >= 0x7f || c == '\\'; };
  bool good = name.size() <= longest_name && std::ranges::none_of(name, strange);
  for (const auto label : base::split(name, '.')) good = good && !label.empty() && label.size() <= longest_label;
  if (!good) return fail(Kind::invalid, fmt::format("not a name that DNS can hold: \"{}\"", base::printable(name.substr(0, 80))));
  return base::lower(name);
}

Result<Answer> parse_answer(std::string_view message, std::string_view name, RecordType type) {
  if (message.size() < header_size) return nonsense("a message without a header");
  Cursor cursor(message, 0);
  const Header header = read_header(cursor);
  const unsigned rcode = header.rcode();
  if ((header.high & 0x80U) == 0) return nonsense("a question instead of an answer");
  if ((header.high & 0x02U) != 0) return nonsense("an answer that was cut off");
  if (rcode != 0 && rcode != 3) return nonsense(rcode_text(rcode));
  if (header.questions != 1) return nonsense("an answer without its question");
  const std::string asked = cursor.name();
  const std::uint16_t asked_type = cursor.u16();
  const std::uint16_t asked_class = cursor.u16();
  if (cursor.broken() || asked != name || asked_type != std::to_underlying(type) || asked_class != class_in) {
    return nonsense("an answer to another question");
  }
  const auto answers = read_records(cursor, header.answers);
  const auto authority = read_records(cursor, header.authority);
  if (cursor.broken()) return nonsense("a malformed message");

  auto answer = follow(message, answers, asked, type);
  if (!answer) return answer;
  answer->authentic = (header.low & 0x20U) != 0;
  if (rcode == 3 || answer->records.empty()) {
    if (rcode == 0 && is_referral(authority)) return nonsense("a referral instead of an answer");
    answer->records.clear();
    answer->status = rcode == 3 ? Status::no_name : Status::no_data;
    answer->ttl = std::min(answer->ttl, negative_ttl(message, authority));
  }
  return answer;
}

bool is_format_error(std::string_view message) { return message.size() >= header_size && (octet(message[3]) & 0x0fU) == 1; }

}  // namespace dns

// DNS messages for tests, written octet by octet and independent of the reader under test.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dns_test {

inline std::string u16(unsigned value) { return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)}; }
inline std::string u32(std::uint32_t value) { return u16(value >> 16U) + u16(value & 0xffffU); }

/// "a.example" as labels; "" is the root.
inline std::string labels(std::string_view name) {
  std::string octets;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    octets += static_cast<char>(label.size());
    octets += label;
    name.remove_prefix(label.size() == name.size() ? label.size() : label.size() + 1);
  }
  return octets + '\0';
}

inline const std::string to_question = "\xc0\x0c";  ///< a pointer to the name of the question

enum Type : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28 };

inline std::string rr(const std::string& owner, std::uint16_t type, std::uint32_t ttl, const std::string& data,
                      std::uint16_t rr_class = 1) {
  return owner + u16(type) + u16(rr_class) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + data;
}
inline std::string mx_data(std::uint16_t preference, std::string_view exchange) { return u16(preference) + labels(exchange); }
inline std::string soa_data(std::uint32_t minimum) {
  return labels("ns.example") + labels("hostmaster.example") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum);
}
inline std::string text_data(std::string_view text) { return std::string(1, static_cast<char>(text.size())) + std::string(text); }

/// A message in the making.
class Packet {
 public:
  Packet(std::string_view name, std::uint16_t type) : question_(labels(name) + u16(type) + u16(1)) {}
  /// The answer to a question as it came: its number and its question are repeated.
  static Packet reply_to(const std::string& question) {
    Packet packet("", 0);
    packet.id_ = question.substr(0, 2);
    std::size_t end = 12;
    while (question.at(end) != 0) end += static_cast<unsigned char>(question.at(end)) + 1U;
    packet.question_ = question.substr(12, end + 5 - 12);
    return packet;
  }

  Packet& answer(const std::string& record) { return add(answers_, record); }
  Packet& authority(const std::string& record) { return add(authority_, record); }
  Packet& rcode(unsigned code) { return low_ = (low_ & 0xf0U) | code, *this; }
  Packet& authentic() { return low_ |= 0x20U, *this; }
  Packet& truncated() { return high_ |= 0x02U, *this; }
  Packet& as_question() { return high_ &= 0x7fU, *this; }

  std::string octets() const {
    std::string header = id_;
    header += static_cast<char>(high_);
    header += static_cast<char>(low_);
    return header + u16(1) + u16(answers_.count) + u16(authority_.count) + u16(0) + question_ + answers_.octets +
           authority_.octets;
  }

 private:
  struct Section {
    unsigned count = 0;
    std::string octets;
  };
  Packet& add(Section& section, const std::string& record) {
    ++section.count;
    section.octets += record;
    return *this;
  }

  std::string id_ = u16(0x1234);
  unsigned high_ = 0x81;  // QR, RD
  unsigned low_ = 0x80;   // RA
  std::string question_;
  Section answers_;
  Section authority_;
};

}  // namespace dns_test

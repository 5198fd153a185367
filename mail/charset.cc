// The few charsets, by name: what arrives never chooses a converter of the C library by itself.
#include "mail/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>

#include "base/text.h"

namespace mail {
namespace {

/// A MIME name and who converts it; GB18030 holds GB2312 and GBK.
struct Known {
  std::string_view name;
  const char* converter;  ///< nullptr: UTF-8 and what is a part of it
};
constexpr std::array<Known, 9> known_charsets{{{"utf-8", nullptr},
                                               {"utf8", nullptr},
                                               {"us-ascii", nullptr},
                                               {"gb2312", "GB18030"},
                                               {"gbk", "GB18030"},
                                               {"gb18030", "GB18030"},
                                               {"cp936", "GB18030"},
                                               {"big5", "BIG5"},
                                               {"iso-8859-1", "ISO-8859-1"}}};

std::string mend_utf8(std::string_view text) {
  std::string mended;
  while (!text.empty()) {
    const std::size_t length = base::utf8_sequence(text);
    mended += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return mended;
}

class Converter {
 public:
  explicit Converter(const char* from) : handle_(iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (is_open()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  bool is_open() const { return std::bit_cast<std::intptr_t>(handle_) != -1; }

  std::string convert(std::string octets) {
    std::string text;
    char* in = octets.data();
    std::size_t left = octets.size();
    while (left > 0) {
      std::array<char, 512> piece{};
      char* out = piece.data();
      std::size_t room = piece.size();
      const std::size_t result = iconv(handle_, &in, &left, &out, &room);
      text.append(piece.data(), piece.size() - room);
      if (result != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
      text += '?';
      ++in;
      --left;
      iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    }
    return text;
  }

 private:
  iconv_t handle_;
};

}  // namespace

std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets) {
  for (const Known& known : known_charsets) {
    if (!base::equal_ignoring_case(known.name, charset)) continue;
    if (known.converter == nullptr) return mend_utf8(octets);
    Converter converter(known.converter);
    if (!converter.is_open()) return std::nullopt;  // a C library without its tables
    return mend_utf8(converter.convert(std::string(octets)));
  }
  return std::nullopt;
}

}  // namespace mail

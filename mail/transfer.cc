// Four encoders, each with a line's worth of state.
#include "mail/transfer.h"

#include <fmt/format.h>

#include "base/text.h"

namespace mail {
namespace {

constexpr std::size_t line_width = 76;      // RFC 2045 6.7 and 6.8
constexpr std::size_t octets_of_line = 57;  // 76 of base64

std::string escaped(char c) { return fmt::format("={:02X}", static_cast<unsigned char>(c)); }

class QuotedPrintable final : public TransferEncoder {
 public:
  void feed(std::string_view octets, std::string& out) override {
    for (const char c : octets) take(c, out);
  }

  void finish(std::string& out) override {
    if (held_ == '\r') return put_escaped('\r', out);
    if (held_ != '\0') put_escaped(held_, out);
    held_ = '\0';
  }

 private:
  /// Blanks and CR wait for what follows: before a line end a blank is written =20.
  void take(char c, std::string& out) {
    if (held_ == '\r' && c == '\n') {
      held_ = '\0';
      return end_line(out);
    }
    if (held_ == '\r') {
      put_escaped('\r', out);
    } else if (held_ != '\0' && c == '\r') {
      put_escaped(held_, out);  // of a CR that ends no line this is right, too
    } else if (held_ != '\0') {
      put(std::string_view(&held_, 1), out);
    }
    held_ = '\0';
    if (c == '\r' || c == ' ' || c == '\t') {
      held_ = c;
    } else if (c > ' ' && c <= '~' && c != '=') {
      put(std::string_view(&c, 1), out);
    } else {
      put_escaped(c, out);
    }
  }

  void put_escaped(char c, std::string& out) { put(escaped(c), out); }

  void put(std::string_view piece, std::string& out) {
    if (column_ + piece.size() >= line_width) {  // one octet is left for the "=" of a soft line break
      out += "=\r\n";
      column_ = 0;
    }
    out += piece;
    column_ += piece.size();
  }

  void end_line(std::string& out) {
    out += "\r\n";
    column_ = 0;
  }

  char held_ = '\0';
  std::size_t column_ = 0;
};

class Base64 final : public TransferEncoder {
 public:
  void feed(std::string_view octets, std::string& out) override {
    while (!octets.empty()) {
      const std::string_view part = octets.substr(0, octets_of_line - line_.size());
      line_ += part;
      octets.remove_prefix(part.size());
      if (line_.size() == octets_of_line) write_line(out);
    }
  }
  void finish(std::string& out) override {
    if (!line_.empty()) write_line(out);
  }

 private:
  void write_line(std::string& out) {
    if (!first_) out += "\r\n";
    first_ = false;
    out += base::base64_encode(line_);
    line_.clear();
  }

  std::string line_;
  bool first_ = true;
};

class QuotedPrintableWrapper final : public TransferEncoder {
 public:
  void feed(std::string_view octets, std::string& out) override {
    for (const char c : octets) take(c, out);
  }
  void finish(std::string& /*out*/) override {}

 private:
  /// A break may stand anywhere but in "=XX", before a line end, and behind a "=" that is a break itself.
  void take(char c, std::string& out) {
    if (c == '\r' || c == '\n') {
      column_ = 0;
      escape_left_ = 0;
    } else if (column_ >= line_width - 4 && escape_left_ == 0) {
      out += "=\r\n";
      column_ = 0;
    }
    out += c;
    if (c == '\r' || c == '\n') return;
    ++column_;
    if (escape_left_ > 0) --escape_left_;
    if (c == '=') escape_left_ = 2;
  }

  std::size_t column_ = 0;
  std::size_t escape_left_ = 0;
};

class Base64Wrapper final : public TransferEncoder {
 public:
  void feed(std::string_view octets, std::string& out) override {
    for (const char c : octets) {
      if (c == '\r' || c == '\n') {
        column_ = 0;
      } else if (column_++ == line_width) {
        out += "\r\n";
        column_ = 1;
      }
      out += c;
    }
  }
  void finish(std::string& /*out*/) override {}

 private:
  std::size_t column_ = 0;
};

}  // namespace

std::unique_ptr<TransferEncoder> quoted_printable_encoder() { return std::make_unique<QuotedPrintable>(); }
std::unique_ptr<TransferEncoder> base64_encoder() { return std::make_unique<Base64>(); }
std::unique_ptr<TransferEncoder> quoted_printable_wrapper() { return std::make_unique<QuotedPrintableWrapper>(); }
std::unique_ptr<TransferEncoder> base64_wrapper() { return std::make_unique<Base64Wrapper>(); }

}  // namespace mail

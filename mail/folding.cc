// Writing fields line by line.
#include "mail/folding.h"

#include <utility>

namespace mail {
namespace {

constexpr std::size_t line_width = 78;  // RFC 5322 2.1.1, without CR LF

}  // namespace

void FoldedField::fold() {
  text_ += "\r\n";
  text_ += indent_;
  width_ = 1;
}

void FoldedField::add(std::string_view word) {
  if (width_ + 1 + word.size() > line_width && width_ > 1) fold();
  if (width_ > 1) {
    text_ += ' ';
    ++width_;
  }
  for (const char c : word) text_ += c >= ' ' && c <= '~' ? c : '?';
  width_ += word.size();
}

std::string FoldedField::finish() && { return std::move(text_) + "\r\n"; }

}  // namespace mail

// The words of NOTIFY=.
#include "mail/envelope.h"

#include <string_view>

namespace mail {

std::string Notify::to_string() const {
  if (bits_ == never) return "NEVER";
  std::string words;
  const auto add = [&](std::uint8_t bit, std::string_view word) {
    if ((bits_ & bit) == 0) return;
    if (!words.empty()) words += ',';
    words += word;
  };
  add(success, "SUCCESS");
  add(failure, "FAILURE");
  add(delay, "DELAY");
  return words;
}

}  // namespace mail

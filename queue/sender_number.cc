// A hash that is neither of the numbers with a meaning.
#include "queue/sender_number.h"

#include <functional>
#include <string>

#include "base/text.h"
#include "queue/message.h"

namespace queue {

std::uint32_t sender_number(std::string_view reverse_path) {
  if (reverse_path.empty()) return null_sender;
  return static_cast<std::uint32_t>(std::hash<std::string>()(base::lower(reverse_path))) | 2U;
}

}  // namespace queue

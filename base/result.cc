// Names of error kinds, and errors made from errno.
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace base {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::invalid: return "invalid";
    case Kind::unsupported: return "unsupported";
    case Kind::refused: return "refused";
    case Kind::temporary: return "temporary";
    case Kind::timeout: return "timeout";
    case Kind::closed: return "closed";
    case Kind::tls: return "tls";
    case Kind::storage: return "storage";
    case Kind::damaged: return "damaged";
    case Kind::full: return "full";
    case Kind::cancelled: return "cancelled";
  }
  return "unknown";
}

Error system_error(Kind kind, std::string_view what, int error_number) {
  const bool no_room = error_number == ENOSPC || error_number == EDQUOT;
  std::string words(what);
  words += ": ";
  words += std::generic_category().message(error_number);
  return Error(no_room ? Kind::full : kind, std::move(words));
}

}  // namespace base

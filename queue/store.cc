// The names of the store's values.
#include "queue/store.h"

namespace queue {

std::string_view to_string(Health health) {
  switch (health) {
    case Health::open: return "open";
    case Health::full: return "full";
    case Health::closed: return "closed";
  }
  return "unknown";
}

std::string_view to_string(Deed deed) {
  switch (deed) {
    case Deed::retry: return "retry";
    case Deed::hold: return "hold";
    case Deed::release: return "release";
    case Deed::bounce: return "bounce";
    case Deed::drop: return "drop";
  }
  return "unknown";
}

}  // namespace queue

// The patience of RFC 5321 is minutes: tests that wait for its end shorten it, without a word in the product. The linker puts
// short_time_limit() in the place of mail::time_limit() (CMakeLists.txt).
#pragma once

#include "base/units.h"
#include "mail/client_session.h"

namespace receiver {

/// The same at every stage: longer than anything takes that works.
inline constexpr base::Duration patience(3'000);

}  // namespace receiver

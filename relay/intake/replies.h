// The translation of our own errors into SMTP replies: one table, every row in a test.
#pragma once

#include "base/result.h"
#include "mail/reply.h"

namespace relay::intake {

/// What a client hears when its message could not be taken because of this error. The words stay in our log.
mail::Reply reply_for(const base::Error& error);

}  // namespace relay::intake

// What the postmaster is told of a refusal that only people can end: a block, or a record to mend. Pure.
#pragma once

#include "relay/delivery/refusals.h"
#include "relay/notices.h"

namespace relay::delivery {

/// For ReplyAction::pause and ReplyAction::fix.
Alert refusal_letter(const Settings& settings, const Meaning& meaning, conf::ReplyAction action, const Refusal& refusal);

}  // namespace relay::delivery

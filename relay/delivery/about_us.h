// Whether a receiver refuses who we are: then its other hosts would say the same, and only another relay may be welcome. Pure.
#pragma once

#include "conf/config.h"
#include "dns/mx.h"
#include "mail/reply.h"

namespace relay::delivery {

/// A refusal of this host that throttles, blocks, or wants something of ours mended.
bool is_about_us(const conf::Config& config, const dns::Candidate& host, const mail::Reply& reply);

}  // namespace relay::delivery

// A reply as people find it: in a log, in a notice of another program, or only a part of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mail/reply.h"

namespace relay {

/// How much of the code was there.
enum class CodeKnown : std::uint8_t { yes, category, no };

struct ReportedReply {
  mail::Reply reply;  ///< one line; the code is 450 or 550 where it was not there
  CodeKnown code = CodeKnown::yes;
};

/// Takes "550 5.7.1 ...", the same behind "host x said:", replies of several lines that were put into one, "4.7.28" alone, and
/// words without a code.
ReportedReply read_reported_reply(std::string_view text);

/// The first host that is named in it and belongs to a receiver with a profile; empty: none.
std::string known_host_in(std::string_view text);

}  // namespace relay

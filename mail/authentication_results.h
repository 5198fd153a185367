// The field Authentication-Results (RFC 8601): what we found out about a message for readers behind us, and such fields of others
// that pretend to be ours.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "mail/header.h"

namespace mail {

/// What was found out about one DKIM signature. The texts may hold anything that a stranger wrote, and are cut when they are
/// long; one that is empty is left out.
struct DkimOutcome {
  std::string_view result;     ///< a word of RFC 8601 2.7.1: "pass"
  std::string_view reason;     ///< for people
  std::string_view domain;     ///< d=
  std::string_view selector;   ///< s=
  std::string_view algorithm;  ///< a=
  std::string_view signature;  ///< b=, without white space
};

/// "Authentication-Results: ..." with its CR LF, ASCII, folded to 78 octets where words allow it. Without outcomes it says
/// dkim=none. Of a signature so much is shown as tells it from the others, at least 8 characters (RFC 6008 4).
std::string authentication_results(std::string_view authserv_id, std::span<const DkimOutcome> outcomes);

/// Whether a field that came from outside must go (RFC 8601 5): it claims to be written by `authserv_id` (a host name), is of
/// another version than 1, or cannot be read and holds that name. False for fields of other names.
bool is_false_result(const Field& field, std::string_view authserv_id);

}  // namespace mail

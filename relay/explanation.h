// A refusal in sentences: what it means, what the relay does with it, what the administrator can do. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/receivers.h"
#include "mail/reply.h"
#include "relay/replies.h"

namespace relay {

struct Sentence {
  std::string english;
  std::string chinese;
};

/// Who said it, as far as it is known.
struct Receiver {
  const conf::Profile* profile = nullptr;  ///< null: none of those with a profile
  std::string mx;                          ///< empty: unknown
  std::string domain;                      ///< the recipient's; empty: unknown
};

struct Explanation {
  Sentence general;                   ///< what its class means
  Sentence meaning;                   ///< what this one means; empty: nothing more is known
  Sentence deed;                      ///< what the relay does with it, where, and what then
  Sentence advice;                    ///< what the administrator can do; may be empty
  std::vector<std::string> links;     ///< where to ask for delisting, or to read more; the most useful first
  std::vector<std::string> commands;  ///< that help with it
  bool known = false;                 ///< a rule or its own words tell more than its class
};

/// `reply` is a refusal or not; `meaning` is meaning_of() it.
Explanation explain(const mail::Reply& reply, const std::optional<Meaning>& meaning, const Receiver& receiver);

/// "10 minutes" and "10 分钟": whole hours, minutes or seconds.
Sentence spelled(base::Duration duration);

}  // namespace relay

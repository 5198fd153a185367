// What a person or an action selects of the queue: conditions on messages and recipients, as values and as text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "queue/message.h"

namespace queue {

/// All conditions must hold; an empty one always does. Patterns know "*" (any run of characters) and "?" (one), in any case.
class Filter {
 public:
  /// Ids that one filter may name, and octets of each pattern: set() and parse() refuse more.
  static constexpr std::size_t most_ids = 10'000;
  static constexpr std::size_t longest_value = 1'000;

  std::vector<QueueId> ids;  ///< any of them; sorted, each once
  std::string message_id;    ///< pattern on Message-ID; angle brackets do not matter
  std::string from;          ///< pattern on the reverse-path; "<>" is the null one
  std::string to;            ///< pattern on the recipient's mailbox
  std::string domain;        ///< pattern on the recipient's domain or address literal
  std::string mx;            ///< pattern on the host asked last
  std::string reply;         ///< a part of the last reply, in any case; no pattern
  std::optional<State> state;
  std::optional<Time> before;    ///< received earlier
  std::optional<Time> since;     ///< received then or later
  std::optional<QueueId> until;  ///< this message and older ones; no person's condition (is_empty() and set() do not know it)

  /// Adds a condition as the command line names it: id (may come again), message-id, from, to, domain, mx, state, older, newer,
  /// reply; the last times are durations back from `now`. Errors begin with the name and tell the cure. "active" is not a state
  /// of the store: the caller takes it out before.
  Result<void> set(std::string_view name, std::string_view value, Time now);

  /// Selects the whole queue.
  bool is_empty() const;

  /// One condition a line, "name value"; parse() gives the same filter again, whatever octets the values hold.
  std::string to_text() const;
  static Result<Filter> parse(std::string_view text);

  friend bool operator==(const Filter&, const Filter&) = default;
};

/// Whether a pattern has a "*" or "?", or can only be equal to what it matches.
bool has_wildcard(std::string_view pattern);

}  // namespace queue

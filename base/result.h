// The one way in which a call says that it did not work: an Error by value, inside std::expected.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace base {

/// What a caller can do about an error; the words say what happened.
enum class Kind : std::uint8_t {
  invalid,      ///< the input is wrong: tell whoever sent it
  unsupported,  ///< right, but not something that we do
  refused,      ///< the other side said no for good
  temporary,    ///< may work later
  timeout,      ///< a deadline passed
  closed,       ///< the other side is gone
  tls,          ///< the handshake or the record layer failed
  storage,      ///< a write may not have reached the disk: the store closes
  damaged,      ///< what was stored is not what is there: set it aside
  full,         ///< no room on the disk; goes on by itself when there is
  cancelled,    ///< we are stopping
};

std::string_view to_string(Kind kind);

/// Has a constructor on purpose: GCC 12 destroys aggregate temporaries twice in coroutines (docs/architecture.md).
class Error {
 public:
  Error(Kind what, std::string text) : kind(what), words(std::move(text)) {}

  Kind kind;
  std::string words;  ///< for people; no trailing dot, no newline

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Kind kind, std::string words) { return std::unexpected<Error>(Error(kind, std::move(words))); }

/// The error for a failed system call: "<what>: <strerror>", kind full for ENOSPC and EDQUOT, else `kind`.
Error system_error(Kind kind, std::string_view what, int error_number);

}  // namespace base

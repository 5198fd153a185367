// A queue whose file is mostly free, for giving space back to fail on.
#pragma once

#include <cstdint>
#include <string>

namespace crash {

/// How the space goes back.
enum class Way : std::uint8_t {
  rewriting,  ///< little is in use, and is written anew
  freeing,    ///< pages are freed one by one, since more is in use
};

/// Octets of the file afterwards, at most.
std::uintmax_t size_given_back(Way way);

/// Writes it where nothing fails. Of the messages that were in it none is left. False: it did not work.
bool make_roomy_queue(const std::string& spool, Way way);

}  // namespace crash

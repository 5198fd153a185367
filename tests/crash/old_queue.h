// A small queue of version 1, for the migration to fail on.
#pragma once

#include <string>

#include "workload.h"

namespace crash {

/// Its messages have numbers under this.
inline constexpr std::uint32_t old_messages = 24;

/// Writes it and notes in the ledger what is in it. False: it did not work.
bool make_old_queue(const std::string& spool, Ledger& ledger);

}  // namespace crash

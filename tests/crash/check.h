// What must be true of a spool after its process has ended, however it ended.
#pragma once

#include <string>
#include <vector>

#include "workload.h"

namespace crash {

/// Opens the queue as the next process would and compares it with the ledger: words about everything that is wrong.
std::vector<std::string> check(const std::string& spool, const Ledger& ledger);

}  // namespace crash

// The reading visitor: a table of the file against the entries that it may have.
#pragma once

#include <string>
#include <string_view>

#include "conf/fields.h"
#include "conf/mistakes.h"
#include "conf/node.h"

namespace conf {

/// Sets what `root` says through `entries`; unknown and missing keys, wrong types and impossible values go to `mistakes`.
void read_entries(const Node& root, Entries& entries, std::string_view directory, Mistakes& mistakes);

}  // namespace conf

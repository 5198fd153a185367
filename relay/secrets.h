// Files that nobody else may read or replace: keys and password hashes.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace relay {

/// The file's content, at most `limit` octets. Kind::invalid with the path and the chmod or chown that cures it when others can
/// read or write the file, when its group can write it, when it or a folder above belongs to somebody else (not root, not the
/// service's user, not the one who runs this), or when others can replace it because a folder above lets them write.
base::Result<std::string> read_secret(const std::string& path, std::size_t limit);

}  // namespace relay

// The text of conf/receivers.toml, put into the program by CMake.
#pragma once

#include <string_view>

namespace conf {

extern const std::string_view receivers_table;

}  // namespace conf

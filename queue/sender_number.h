// The number that stands for a sender when turns are given out.
#pragma once

#include <cstdint>
#include <string_view>

namespace queue {

/// Of a reverse-path without brackets, case ignored; null_sender of the empty one. Two senders with one number share their turns:
/// that harms nobody. Good within one process.
std::uint32_t sender_number(std::string_view reverse_path);

}  // namespace queue

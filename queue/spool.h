// The folder of the queue: what it may lie on, and that one process uses it. Internal to the queue folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "queue/store.h"

namespace queue {

/// What a file system does to what was synced.
enum class Keeps : std::uint8_t {
  as_promised,   ///< a local file system on a disk, or one that is not known
  until_reboot,  ///< memory
  elsewhere,     ///< over a network, or by a program: a sync, a lock or shared memory may not mean what they say
};

struct FileSystem {
  std::string_view name;  ///< as mount(8) calls it; empty when it is not known
  Keeps keeps = Keeps::as_promised;
};

/// By f_type of statfs(2), of which the kernel uses 32 bits.
FileSystem file_system_of(std::uint32_t type);

/// Kind::refused with the cure when the file system under the spool does not keep what is synced and the medium must be safe.
Result<void> check_medium(const std::string& spool, Medium medium);

/// The lock on the spool as long as the descriptor lives; Kind::refused with the other one's pid when another process has it.
Result<base::Fd> lock_spool(const std::string& spool);

}  // namespace queue

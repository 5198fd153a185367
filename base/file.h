// Files: an owning descriptor, whole-file reads, durable small writes, free space.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release();

 private:
  int number_ = -1;
};

/// The whole file; over `limit` octets is an error (no caller means a file without end).
Result<std::string> read_file(const std::string& path, std::size_t limit = 16U << 20U);

/// Written beside, synced, renamed, directory synced: afterwards the old or the new content is there, never a mixture.
Result<void> write_file_durably(const std::string& path, std::string_view content, unsigned mode);

/// fsync on a directory, so that names made in it survive a power cut.
Result<void> sync_directory(const std::string& path);

/// Makes the folder and its parents (mode 0700 for those made) and syncs each parent.
Result<void> make_directories(const std::string& path);

/// Octets free for us on the file system that holds `path`.
Result<std::uint64_t> free_space(const std::string& path);

}  // namespace base

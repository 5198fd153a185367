// The few file operations that content files and a migration are made of, behind an interface so that tests can lose, fail or
// fill the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace queue {

using base::Result;

/// A file being written. Not synced until sync().
class WritableFile {
 public:
  WritableFile() = default;
  WritableFile(const WritableFile&) = delete;
  WritableFile& operator=(const WritableFile&) = delete;
  virtual ~WritableFile() = default;
  virtual Result<void> append(std::string_view octets) = 0;
  virtual Result<void> sync() = 0;  ///< fdatasync
};

/// Thread-safe. Errors are Kind::full or Kind::storage.
class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;  ///< must not exist
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<void> remove(const std::string& path) = 0;                         ///< missing is fine
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;    ///< a second name; must not exist
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;  ///< over what is there
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
};
Disk& real_disk();

}  // namespace queue

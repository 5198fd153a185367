// The real disk.
#include "queue/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/file.h"

namespace queue {
namespace {

base::Error disk_error(std::string_view what, const std::string& path) {
  return base::system_error(base::Kind::storage, fmt::format("cannot {} {}", what, path), errno);
}

class RealFile : public WritableFile {
 public:
  RealFile(base::Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<void> append(std::string_view octets) override {
    while (!octets.empty()) {
      const ssize_t written = ::write(fd_.get(), octets.data(), octets.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return std::unexpected(disk_error("write", path_));
      octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return std::unexpected(disk_error("sync", path_));
    return {};
  }

 private:
  base::Fd fd_;
  std::string path_;
};

class RealDisk : public Disk {
 public:
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(disk_error("create", path));
    return std::make_unique<RealFile>(std::move(fd), path);
  }

  Result<void> sync_directory(const std::string& path) override { return base::sync_directory(path); }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(disk_error("remove", path));
    return {};
  }

  Result<void> link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return std::unexpected(disk_error("make", to));
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) return std::unexpected(disk_error("replace", to));
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(directory.c_str()), &::closedir);
    if (!folder) return std::unexpected(disk_error("list", directory));
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(folder.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return std::unexpected(disk_error("list", directory));
    return names;
  }
};

}  // namespace

Disk& real_disk() {
  static RealDisk disk;
  return disk;
}

}  // namespace queue

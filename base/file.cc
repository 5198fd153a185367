// Files, with the errors of the system in words.
#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace base {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error file_error(std::string_view what, const std::string& path) {
  return system_error(Kind::storage, fmt::format("{} {}", what, path), errno);
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error("cannot write", path));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (number_ >= 0) ::close(number_);
}

int Fd::release() { return std::exchange(number_, -1); }

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(file_error("cannot open", path));
  std::string content;
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(file_error("cannot read", path));
    if (got == 0) return content;
    content.append(piece.data(), static_cast<std::size_t>(got));
    if (content.size() > limit) return fail(Kind::invalid, fmt::format("{} is larger than {} octets", path, limit));
  }
}

Result<void> write_file_durably(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + ".new";
  {
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, static_cast<mode_t>(mode)));
    if (!fd) return std::unexpected(file_error("cannot create", temporary));
    if (auto written = write_all(fd.get(), content, temporary); !written) return written;
    if (::fsync(fd.get()) != 0) return std::unexpected(file_error("cannot sync", temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return std::unexpected(file_error("cannot rename to", path));
  return sync_directory(parent_of(path));
}

Result<void> sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(file_error("cannot open folder", path));
  if (::fsync(fd.get()) != 0) return std::unexpected(file_error("cannot sync folder", path));
  return {};
}

Result<void> make_directories(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Kind::invalid, fmt::format("{} is not a folder", path));
  }
  const std::string parent = parent_of(path);
  if (auto made = make_directories(parent); !made) return made;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return std::unexpected(file_error("cannot make folder", path));
  return sync_directory(parent);
}

Result<std::uint64_t> free_space(const std::string& path) {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) return std::unexpected(file_error("cannot ask the free space of", path));
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace base

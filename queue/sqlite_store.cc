// Opening the SQLite store: spool, lock, database, thread.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "queue/content_file.h"
#include "queue/sqlite_writer.h"
#include "queue/store.h"
#include "queue/store_thread.h"

namespace queue {
namespace {

using base::Kind;

std::string owner_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const auto pid = base::trim(std::string_view(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
  return pid.empty() ? "another process" : fmt::format("process {}", pid);
}

/// The kernel gives the lock back when the process ends, however it ends; the pid in the file is for people.
Result<base::Fd> lock_spool(const std::string& spool) {
  const std::string path = spool + "/lock";
  base::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(base::system_error(Kind::storage, fmt::format("cannot open {}", path), errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return std::unexpected(base::system_error(Kind::storage, fmt::format("cannot lock {}", path), errno));
    }
    return base::fail(Kind::refused, fmt::format("the spool {} is in use by {}", spool, owner_of(fd.get())));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return std::unexpected(base::system_error(Kind::storage, fmt::format("cannot write {}", path), errno));
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options, CompletionSink sink) {
  if (auto made = base::make_directories(options.spool); !made) return std::unexpected(made.error());
  if (auto made = base::make_directories(content_folder(options.spool)); !made) return std::unexpected(made.error());
  auto lock = lock_spool(options.spool);
  if (!lock) return std::unexpected(lock.error());
  Disk& disk = options.disk != nullptr ? *options.disk : real_disk();
  auto writer = open_sqlite_writer({options.spool, options.vfs, &disk}, std::move(*lock));
  if (!writer) return std::unexpected(writer.error());
  return std::make_unique<StoreThread>(std::move(*writer), options, std::move(sink));
}

}  // namespace queue

// Looking at the spool's file system, and locking it.
#include "queue/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace queue {
namespace {

using base::Kind;

struct Known {
  std::uint32_t type;
  FileSystem file_system;
};

// statfs(2) and linux/magic.h; spelled out because older headers lack some. overlayfs (0x794c7630) is as good as what lies under
// it and is not told apart.
constexpr auto known = std::to_array<Known>({
    {0x01021994, {"tmpfs", Keeps::until_reboot}}, {0x858458f6, {"ramfs", Keeps::until_reboot}},
    {0x00006969, {"nfs", Keeps::elsewhere}},      {0x0000517b, {"smb", Keeps::elsewhere}},
    {0xff534d42, {"cifs", Keeps::elsewhere}},     {0xfe534d42, {"smb3", Keeps::elsewhere}},
    {0x0000564c, {"ncpfs", Keeps::elsewhere}},    {0x01021997, {"9p", Keeps::elsewhere}},
    {0x6b414653, {"afs", Keeps::elsewhere}},      {0x5346414f, {"afs", Keeps::elsewhere}},
    {0x73757245, {"coda", Keeps::elsewhere}},     {0x00c36400, {"ceph", Keeps::elsewhere}},
    {0x65735546, {"fuse", Keeps::elsewhere}},     {0x47504653, {"gpfs", Keeps::elsewhere}},
    {0x0bd00bd0, {"lustre", Keeps::elsewhere}},   {0x01161970, {"gfs2", Keeps::elsewhere}},
    {0x7461636f, {"ocfs2", Keeps::elsewhere}},    {0x19830326, {"beegfs", Keeps::elsewhere}},
    {0xaad7aaea, {"panfs", Keeps::elsewhere}},    {0x786f4256, {"vboxsf", Keeps::elsewhere}},
    {0xbacbacbc, {"vmhgfs", Keeps::elsewhere}},
});

std::string_view danger_of(Keeps keeps) {
  switch (keeps) {
    case Keeps::as_promised: return "";
    case Keeps::until_reboot: return "which is memory: a reboot or a power cut would lose all queued mail";
    case Keeps::elsewhere: return "where what was synced may be lost and a second relay may not be noticed";
  }
  return "";
}

std::string owner_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const auto pid = base::trim(std::string_view(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
  return pid.empty() ? "another process" : fmt::format("process {}", pid);
}

}  // namespace

FileSystem file_system_of(std::uint32_t type) {
  const auto* const found = std::ranges::find(known, type, &Known::type);
  return found == known.end() ? FileSystem() : found->file_system;
}

Result<void> check_medium(const std::string& spool, Medium medium) {
  if (medium == Medium::any) return {};
  struct statfs status{};
  if (::statfs(spool.c_str(), &status) != 0) {
    return std::unexpected(base::system_error(Kind::storage, fmt::format("cannot look at the file system of {}", spool), errno));
  }
  const FileSystem file_system = file_system_of(static_cast<std::uint32_t>(status.f_type));
  if (file_system.keeps == Keeps::as_promised) return {};
  return base::fail(
      Kind::refused,
      fmt::format("the spool {} lies on {}, {}; put it on a local disk, or set spool_unsafe = true if that is wanted", spool,
                  file_system.name, danger_of(file_system.keeps)));
}

// The kernel gives the lock back when the process ends, however it ends; the pid in the file is for people.
Result<base::Fd> lock_spool(const std::string& spool) {
  const std::string path = fmt::format("{}/lock", spool);
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

}  // namespace queue

// Preloaded into a measured process: counts fsync and fdatasync, and leaves the count in the file that SYNC_COUNT_FILE names.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

using SyncCall = int (*)(int);
using Counter = std::atomic<std::uint64_t>;

/// Shared with whoever measures: it may read while the process runs, and after it died.
Counter& counter() {
  static Counter* const shared = [] {
    static Counter fallback{0};
    const char* path = std::getenv("SYNC_COUNT_FILE");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(Counter)) != 0) return &fallback;
    void* const memory = ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return memory == MAP_FAILED ? &fallback : static_cast<Counter*>(memory);
  }();
  return *shared;
}

SyncCall next_call(const char* name) {
  void* const symbol = ::dlsym(RTLD_NEXT, name);
  return reinterpret_cast<SyncCall>(symbol);
}

}  // namespace

extern "C" int fsync(int fd) {
  static const SyncCall next = next_call("fsync");
  counter().fetch_add(1);
  return next(fd);
}

extern "C" int fdatasync(int fd) {
  static const SyncCall next = next_call("fdatasync");
  counter().fetch_add(1);
  return next(fd);
}

// The VFS shim: SQLite's own VFS does the work, the simulated disk decides.
#include "fault_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <string>

#include "simulated_disk.h"

namespace crash {
namespace {

sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs shim_vfs;

/// What SQLite allocates for a file of ours: this, then room for the real one.
struct ShimFile {
  sqlite3_file base;
  std::string* path;  ///< none for a temporary file, which is not simulated
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

ShimFile& shim(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return shim(file).real(); }

/// For sqlite3_system_errno(), which reads errno.
int failed(int error_number, int code) {
  errno = error_number;
  return error_number == ENOSPC ? SQLITE_FULL : code;
}

int close_file(sqlite3_file* file) {
  delete shim(file).path;
  return real(file)->pMethods->xClose(real(file));
}
int read_file(sqlite3_file* file, void* buffer, int count, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), buffer, count, at);
}

// A write that fails has written a part.
int write_file(sqlite3_file* file, const void* data, int count, sqlite3_int64 at) {
  if (shim(file).path != nullptr) {
    sqlite3_int64 size = 0;
    if (const int sized = real(file)->pMethods->xFileSize(real(file), &size); sized != SQLITE_OK) return sized;
    const std::string_view octets(static_cast<const char*>(data), static_cast<std::size_t>(count));
    const int failure = SimulatedDisk::instance().write(*shim(file).path, static_cast<std::uint64_t>(at), octets,
                                                        static_cast<std::uint64_t>(size));
    if (failure != 0) {
      static_cast<void>(real(file)->pMethods->xWrite(real(file), data, count / 2, at));
      return failed(failure, SQLITE_IOERR_WRITE);
    }
  }
  return real(file)->pMethods->xWrite(real(file), data, count, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (shim(file).path != nullptr) {
    const int failure = SimulatedDisk::instance().truncate(*shim(file).path, static_cast<std::uint64_t>(size));
    if (failure != 0) return failed(failure, SQLITE_IOERR_TRUNCATE);
  }
  return real(file)->pMethods->xTruncate(real(file), size);
}

// SQLite's VFS syncs the folder with the first sync of a journal or log that it made.
int sync_file(sqlite3_file* file, int /*flags*/) {
  if (shim(file).path == nullptr) return SQLITE_OK;
  const std::string& path = *shim(file).path;
  const auto name =
      path.ends_with("-wal") || path.ends_with("-journal") ? SimulatedDisk::Name::synced : SimulatedDisk::Name::not_synced;
  const int failure = SimulatedDisk::instance().sync(path, name);
  return failure == 0 ? SQLITE_OK : failed(failure, SQLITE_IOERR_FSYNC);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); }
int lock_file(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock_file(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* held) { return real(file)->pMethods->xCheckReservedLock(real(file), held); }
int control_file(sqlite3_file* file, int what, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int map_shared(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void barrier_shared(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int unmap_shared(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods shim_methods = {
    2,           close_file,     read_file,    write_file,   truncate_file, sync_file,       file_size,
    lock_file,   unlock_file,    check_lock,   control_file, sector_size,   characteristics, map_shared,
    lock_shared, barrier_shared, unmap_shared, nullptr,      nullptr};

int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  ShimFile& opened = shim(file);
  opened.base.pMethods = nullptr;
  opened.path = nullptr;
  const bool existed = name != nullptr && ::access(name, F_OK) == 0;
  if (name != nullptr) {
    const bool creates = !existed && (flags & SQLITE_OPEN_CREATE) != 0;
    if (const int failure = SimulatedDisk::instance().open(name, creates); failure != 0) return failed(failure, SQLITE_CANTOPEN);
  }
  const int code = real_vfs->xOpen(real_vfs, name, opened.real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (name != nullptr) opened.path = new (std::nothrow) std::string(name);
  opened.base.pMethods = &shim_methods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* /*vfs*/, const char* name, int sync_folder) {
  const auto removal = sync_folder != 0 ? SimulatedDisk::Name::synced : SimulatedDisk::Name::not_synced;
  if (const int failure = SimulatedDisk::instance().remove(name, removal); failure != 0)
    return failed(failure, SQLITE_IOERR_DELETE);
  return real_vfs->xDelete(real_vfs, name, 0);
}

}  // namespace

void register_fault_vfs() {
  real_vfs = sqlite3_vfs_find(nullptr);
  if (real_vfs == nullptr) std::abort();
  shim_vfs = *real_vfs;
  shim_vfs.pNext = nullptr;
  shim_vfs.zName = fault_vfs_name;
  shim_vfs.szOsFile = static_cast<int>(sizeof(ShimFile)) + real_vfs->szOsFile;
  shim_vfs.xOpen = open_file;
  shim_vfs.xDelete = delete_file;
  if (sqlite3_vfs_register(&shim_vfs, 0) != SQLITE_OK) std::abort();
}

}  // namespace crash

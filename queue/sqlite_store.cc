// Opening the SQLite store: spool, lock, database, thread.
#include <utility>

#include "base/file.h"
#include "queue/content_file.h"
#include "queue/spool.h"
#include "queue/sqlite_writer.h"
#include "queue/store.h"
#include "queue/store_thread.h"

namespace queue {

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options, CompletionSink sink) {
  if (auto made = base::make_directories(options.spool); !made) return std::unexpected(made.error());
  if (auto safe = check_medium(options.spool, options.medium); !safe) return std::unexpected(safe.error());
  if (auto made = base::make_directories(content_folder(options.spool)); !made) return std::unexpected(made.error());
  auto lock = lock_spool(options.spool);
  if (!lock) return std::unexpected(lock.error());
  Disk& disk = options.disk != nullptr ? *options.disk : real_disk();
  auto writer = open_sqlite_writer({options.spool, options.vfs, &disk, options.migrating}, std::move(*lock));
  if (!writer) return std::unexpected(writer.error());
  return std::make_unique<StoreThread>(std::move(*writer), options, std::move(sink));
}

}  // namespace queue

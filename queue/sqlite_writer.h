// The engine of the SQLite store: applies operations to the tables inside one transaction. Internal to the queue folder.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "queue/disk.h"
#include "queue/engine.h"

namespace queue {

struct SqliteWriterOptions {
  std::string spool;
  std::string vfs;
  Disk* disk = nullptr;
  std::function<void(std::string_view)> migrating;  ///< as in StoreOptions
};

/// Opens the database in the spool and removes content files without a row. Holds the spool's lock as long as it lives.
Result<std::unique_ptr<Engine>> open_sqlite_writer(SqliteWriterOptions options, base::Fd spool_lock);

}  // namespace queue

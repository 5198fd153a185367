// The only file that speaks to SQLite's library.
#include "queue/sqlite_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace queue {
namespace {

using base::Error;
using base::Kind;

/// How long a statement waits for a lock of another process.
constexpr int busy_timeout_ms = 5000;
/// SQLite's VFS for Unix writes less than 128 KiB at once.
constexpr sqlite3_int64 rewrite_piece = 64 << 10;

/// No room, and certainly nothing written: a write that found none, never a sync.
bool is_full(int code, int system_error) {
  if (code == SQLITE_FULL) return true;
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC || (code & 0xff) != SQLITE_IOERR) return false;
  return system_error == ENOSPC || system_error == EDQUOT;
}

Kind kind_of(int code, int system_error) {
  if (is_full(code, system_error)) return Kind::full;
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH: return Kind::invalid;
    case SQLITE_INTERRUPT:
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Kind::temporary;
    default: return Kind::storage;
  }
}

Error database_error(sqlite3* connection, int code) {
  const int system_error = sqlite3_system_errno(connection);
  return Error(kind_of(code, system_error), fmt::format("{} (SQLite {})", sqlite3_errmsg(connection), code));
}

Error code_error(std::string_view what, int code) {
  return Error(kind_of(code, 0), fmt::format("{}: {} (SQLite {})", what, sqlite3_errstr(code), code));
}

int count_log_pages(void* pages, sqlite3* /*connection*/, const char* /*schema*/, int in_log) {
  *static_cast<int*>(pages) = in_log;
  return SQLITE_OK;
}

void ask_predicate(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* const predicate = static_cast<const Predicate*>(sqlite3_user_data(context));
  sqlite3_result_int(context, (*predicate)(Arguments(values)) ? 1 : 0);
}

void forget_predicate(void* predicate) { const std::unique_ptr<Predicate> owned(static_cast<Predicate*>(predicate)); }

std::string_view octets_of(const void* data, int size) {
  return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

sqlite3_file* file_of(sqlite3* connection) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(connection, nullptr, SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  return code == SQLITE_OK && file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

/// Ends what a connection does when its time is up.
class TimeLimit {
 public:
  TimeLimit(sqlite3* connection, std::chrono::milliseconds limit)
      : connection_(connection), end_(std::chrono::steady_clock::now() + limit) {
    sqlite3_progress_handler(connection_, look_every_operations, &is_over, this);
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { sqlite3_progress_handler(connection_, 0, nullptr, nullptr); }

 private:
  static constexpr int look_every_operations = 100;

  static int is_over(void* limit) {
    return std::chrono::steady_clock::now() > static_cast<const TimeLimit*>(limit)->end_ ? 1 : 0;
  }

  sqlite3* connection_;
  const std::chrono::steady_clock::time_point end_;
};

/// Memory statistics cost a lock for every allocation; nobody reads them. Has an effect only before SQLite's first use.
void configure_library() {
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind_one(int index, std::int64_t value) { sqlite3_bind_int64(statement_.get(), index, value); }

// An empty view may have a null pointer, which SQLite would take for NULL.
void Statement::bind_one(int index, std::string_view text) {
  const char* const data = text.empty() ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), index, data, text.size(), nullptr, SQLITE_UTF8);
}

void Statement::bind_one(int index, Blob blob) {
  const char* const data = blob.octets.empty() ? "" : blob.octets.data();
  sqlite3_bind_blob64(statement_.get(), index, data, blob.octets.size(), nullptr);
}

void Statement::bind_one(int index, std::nullopt_t /*nothing*/) { sqlite3_bind_null(statement_.get(), index); }

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = database_error(sqlite3_db_handle(statement_.get()), code);
  reset();
  return std::unexpected(std::move(error));
}

Result<void> Statement::run() {
  if (auto stepped = step(); !stepped) return std::unexpected(stepped.error());
  reset();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const {
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  return octets_of(data, sqlite3_column_bytes(statement_.get(), column));
}

std::optional<std::string_view> Statement::text_or_null(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::int64_t Arguments::integer(int index) const { return sqlite3_value_int64(values_[index]); }

std::string_view Arguments::text(int index) const {
  const void* const data = sqlite3_value_blob(values_[index]);
  return octets_of(data, sqlite3_value_bytes(values_[index]));
}

bool Arguments::is_null(int index) const { return sqlite3_value_type(values_[index]) == SQLITE_NULL; }

/// The methods of the database file with another way to truncate it. SQLite reaches them through the file.
struct Database::FileMethods {
  FileMethods(const sqlite3_io_methods* real_methods, std::int64_t limit)
      : seen_by_sqlite(*real_methods), real(real_methods), most_cut(limit) {
    seen_by_sqlite.xTruncate = &truncate;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size);

  sqlite3_io_methods seen_by_sqlite;  ///< first: `truncate` finds the rest by it
  const sqlite3_io_methods* real;
  std::int64_t most_cut;  ///< octets; 0: no limit
};

// A file that is too long for a while is as good: its header tells how many pages count.
int Database::FileMethods::truncate(sqlite3_file* file, sqlite3_int64 size) {
  static_assert(std::is_standard_layout_v<FileMethods>);
  const auto* const methods = reinterpret_cast<const FileMethods*>(file->pMethods);
  sqlite3_int64 present = 0;
  if (const int measured = methods->real->xFileSize(file, &present); measured != SQLITE_OK) return measured;
  if (methods->most_cut > 0) size = std::max(size, present - methods->most_cut);
  return methods->real->xTruncate(file, size);
}

void Database::ForgetFileMethods::operator()(FileMethods* methods) const { std::default_delete<FileMethods>()(methods); }

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Database::Database(std::unique_ptr<sqlite3, Close> connection) : connection_(std::move(connection)) {
  sqlite3_extended_result_codes(connection_.get(), 1);
  sqlite3_busy_timeout(connection_.get(), busy_timeout_ms);
  sqlite3_wal_hook(connection_.get(), &count_log_pages, log_pages_.get());
  on_close(OnClose::keep_log);
}

Result<Database> Database::open(const std::string& path, Mode mode, std::string_view vfs) {
  configure_library();
  const int access = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const std::string vfs_name(vfs);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX, vfs.empty() ? nullptr : vfs_name.c_str());
  std::unique_ptr<sqlite3, Close> connection(raw);
  if (code != SQLITE_OK) return std::unexpected(code_error(fmt::format("cannot open {}", path), code));
  return Database(std::move(connection));
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(database_error(connection_.get(), code));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return std::unexpected(database_error(connection_.get(), code));
  return Statement(raw);
}

Result<std::optional<std::int64_t>> Database::query_integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  if (!*row || statement->is_null(0)) return std::optional<std::int64_t>();
  return std::optional(statement->integer(0));
}

// SQLite calls forget_predicate when it fails, too.
Result<void> Database::add_predicate(const char* name, int values, Predicate predicate) {
  auto owned = std::make_unique<Predicate>(std::move(predicate));
  const int code = sqlite3_create_function_v2(connection_.get(), name, values, SQLITE_UTF8 | SQLITE_DIRECTONLY, owned.release(),
                                              &ask_predicate, nullptr, nullptr, &forget_predicate);
  if (code != SQLITE_OK) return std::unexpected(database_error(connection_.get(), code));
  return {};
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(connection_.get()); }

std::int64_t Database::changes() const { return sqlite3_changes64(connection_.get()); }

void Database::on_close(OnClose what) {
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, what == OnClose::keep_log ? 1 : 0, nullptr);
}

Result<void> Database::checkpoint(Checkpoint how) {
  const int mode = how == Checkpoint::passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  const int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, mode, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(database_error(connection_.get(), code));
  return {};
}

Result<std::int64_t> Database::file_length() {
  sqlite3_file* const file = file_of(connection_.get());
  sqlite3_int64 length = 0;
  const int code = file == nullptr ? SQLITE_NOTFOUND : file->pMethods->xFileSize(file, &length);
  if (code != SQLITE_OK) return std::unexpected(code_error("cannot measure the database", code));
  return length;
}

void Database::cut_at_most(std::int64_t octets) {
  if (file_methods_) {
    file_methods_->most_cut = octets;
    return;
  }
  sqlite3_file* const file = file_of(connection_.get());
  if (file == nullptr) return;
  file_methods_.reset(std::make_unique<FileMethods>(file->pMethods, octets).release());
  file->pMethods = &file_methods_->seen_by_sqlite;
}

Result<void> Database::rewrite(std::chrono::milliseconds limit) {
  const TimeLimit limited(connection_.get(), limit);
  return execute("VACUUM");
}

Result<void> Database::rewrite_log() {
  sqlite3_file* log = nullptr;
  const int code = sqlite3_file_control(connection_.get(), nullptr, SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (code != SQLITE_OK) return std::unexpected(code_error("cannot find the log", code));
  if (log == nullptr || log->pMethods == nullptr) return {};
  sqlite3_int64 size = 0;
  if (const int sized = log->pMethods->xFileSize(log, &size); sized != SQLITE_OK) {
    return std::unexpected(code_error("cannot measure the log", sized));
  }
  std::vector<char> piece(static_cast<std::size_t>(std::min(size, rewrite_piece)));
  for (sqlite3_int64 at = 0; at < size; at += rewrite_piece) {
    const int count = static_cast<int>(std::min(size - at, rewrite_piece));
    int done = log->pMethods->xRead(log, piece.data(), count, at);
    if (done == SQLITE_OK) done = log->pMethods->xWrite(log, piece.data(), count, at);
    if (done != SQLITE_OK) return std::unexpected(code_error("cannot write the log again", done));
  }
  if (size == 0) return {};
  if (const int synced = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL); synced != SQLITE_OK) {
    return std::unexpected(code_error("cannot sync the log", synced));
  }
  return {};
}

}  // namespace queue

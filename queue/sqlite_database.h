// SQLite behind two small classes: a connection and a prepared statement, with errors by value. Internal to the queue folder;
// only sqlite_database.cc includes sqlite3.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace queue {

using base::Result;

/// Octets that are bound as a BLOB.
struct Blob {
  std::string_view octets;
};

/// A prepared statement. What is bound is not copied: it must live until reset().
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  /// Parameters from the first one on: integers, text, Blob, or nothing (std::nullopt) for NULL.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  /// To the next row: true when there is one. After an error or the end the statement is reset.
  Result<bool> step();
  /// For a statement that returns no rows.
  Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  /// Text or BLOB; valid until the next step.
  std::string_view text(int column) const;
  std::optional<std::string_view> text_or_null(int column) const;
  bool is_null(int column) const;

 private:
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, std::uint64_t value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::uint32_t value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, int value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::string_view text);
  void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, Blob blob);
  void bind_one(int index, std::nullopt_t nothing);
  template <class Value>
  void bind_one(int index, const std::optional<Value>& value) {
    if (value) {
      bind_one(index, *value);
    } else {
      bind_one(index, std::nullopt);
    }
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement at the end of a scope, so that no read transaction stays open behind a return.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;
  ~ResetAtEnd() { statement_.reset(); }

 private:
  Statement& statement_;
};

/// What a predicate is asked about: values of one row.
class Arguments {
 public:
  explicit Arguments(sqlite3_value** values) : values_(values) {}
  std::int64_t integer(int index) const;
  /// Valid during the call; empty for NULL.
  std::string_view text(int index) const;
  bool is_null(int index) const;

 private:
  sqlite3_value** values_;
};
using Predicate = std::function<bool(const Arguments&)>;

/// A connection, used by one thread at a time. Errors: Kind::full when there was no room and nothing was written,
/// Kind::invalid for a violated constraint, Kind::temporary when another process holds a lock, else Kind::storage.
class Database {
 public:
  enum class Mode : std::uint8_t { read_only, read_write };
  enum class Checkpoint : std::uint8_t { passive, truncate };
  /// What the last connection does with the log when it closes.
  enum class OnClose : std::uint8_t { keep_log, checkpoint };

  Database(Database&& other) = default;
  // A connection is closed before the methods of its file go.
  Database& operator=(Database&& other) noexcept {
    std::swap(file_methods_, other.file_methods_);
    std::swap(connection_, other.connection_);
    std::swap(log_pages_, other.log_pages_);
    return *this;
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() = default;

  /// `vfs` by name; empty: SQLite's own. Closes with keep_log unless told otherwise.
  static Result<Database> open(const std::string& path, Mode mode, std::string_view vfs);

  Result<void> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// The first column of the first row; nothing when there is no row.
  Result<std::optional<std::int64_t>> query_integer(std::string_view sql);
  /// Makes the predicate known to SQL as a function of so many values. It may read with other statements of this connection.
  Result<void> add_predicate(const char* name, int values, Predicate predicate);
  bool in_transaction() const;
  std::int64_t last_insert_id() const;
  /// Rows that the last statement changed.
  std::int64_t changes() const;
  void on_close(OnClose what);

  /// Pages in the log after the last commit of this connection. Replaces SQLite's own automatic checkpoints.
  int log_pages() const { return *log_pages_; }
  Result<void> checkpoint(Checkpoint how);

  /// Octets of the database file on the disk, which is longer than its pages while ends are cut off in steps.
  Result<std::int64_t> file_length();
  /// From now on a checkpoint takes at most so many octets off the end of the file, or all that is too much when they are zero.
  /// A file system may need seconds to free gigabytes at once, and nothing is written meanwhile.
  void cut_at_most(std::int64_t octets);
  /// Writes what is in use behind each other, in a transaction of its own (VACUUM): nothing is free in the file afterwards.
  /// Reading takes at most `limit`; Kind::temporary when that was too short, and nothing has changed.
  Result<void> rewrite(std::chrono::milliseconds limit);
  /// Writes every octet of the log again where it stands and syncs it: what is in the page cache is on the disk afterwards, also
  /// when an earlier failed sync made the kernel believe so wrongly. Nobody may write to the database meanwhile.
  Result<void> rewrite_log();

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  struct FileMethods;
  struct ForgetFileMethods {
    void operator()(FileMethods* methods) const;
  };
  explicit Database(std::unique_ptr<sqlite3, Close> connection);

  std::unique_ptr<FileMethods, ForgetFileMethods> file_methods_;  ///< used by the connection until it is closed
  std::unique_ptr<sqlite3, Close> connection_;
  std::unique_ptr<int> log_pages_ = std::make_unique<int>(0);  ///< at a fixed address: SQLite's hook writes it
};

}  // namespace queue

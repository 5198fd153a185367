// Content over 256 KiB: written once to a file of the spool, synced before its row is committed, read back in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "queue/disk.h"
#include "queue/message.h"

namespace queue {

/// The size from which content becomes a file.
inline constexpr std::uint64_t content_in_row_limit = 256U << 10U;

/// CRC-32 (IEEE), continued: crc32(crc32(0, a), b) is that of a and b joined.
std::uint32_t crc32(std::uint32_t crc, std::string_view octets);
/// The CRC-32 of two parts joined, from the CRC of each and the length of the second.
std::uint32_t crc32_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

/// The folder of content files in a spool, and the file of one message.
std::string content_folder(const std::string& spool);
std::string content_path(const std::string& spool, QueueId id);
/// Of a file that was set aside while its content is made anew; the next start removes what is left of them.
inline constexpr std::string_view aside_suffix = ".aside";

/// Blocking; for a worker thread. Destroyed before finish(): the file is removed again.
class ContentWriter {
 public:
  static Result<ContentWriter> create(Disk& disk, const std::string& spool, QueueId id);
  ContentWriter(ContentWriter&&) noexcept = default;
  ContentWriter& operator=(ContentWriter&& other) noexcept;
  ~ContentWriter();
  Result<void> append(std::string_view octets);
  /// fdatasync on the file and its directory; the content is durable when this returns. Keeps the file.
  Result<Content> finish();
  /// Takes back a finished file that was never given to Store::accept(): from there on it is the store's.
  static void discard(Disk& disk, const Content& content);
  /// Renames a finished file that was never given to Store::accept(), so that a new one can have its name. Content in memory
  /// stays.
  static Result<Content> set_aside(Disk& disk, const Content& content);

 private:
  ContentWriter(Disk& disk, std::unique_ptr<WritableFile> file, std::string folder, std::string path);
  void abandon();

  Disk* disk_ = nullptr;
  std::unique_ptr<WritableFile> file_;  ///< none once finished or moved away
  std::string folder_;
  std::string path_;
  std::uint64_t size_ = 0;
};

/// Reads content of either kind in pieces.
class ContentReader {
 public:
  static Result<ContentReader> open(const Content& content);
  /// Up to buffer.size() octets; 0 at the end. For content in memory it never blocks.
  Result<std::size_t> read(std::span<char> buffer);

 private:
  Content content_;
  base::Fd file_;
  std::uint64_t offset_ = 0;
};

}  // namespace queue

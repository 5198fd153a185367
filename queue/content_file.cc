// Content files and the CRC.
#include "queue/content_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace queue {

// zlib takes a null pointer, which an empty view may have, for a wish to start anew.
std::uint32_t crc32(std::uint32_t crc, std::string_view octets) {
  if (octets.empty()) return crc;
  const auto* const data = reinterpret_cast<const Bytef*>(octets.data());
  return static_cast<std::uint32_t>(::crc32_z(crc, data, octets.size()));
}

std::uint32_t crc32_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
  return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

std::string content_folder(const std::string& spool) { return spool + "/content"; }

std::string content_path(const std::string& spool, QueueId id) { return content_folder(spool) + '/' + id.to_string(); }

ContentWriter::ContentWriter(Disk& disk, std::unique_ptr<WritableFile> file, std::string folder, std::string path)
    : disk_(&disk), file_(std::move(file)), folder_(std::move(folder)), path_(std::move(path)) {}

ContentWriter& ContentWriter::operator=(ContentWriter&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  disk_ = other.disk_;
  file_ = std::move(other.file_);
  folder_ = std::move(other.folder_);
  path_ = std::move(other.path_);
  size_ = other.size_;
  return *this;
}

ContentWriter::~ContentWriter() { abandon(); }

void ContentWriter::abandon() {
  if (!file_) return;
  file_.reset();
  // What cannot be removed now is swept at the next start.
  static_cast<void>(disk_->remove(path_));
}

Result<ContentWriter> ContentWriter::create(Disk& disk, const std::string& spool, QueueId id) {
  std::string path = content_path(spool, id);
  auto file = disk.create(path);
  if (!file) return std::unexpected(file.error());
  return ContentWriter(disk, std::move(*file), content_folder(spool), std::move(path));
}

Result<void> ContentWriter::append(std::string_view octets) {
  if (auto written = file_->append(octets); !written) return written;
  size_ += octets.size();
  return {};
}

Result<Content> ContentWriter::finish() {
  if (auto synced = file_->sync(); !synced) return std::unexpected(synced.error());
  if (auto named = disk_->sync_directory(folder_); !named) return std::unexpected(named.error());
  file_.reset();
  return Content::in_file(std::move(path_), size_);
}

void ContentWriter::discard(Disk& disk, const Content& content) {
  if (content.is_file()) static_cast<void>(disk.remove(content.path()));
}

Result<Content> ContentWriter::set_aside(Disk& disk, const Content& content) {
  if (!content.is_file()) return content;
  std::string aside = content.path() + std::string(aside_suffix);
  if (auto renamed = disk.rename(content.path(), aside); !renamed) return std::unexpected(renamed.error());
  return Content::in_file(std::move(aside), content.size());
}

Result<ContentReader> ContentReader::open(const Content& content) {
  ContentReader reader;
  reader.content_ = content;
  if (!content.is_file()) return reader;
  reader.file_ = base::Fd(::open(content.path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader.file_) {
    return std::unexpected(
        base::system_error(base::Kind::storage, fmt::format("cannot open the content {}", content.path()), errno));
  }
  return reader;
}

Result<std::size_t> ContentReader::read(std::span<char> buffer) {
  if (!content_.is_file()) {
    const std::string_view rest = content_.octets().substr(static_cast<std::size_t>(offset_));
    const std::size_t count = rest.copy(buffer.data(), buffer.size());
    offset_ += count;
    return count;
  }
  for (;;) {
    const ssize_t got = ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return std::unexpected(
          base::system_error(base::Kind::storage, fmt::format("cannot read the content {}", content_.path()), errno));
    }
    offset_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
}

}  // namespace queue

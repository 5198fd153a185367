// Content files: written, synced, read back, taken back.
#include "queue/content_file.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "store_fixture.h"
#include "tests/catch.h"

using queue::Content;
using queue::ContentReader;
using queue::ContentWriter;
using store_test::id_of;
using store_test::TemporarySpool;

namespace {

/// A spool with its content folder, as a store makes it.
class ContentSpool {
 public:
  ContentSpool() { REQUIRE(base::make_directories(queue::content_folder(path()))); }
  std::string path() const { return spool_.path(); }

 private:
  TemporarySpool spool_;
};

/// Notes the steps that decide about durability.
class NotingDisk : public queue::Disk {
 public:
  queue::Result<std::unique_ptr<queue::WritableFile>> create(const std::string& path) override {
    auto file = queue::real_disk().create(path);
    if (!file) return file;
    return std::make_unique<File>(std::move(*file), steps);
  }
  queue::Result<void> sync_directory(const std::string& path) override {
    steps.push_back("sync " + std::filesystem::path(path).filename().string());
    return queue::real_disk().sync_directory(path);
  }
  queue::Result<void> remove(const std::string& path) override {
    steps.emplace_back("remove");
    return queue::real_disk().remove(path);
  }
  queue::Result<void> link(const std::string& from, const std::string& to) override { return queue::real_disk().link(from, to); }
  queue::Result<void> rename(const std::string& from, const std::string& to) override {
    return queue::real_disk().rename(from, to);
  }
  queue::Result<std::vector<std::string>> list(const std::string& directory) override {
    return queue::real_disk().list(directory);
  }

  std::vector<std::string> steps;

 private:
  class File : public queue::WritableFile {
   public:
    File(std::unique_ptr<queue::WritableFile> real, std::vector<std::string>& steps) : real_(std::move(real)), steps_(steps) {}
    queue::Result<void> append(std::string_view octets) override {
      steps_.emplace_back("append");
      return real_->append(octets);
    }
    queue::Result<void> sync() override {
      steps_.emplace_back("sync file");
      return real_->sync();
    }

   private:
    std::unique_ptr<queue::WritableFile> real_;
    std::vector<std::string>& steps_;
  };
};

std::string read_all(const Content& content, std::size_t piece) {
  auto reader = ContentReader::open(content);
  REQUIRE(reader);
  std::string all;
  std::vector<char> buffer(piece);
  for (;;) {
    const auto got = reader->read(buffer);
    REQUIRE(got);
    if (*got == 0) return all;
    all.append(buffer.data(), *got);
  }
}

}  // namespace

TEST_CASE("the CRC is that of IEEE 802.3 and can be continued") {
  CHECK(queue::crc32(0, "123456789") == 0xCBF43926U);
  CHECK(queue::crc32(queue::crc32(0, "1234"), "56789") == 0xCBF43926U);
  CHECK(queue::crc32(0xCBF43926U, std::string_view()) == 0xCBF43926U);
}

TEST_CASE("content goes to a file named by its id and comes back octet by octet") {
  const ContentSpool spool;
  auto writer = ContentWriter::create(queue::real_disk(), spool.path(), id_of(7));
  REQUIRE(writer);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i) * 37, static_cast<char>(i));
    REQUIRE(writer->append(piece));
    expected += piece;
  }
  const auto content = writer->finish();
  REQUIRE(content);
  CHECK(content->is_file());
  CHECK(content->path() == queue::content_path(spool.path(), id_of(7)));
  CHECK(content->size() == expected.size());
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20U);
  CHECK(read_all(*content, piece) == expected);
}

TEST_CASE("the file is synced after its last octet, and its folder after that") {
  const ContentSpool spool;
  NotingDisk disk;
  auto writer = ContentWriter::create(disk, spool.path(), id_of(1));
  REQUIRE(writer);
  REQUIRE(writer->append("a"));
  REQUIRE(writer->append("b"));
  REQUIRE(writer->finish());
  CHECK(disk.steps == std::vector<std::string>{"append", "append", "sync file", "sync content"});
}

TEST_CASE("a writer that does not finish leaves no file") {
  const ContentSpool spool;
  const std::string path = queue::content_path(spool.path(), id_of(1));
  {
    auto writer = ContentWriter::create(queue::real_disk(), spool.path(), id_of(1));
    REQUIRE(writer);
    REQUIRE(writer->append("half"));
    const ContentWriter moved = std::move(*writer);
    CHECK(std::filesystem::exists(path));
  }
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("finished content can be taken back") {
  const ContentSpool spool;
  auto writer = ContentWriter::create(queue::real_disk(), spool.path(), id_of(1));
  REQUIRE(writer);
  const auto content = writer->finish();
  REQUIRE(content);
  ContentWriter::discard(queue::real_disk(), *content);
  CHECK(!std::filesystem::exists(content->path()));
}

TEST_CASE("a file that is there already is never written over") {
  const ContentSpool spool;
  auto first = ContentWriter::create(queue::real_disk(), spool.path(), id_of(1));
  REQUIRE(first);
  const auto second = ContentWriter::create(queue::real_disk(), spool.path(), id_of(1));
  REQUIRE(!second);
  CHECK(second.error().kind == base::Kind::storage);
}

TEST_CASE("content in memory is read like a file") {
  const std::size_t piece = GENERATE(std::size_t{1}, std::size_t{4}, std::size_t{100});
  CHECK(read_all(Content::in_memory("some octets"), piece) == "some octets");
}

TEST_CASE("a content file that is missing is a storage error that names it") {
  const auto reader = ContentReader::open(Content::in_file("/nowhere/content/1", 10));
  REQUIRE(!reader);
  CHECK(reader.error().kind == base::Kind::storage);
  CHECK(reader.error().words.find("/nowhere/content/1") != std::string::npos);
}

// Files: descriptors with an owner, whole reads with a limit, writes that replace, folders.
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/catch.h"

using base::Fd;
using base::Kind;

namespace {

/// A folder that is gone with its test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mailferry-file-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(std::string_view name) const { return path_ + '/' + std::string(name); }

 private:
  std::string path_;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(number >= 0);
  Fd outer;
  CHECK_FALSE(static_cast<bool>(outer));
  {
    Fd inner(number);
    outer = std::move(inner);
  }
  CHECK(is_open(number));
  Fd moved(std::move(outer));
  CHECK(moved.get() == number);
  moved = Fd();
  CHECK_FALSE(is_open(number));
}

TEST_CASE("a released descriptor stays open") {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Fd fd(number);
    CHECK(fd.release() == number);
  }
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("a file is read whole up to a limit") {
  const Folder folder;
  const std::string content = std::string(40000, 'x') + std::string("\0\r\n", 3);
  REQUIRE(base::write_file_durably(folder / "file", content, 0600).has_value());
  CHECK(base::read_file(folder / "file") == content);
  CHECK(base::read_file(folder / "file", content.size()) == content);
  CHECK(base::read_file(folder / "file", content.size() - 1).error().kind == Kind::invalid);
  CHECK(base::read_file("/dev/zero", 1000).error().kind == Kind::invalid);
}

TEST_CASE("an error names the file and the reason") {
  const Folder folder;
  const auto missing = base::read_file(folder / "missing");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == Kind::storage);
  CHECK(missing.error().words.find(folder / "missing") != std::string::npos);
  CHECK(missing.error().words.ends_with("No such file or directory"));
}

TEST_CASE("a write replaces the file and leaves nothing beside it") {
  const Folder folder;
  REQUIRE(base::write_file_durably(folder / "file", "old", 0644).has_value());
  REQUIRE(base::write_file_durably(folder / "file", "new", 0600).has_value());
  CHECK(base::read_file(folder / "file") == "new");
  CHECK(mode_of(folder / "file") == 0600U);
  CHECK_FALSE(std::filesystem::exists(folder / "file.new"));
  CHECK_FALSE(base::write_file_durably(folder / "no/file", "x", 0600).has_value());
}

TEST_CASE("a write that a crash left half done is in nobody's way") {
  const Folder folder;
  REQUIRE(base::write_file_durably(folder / "file.new", "a longer rest", 0600).has_value());
  REQUIRE(base::write_file_durably(folder / "file", "new", 0600).has_value());
  CHECK(base::read_file(folder / "file") == "new");
}

TEST_CASE("folders are made with their parents, for their owner only") {
  const Folder folder;
  REQUIRE(base::make_directories(folder / "a/b/c").has_value());
  CHECK(mode_of(folder / "a/b/c") == 0700U);
  CHECK(base::make_directories(folder / "a/b/c").has_value());
  REQUIRE(base::write_file_durably(folder / "a/file", "x", 0600).has_value());
  CHECK_FALSE(base::make_directories(folder / "a/file").has_value());
  CHECK_FALSE(base::make_directories(folder / "a/file/b").has_value());
  CHECK(base::sync_directory(folder / "a").has_value());
  CHECK_FALSE(base::sync_directory(folder / "missing").has_value());
}

TEST_CASE("free space is asked of the file system") {
  const Folder folder;
  CHECK(base::free_space(folder / ".").has_value());
  CHECK_FALSE(base::free_space(folder / "missing").has_value());
}

TEST_CASE("a full disk is told apart from a broken one") {
  CHECK(base::system_error(Kind::storage, "cannot write x", ENOSPC).kind == Kind::full);
  CHECK(base::system_error(Kind::storage, "cannot write x", EDQUOT).kind == Kind::full);
  const auto error = base::system_error(Kind::storage, "cannot write x", EIO);
  CHECK(error.kind == Kind::storage);
  CHECK(error.words == "cannot write x: Input/output error");
  CHECK(base::to_string(Kind::full) == "full");
}

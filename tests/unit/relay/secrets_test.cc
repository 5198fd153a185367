// Files that nobody else may read or replace.
#include "relay/secrets.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/unit/relay/world.h"

namespace {

using namespace world;

/// keys/secret in a folder of its own.
struct Secret {
  Secret() : file((folder.path() + "/keys/secret")) {
    REQUIRE(base::make_directories((folder.path() + "/keys")));
    REQUIRE(base::write_file_durably(file, "sesame", 0600));
  }
  std::string told() const {
    const auto read = relay::read_secret(file, 100);
    return read ? *read : read.error().words;
  }
  Folder folder;
  std::string file;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a secret that only its owner reads is taken") {
  const Secret secret;
  CHECK(secret.told() == "sesame");
  CHECK(::chmod(secret.file.c_str(), 0640) == 0);
  CHECK(secret.told() == "sesame");  // the group of the service may read it
}

TEST_CASE("a secret that others can read or write is refused with the cure") {
  const Secret secret;
  for (const unsigned mode : {0604U, 0660U, 0602U, 0666U}) {
    CHECK(::chmod(secret.file.c_str(), mode) == 0);
    CHECK(contains(secret.told(), "chmod 0600 " + secret.file));
  }
}

TEST_CASE("a folder that others can write to is refused with the cure, unless it is sticky") {
  const Secret secret;
  const std::string keys = (secret.folder.path() + "/keys");
  CHECK(::chmod(keys.c_str(), 0777) == 0);
  CHECK(contains(secret.told(), "chmod go-w " + keys));
  CHECK(::chmod(keys.c_str(), 01777) == 0);
  CHECK(secret.told() == "sesame");
}

TEST_CASE("a secret of somebody else is refused with the cure") {
  const Secret secret;
  if (::geteuid() != 0) return;  // nobody else can give files away
  CHECK(::chown(secret.file.c_str(), 12345, 0) == 0);
  CHECK(contains(secret.told(), "belongs to user 12345"));
  CHECK(contains(secret.told(), "chown"));
  CHECK(::chown(secret.file.c_str(), 0, 0) == 0);
  CHECK(::chown((secret.folder.path() + "/keys").c_str(), 12345, 0) == 0);
  CHECK(contains(secret.told(), "the folder"));
}

TEST_CASE("a secret that is not there, or too large") {
  const Secret secret;
  CHECK(contains(relay::read_secret((secret.folder.path() + "/keys/none"), 100).error().words, "keys/none"));
  CHECK_FALSE(relay::read_secret(secret.file, 3));
}

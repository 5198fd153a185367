// What a spool may lie on, and that it belongs to one process.
#include "queue/spool.h"

#include <sys/statfs.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "store_fixture.h"
#include "tests/catch.h"

using base::Kind;
using queue::Keeps;

TEST_CASE("file systems by the number that the kernel gives them") {
  struct Row {
    std::uint32_t type;
    std::string_view name;
    Keeps keeps;
  };
  const auto row = GENERATE(values<Row>({
      {0x0000ef53, "", Keeps::as_promised},  // ext4
      {0x58465342, "", Keeps::as_promised},  // XFS
      {0x9123683e, "", Keeps::as_promised},  // Btrfs
      {0x2fc12fc1, "", Keeps::as_promised},  // ZFS
      {0xf2f52010, "", Keeps::as_promised},  // F2FS
      {0x794c7630, "", Keeps::as_promised},  // overlayfs
      {0x12345678, "", Keeps::as_promised},  // nobody knows
      {0x01021994, "tmpfs", Keeps::until_reboot},
      {0x858458f6, "ramfs", Keeps::until_reboot},
      {0x00006969, "nfs", Keeps::elsewhere},
      {0x0000517b, "smb", Keeps::elsewhere},
      {0xff534d42, "cifs", Keeps::elsewhere},
      {0xfe534d42, "smb3", Keeps::elsewhere},
      {0x01021997, "9p", Keeps::elsewhere},
      {0x5346414f, "afs", Keeps::elsewhere},
      {0x00c36400, "ceph", Keeps::elsewhere},
      {0x65735546, "fuse", Keeps::elsewhere},
  }));
  CAPTURE(row.type);
  CHECK(queue::file_system_of(row.type).name == row.name);
  CHECK(queue::file_system_of(row.type).keeps == row.keeps);
}

TEST_CASE("a spool in memory is refused with the cure, unless it is wanted") {
  const std::string memory = "/dev/shm";
  struct statfs status{};
  if (::statfs(memory.c_str(), &status) != 0 ||
      queue::file_system_of(static_cast<std::uint32_t>(status.f_type)).name != "tmpfs") {
    WARN("no tmpfs at /dev/shm: not tested");
    return;
  }
  const std::string spool = memory + "/mailferry-spool-test-" + std::to_string(::getpid());
  queue::StoreOptions options;
  options.spool = spool;
  const auto refused = queue::open_store(options, store_test::complete_at_once);
  REQUIRE(!refused);
  CHECK(refused.error().kind == Kind::refused);
  CHECK(refused.error().words ==
        "the spool " + spool +
            " lies on tmpfs, which is memory: a reboot or a power cut would lose all queued mail; put it "
            "on a local disk, or set spool_unsafe = true if that is wanted");
  options.medium = queue::Medium::any;
  CHECK(queue::open_store(options, store_test::complete_at_once));
  std::filesystem::remove_all(spool);
}

TEST_CASE("a spool that cannot be looked at is an error of the storage") {
  const auto found = queue::check_medium("/nonexistent", queue::Medium::safe_only);
  REQUIRE(!found);
  CHECK(found.error().kind == Kind::storage);
  CHECK(queue::check_medium("/nonexistent", queue::Medium::any));
}

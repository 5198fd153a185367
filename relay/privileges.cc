// Folders first, then groups, group, user, and the proof that there is no way back.
#include "relay/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/file.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;

base::Error failure(const std::string& doing) { return base::system_error(Kind::invalid, doing, errno); }

/// The folder is the user's, or is made to be.
Result<void> hand_over(const std::string& folder, const passwd& user) {
  struct stat status{};
  const bool there = ::stat(folder.c_str(), &status) == 0;
  if (there && status.st_uid == user.pw_uid) return {};
  std::error_code error;
  const bool holds_something = there && !std::filesystem::is_empty(folder, error);
  if (holds_something) {
    return base::fail(Kind::invalid,
                      fmt::format("{0} does not belong to {1}, whom the relay runs as: chown -R {1}: {0}", folder, user.pw_name));
  }
  if (auto made = base::make_directories(folder); !made) return made;
  if (::chown(folder.c_str(), user.pw_uid, user.pw_gid) != 0) return std::unexpected(failure("cannot hand over " + folder));
  return {};
}

/// The folder of a socket that everybody may come to. A relative name, and one that is there (/run itself), is left as it is.
Result<void> hand_over_parent(const std::string& file, const passwd& user) {
  const std::string folder = std::filesystem::path(file).parent_path().string();
  struct stat status{};
  if (folder.empty() || ::stat(folder.c_str(), &status) == 0) return {};
  if (auto made = hand_over(folder, user); !made) return made;
  if (::chmod(folder.c_str(), 0755) != 0) return std::unexpected(failure("cannot set the mode of " + folder));
  return {};
}

Result<void> keep_low_ports_only() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return std::unexpected(failure("cannot read capabilities"));
  const unsigned kept = sets[0].permitted & (1U << CAP_NET_BIND_SERVICE);  // a container may have taken it away
  sets = {};
  sets[0].effective = sets[0].permitted = kept;
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return std::unexpected(failure("cannot give up capabilities"));
  return {};
}

Result<void> become(const passwd& user) {
  const bool changed = ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && ::initgroups(user.pw_name, user.pw_gid) == 0 &&
                       ::setresgid(user.pw_gid, user.pw_gid, user.pw_gid) == 0 &&
                       ::setresuid(user.pw_uid, user.pw_uid, user.pw_uid) == 0;
  if (!changed) return std::unexpected(failure(fmt::format("cannot become {}", user.pw_name)));
  if (auto kept = keep_low_ports_only(); !kept) return kept;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return std::unexpected(failure("cannot forbid new privileges"));
  if (::setuid(0) == 0 || ::geteuid() == 0) return base::fail(Kind::invalid, "root could be had back");
  return {};
}

}  // namespace

Result<std::string> leave_root(const conf::Config& config, const std::string& user) {
  if (::geteuid() != 0) return std::string();
  const passwd* found = ::getpwnam(user.c_str());
  if (found == nullptr || found->pw_uid == 0) {
    return fmt::format("running as root, since there is no user {0}: useradd --system --shell /usr/sbin/nologin {0}", user);
  }
  const passwd entry = *found;
  if (auto owned = hand_over(config.spool, entry); !owned) return std::unexpected(owned.error());
  for (const std::string& socket : {config.admin.socket, config.admin.submit}) {
    if (auto owned = hand_over_parent(socket, entry); !owned) return std::unexpected(owned.error());
  }
  if (auto became = become(entry); !became) return std::unexpected(became.error());
  return std::string();
}

}  // namespace relay

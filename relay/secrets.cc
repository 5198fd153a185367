// Who could read or replace a secret.
#include "relay/secrets.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/file.h"
#include "relay/privileges.h"

namespace relay {
namespace {

using base::Kind;
using base::Result;

std::optional<uid_t> user_id(const char* name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (::getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return entry.pw_uid;
}

bool is_ours(uid_t owner) { return owner == 0 || owner == ::geteuid() || owner == user_id(service_user); }

std::string owner_cure(const std::string& path) {
  const std::string owner = ::geteuid() != 0 || !user_id(service_user) ? "$(id -un)" : std::string(service_user);
  return fmt::format("chown {} {}", owner, path);
}

Result<struct stat> status_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return status;
  const base::Error error = base::system_error(Kind::invalid, "cannot read " + path, errno);
  if (errno != EACCES) return std::unexpected(error);
  return base::fail(Kind::invalid, fmt::format("{}; {}", error.words, owner_cure(path)));
}

Result<void> check_file(const std::string& path) {
  const auto status = status_of(path);
  if (!status) return std::unexpected(status.error());
  if (!is_ours(status->st_uid)) {
    return base::fail(Kind::invalid,
                      fmt::format("{} belongs to user {}, who can change it: {}", path, status->st_uid, owner_cure(path)));
  }
  if ((status->st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    return base::fail(Kind::invalid, fmt::format("{} can be read or written by others (mode {:04o}): chmod 0600 {}", path,
                                                 status->st_mode & 07777U, path));
  }
  return {};
}

/// Whoever writes to a folder can put another file in the place of the secret, unless the sticky bit forbids it.
Result<void> check_folder(const std::string& path) {
  const auto status = status_of(path);
  if (!status) return std::unexpected(status.error());
  if (!is_ours(status->st_uid)) {
    return base::fail(Kind::invalid, fmt::format("the folder {} belongs to user {}, who can replace what is in it: {}", path,
                                                 status->st_uid, owner_cure(path)));
  }
  const bool sticky = (status->st_mode & S_ISVTX) != 0;
  if (!sticky && (status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::fail(Kind::invalid,
                      fmt::format("the folder {} can be written by others (mode {:04o}), who can replace what is in "
                                  "it: chmod go-w {}",
                                  path, status->st_mode & 07777U, path));
  }
  return {};
}

}  // namespace

Result<std::string> read_secret(const std::string& path, std::size_t limit) {
  if (auto safe = check_file(path); !safe) return std::unexpected(safe.error());
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    if (auto safe = check_folder(path.substr(0, slash)); !safe) return std::unexpected(safe.error());
  }
  auto content = base::read_file(path, limit);
  if (!content && ::access(path.c_str(), R_OK) != 0) {
    return base::fail(Kind::invalid, fmt::format("{}; {}", content.error().words, owner_cure(path)));
  }
  return content;
}

}  // namespace relay

// A disk that keeps two truths: what the process sees (the real files) and what would be left after a power cut (what was
// synced, and by chance some of the rest). It fails, runs full or kills the process at a step that a plan names.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace crash {

/// What happens at a step (a write, truncation, sync, creation, removal, linking or renaming; counted from 1).
struct Fault {
  enum class What : std::uint8_t {
    nothing,
    death,      ///< the process ends; what it wrote stays
    power_cut,  ///< the process ends; what was not synced stays or goes by chance
    error,      ///< EIO; after a failed sync the kernel believes that everything was written
    full,       ///< ENOSPC for what needs new room
  };
  What what = What::nothing;
  std::uint64_t at = 0;
  std::uint64_t steps = 1;  ///< so many steps fail
};

struct Plan {
  Fault first;
  Fault second;
  unsigned kept_percent = 50;  ///< of the sectors that were not synced, at a power cut
  std::uint32_t seed = 1;
};

inline constexpr int death_code = 42;

/// One per process; used by the VFS and by the Disk. Thread-safe. Calls return 0 or an errno.
class SimulatedDisk {
 public:
  static SimulatedDisk& instance();

  void follow(const Plan& plan, std::atomic<std::uint64_t>* counter);

  /// A file begins to be used; `created`: by this opening.
  int open(const std::string& path, bool created);
  int write(const std::string& path, std::uint64_t offset, std::string_view octets, std::uint64_t size_now);
  int truncate(const std::string& path, std::uint64_t size);
  enum class Name : std::uint8_t { not_synced, synced };
  int sync(const std::string& path, Name name);
  int sync_directory(const std::string& folder);
  int remove(const std::string& path, Name name);
  /// A second name for a file that nobody writes to any more.
  int link(const std::string& from, const std::string& to);
  int rename(const std::string& from, const std::string& to);

 private:
  struct Change {
    std::uint64_t offset = 0;
    std::string octets;
    bool truncates = false;  ///< to `offset`
  };
  struct File {
    std::string durable;
    bool name_durable = true;
    bool removed = false;
    std::vector<Change> pending;
  };

  /// Of which the folder was not synced.
  struct Rename {
    std::string from;
    std::string to;
    File replaced;
  };

  /// Counts the step and does what the plan says: 0, EIO or ENOSPC.
  int step(const std::string& what);
  [[noreturn]] void cut_power();
  void leave_behind(const std::string& path, File& file);
  bool by_chance();
  static void apply(std::string& image, const Change& change);
  void apply_in_part(std::string& image, const Change& change);

  std::mutex mutex_;
  Plan plan_;
  std::atomic<std::uint64_t>* steps_ = nullptr;
  std::atomic<std::uint64_t> own_steps_ = 0;
  std::map<std::string, File> files_;
  std::vector<Rename> renames_;
  std::minstd_rand random_;
};

}  // namespace crash

// Lets the store die, lose unsynced writes, fail and run full at every step, and compares what is left with what was promised.
//
//   crash_test [--long] [--mode NAME] [--at STEP] [--seed NUMBER]
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "check.h"
#include "fault_vfs.h"
#include "old_queue.h"
#include "roomy_queue.h"
#include "workload.h"

namespace crash {
namespace {

using What = Fault::What;

/// A child that runs longer than this hangs: the promise is broken too.
constexpr unsigned patience_seconds = 60;

/// About as many steps has the opening of a store whose log is not believed.
constexpr std::uint64_t reopening_steps = 12;

/// What the store finds in its spool.
enum class Found : std::uint8_t { nothing, old_queue, roomy_queue, roomy_queue_in_use };

struct Case {
  std::string name;
  std::uint64_t at = 0;
  Plan plan;
  std::uint64_t die_at_fault_point = 0;
  bool must_recover = false;  ///< the process lives on and takes mail again
  Found found = Found::nothing;
};

struct Settings {
  bool longer = false;
  std::string mode;
  std::uint64_t at = 0;
  std::uint32_t seed = 1;
};

/// The ledger in memory that parent and child share.
class SharedLedger {
 public:
  SharedLedger() : memory_(::mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) std::abort();
    ledger_ = new (memory_) Ledger();
  }
  SharedLedger(const SharedLedger&) = delete;
  SharedLedger& operator=(const SharedLedger&) = delete;
  ~SharedLedger() { ::munmap(memory_, sizeof(Ledger)); }
  Ledger& operator*() { return *ledger_; }
  Ledger* operator->() { return ledger_; }

 private:
  void* memory_;
  Ledger* ledger_ = nullptr;
};

/// In memory where there is such a file system: nothing is synced for real, the disk is simulated.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto parent =
        std::filesystem::exists("/dev/shm") ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "mailferry-crash-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Runner {
 public:
  explicit Runner(Settings settings) : settings_(std::move(settings)), folder_(std::make_optional<TemporaryFolder>()) {}

  int run() {
    measure();
    for (std::uint64_t at = 1; at <= steps_; ++at) run_step(at);
    for (std::uint64_t at = 1; at <= fault_points_; ++at) run_case({"death-at-fault-point", at, Plan(), at, false});
    for (std::uint64_t at = 1; at <= migration_steps_; ++at) run_migration_step(at);
    for (const Found found : {Found::roomy_queue, Found::roomy_queue_in_use}) run_space(found);
    fmt::print(
        "{} cases, {} steps, {} fault points, {} migration steps, {} steps of space, {} times full, {} times closed, {} "
        "failures\n",
        cases_, steps_, fault_points_, migration_steps_, space_steps_, full_, closed_, failures_);
    if (settings_.mode.empty() && (full_ == 0 || closed_ == 0)) {
      fmt::print("the faults had no effect\n");
      return 1;
    }
    return failures_ == 0 ? 0 : 1;
  }

 private:
  /// How many steps an undisturbed run takes; a few more, because groups form differently.
  void measure() {
    const Case undisturbed{"undisturbed", 0, Plan(), 0, true};
    SharedLedger ledger;
    run_child(undisturbed, ledger);
    steps_ = ledger->steps * 11 / 10;
    fault_points_ = ledger->fault_points * 11 / 10;
    judge(undisturbed, ledger, 0);
    measure_migration();
  }

  void measure_migration() {
    const Case undisturbed{"migration", 0, Plan(), 0, true, Found::old_queue};
    SharedLedger ledger;
    run_child(undisturbed, ledger);
    migration_steps_ = ledger->steps;
    judge(undisturbed, ledger, 0);
  }

  void run_migration_step(std::uint64_t at) {
    const auto seed = static_cast<std::uint32_t>(std::uint64_t{settings_.seed} * 1000003 + at);
    run_case({"migration-death", at, {{What::death, at, 1}, {}, 50, seed}, 0, false, Found::old_queue});
    for (const unsigned kept : {50U, 0U, 100U}) {
      if (kept == 50 || every(at, 3)) {
        run_case({"migration-power-cut", at, {{What::power_cut, at, 1}, {}, kept, seed + kept}, 0, false, Found::old_queue});
      }
    }
    if (every(at, 2)) run_case({"migration-error", at, {{What::error, at, 1 + at % 3}, {}, 50, seed}, 0, true, Found::old_queue});
    const Fault cut{What::power_cut, at + 2 + seed % 11, 1};
    if (every(at, 2))
      run_case({"migration-error-then-power-cut", at, {{What::error, at, 1}, cut, 50, seed}, 0, false, Found::old_queue});
    if (every(at, 3)) run_case({"migration-full", at, {{What::full, at, 1 + at % 12}, {}, 50, seed}, 0, true, Found::old_queue});
  }

  /// Space is given back with faults at any step of it; pages freed one by one take many alike.
  void run_space(Found found) {
    const std::string name = found == Found::roomy_queue ? "rewriting" : "freeing";
    const Case undisturbed{name, 0, Plan(), 0, true, found};
    SharedLedger ledger;
    run_child(undisturbed, ledger);
    judge(undisturbed, ledger, 0);
    if (!is_given_back(found)) report(undisturbed, {"the file did not become shorter"});
    const std::uint64_t steps = ledger->steps;
    space_steps_ += steps;
    const std::uint64_t nth = found == Found::roomy_queue ? 3 : 10;
    for (std::uint64_t at = 1; at <= steps; ++at) {
      if (every(at, nth)) run_space_step(name, at, found);
    }
  }

  void run_space_step(const std::string& name, std::uint64_t at, Found found) {
    const auto seed = static_cast<std::uint32_t>(std::uint64_t{settings_.seed} * 1000003 + at);
    run_case({name + "-death", at, {{What::death, at, 1}, {}, 50, seed}, 0, false, found});
    run_case({name + "-power-cut", at, {{What::power_cut, at, 1}, {}, kept_percent(at), seed}, 0, false, found});
    if (every(at, 2)) run_case({name + "-error", at, {{What::error, at, 1 + at % 3}, {}, 50, seed}, 0, true, found});
    const Fault cut{What::power_cut, at + 2 + seed % 11, 1};
    if (every(at, 3)) run_case({name + "-error-then-power-cut", at, {{What::error, at, 1}, cut, 50, seed}, 0, false, found});
    if (every(at, 3)) run_case({name + "-full", at, {{What::full, at, 1 + at % 12}, {}, 50, seed}, 0, true, found});
  }

  static Way way_of(Found found) { return found == Found::roomy_queue ? Way::rewriting : Way::freeing; }

  bool is_given_back(Found found) const {
    return std::filesystem::file_size(folder_->path() + "/spool/queue.db") <= size_given_back(way_of(found));
  }

  /// Made once, with a few tries: a slow machine lets the store give the space back too soon.
  const std::string& roomy_spool(Found found) {
    auto& made = roomy_.at(found == Found::roomy_queue ? 0 : 1);
    for (int i = 0; i < 5 && !made; ++i) {
      made.emplace();
      if (!make_roomy_queue(made->path(), way_of(found))) made.reset();
    }
    if (!made) std::abort();
    return made->path();
  }

  void run_step(std::uint64_t at) {
    const auto seed = static_cast<std::uint32_t>(std::uint64_t{settings_.seed} * 1000003 + at);
    const std::uint64_t later = at + 1 + seed % 23;
    run_case({"death", at, {{What::death, at, 1}, {}, 50, seed}, 0, false});
    run_case({"power-cut", at, {{What::power_cut, at, 1}, {}, kept_percent(at), seed}, 0, false});
    if (every(at, 2)) run_case({"error", at, {{What::error, at, 1 + at % 3}, {}, 50, seed}, 0, true});
    if (every(at, 2)) {
      // Errors that go on let the first opening anew fail too, after which the log is recovered from what the cache shows.
      const std::uint64_t errors = 1 + at / 2 % 2;
      const Fault cut{What::power_cut, later + errors, 1};
      run_case({"error-then-power-cut", at, {{What::error, at, errors}, cut, kept_percent(at / 2), seed}, 0, false});
    }
    if (every(at, 4)) run_case({"error-then-death", at, {{What::error, at, 1}, {What::death, later, 1}, 50, seed}, 0, false});
    if (every(at, 3)) run_case({"full", at, {{What::full, at, 1 + at % 12}, {}, 50, seed}, 0, true});
    if (every(at, 4)) {
      run_case(
          {"full-then-power-cut", at, {{What::full, at, 20}, {What::power_cut, later, 1}, kept_percent(at), seed}, 0, false});
    }
    if (!settings_.longer) return;
    run_case({"power-cut-all-lost", at, {{What::power_cut, at, 1}, {}, 0, seed}, 0, false});
    run_case({"power-cut-all-kept", at, {{What::power_cut, at, 1}, {}, 100, seed}, 0, false});
    run_case({"power-cut-mixed", at, {{What::power_cut, at, 1}, {}, 50, seed}, 0, false});
    for (std::uint64_t step = 1; step <= reopening_steps; ++step) {
      run_case(
          {"power-cut-while-reopening", at, {{What::error, at, 2}, {What::power_cut, at + 2 + step, 1}, 50, seed}, 0, false});
    }
  }

  bool every(std::uint64_t at, std::uint64_t nth) const { return settings_.longer || settings_.at != 0 || at % nth == 0; }
  static unsigned kept_percent(std::uint64_t at) {
    constexpr unsigned choices[] = {0, 50, 90, 50, 100};
    return choices[at % std::size(choices)];
  }

  void run_case(const Case& wanted) {
    if (!settings_.mode.empty() && settings_.mode != wanted.name) return;
    if (settings_.at != 0 && settings_.at != wanted.at) return;
    SharedLedger ledger;
    const int status = run_child(wanted, ledger);
    judge(wanted, ledger, status);
  }

  int run_child(const Case& wanted, SharedLedger& ledger) {
    folder_.emplace();
    Work plan;
    plan.spool = folder_->path() + "/spool";
    plan.messages = settings_.longer ? 64 : 13;
    plan.die_at_fault_point = wanted.die_at_fault_point;
    if (wanted.found == Found::old_queue) {
      plan.messages = old_messages;
      if (!make_old_queue(plan.spool, *ledger)) std::abort();
    } else if (wanted.found != Found::nothing) {
      plan.messages = 5;
      plan.gives_back = true;
      std::filesystem::copy(roomy_spool(wanted.found), plan.spool, std::filesystem::copy_options::recursive);
    }
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(patience_seconds);
      work(plan, wanted.plan, *ledger);
      std::_Exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }

  void judge(const Case& wanted, SharedLedger& ledger, int status) {
    ++cases_;
    full_ += ledger->became_full ? 1 : 0;
    closed_ += ledger->became_closed ? 1 : 0;
    std::vector<std::string> wrong = check(folder_->path() + "/spool", *ledger);
    const bool ended_well = WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == death_code);
    if (!ended_well) wrong.push_back(fmt::format("the process ended with status {}", status));
    if (wanted.must_recover && !ledger->recovered) wrong.emplace_back("the store does not take mail again");
    if (!wrong.empty()) report(wanted, wrong);
  }

  void report(const Case& wanted, const std::vector<std::string>& wrong) {
    ++failures_;
    fmt::print("crash_test --mode {} --at {} --seed {}\n", wanted.name, wanted.at, settings_.seed);
    for (const std::string& words : wrong) fmt::print("  {}\n", words);
  }

  const Settings settings_;
  std::optional<TemporaryFolder> folder_;
  std::array<std::optional<TemporaryFolder>, 2> roomy_;
  std::uint64_t steps_ = 0;
  std::uint64_t fault_points_ = 0;
  std::uint64_t migration_steps_ = 0;
  std::uint64_t space_steps_ = 0;
  std::uint64_t cases_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t closed_ = 0;
  std::uint64_t failures_ = 0;
};

std::optional<Settings> parse(const std::vector<std::string_view>& arguments) {
  Settings settings;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--long") {
      settings.longer = true;
      continue;
    }
    if (i + 1 == arguments.size()) return std::nullopt;
    const std::string_view value = arguments[++i];
    const auto number = base::parse_number(value);
    if (arguments[i - 1] == "--mode") {
      settings.mode = value;
    } else if (arguments[i - 1] == "--at" && number) {
      settings.at = *number;
    } else if (arguments[i - 1] == "--seed" && number) {
      settings.seed = static_cast<std::uint32_t>(*number);
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

}  // namespace
}  // namespace crash

#ifdef __SANITIZE_ADDRESS__
// Memory that is kept to find its use after free makes every fork dearer.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=1"; }  // NOLINT(bugprone-reserved-identifier)
#endif

int main(int argc, char** argv) {
  const auto settings = crash::parse({argv + 1, argv + argc});
  if (!settings) {
    fmt::print(stderr, "crash_test [--long] [--mode NAME] [--at STEP] [--seed NUMBER]\n");
    return 2;
  }
  crash::register_fault_vfs();
  return crash::Runner(*settings).run();
}

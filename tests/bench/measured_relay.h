// The relay that a measurement runs, its commands, and the report of what they came to.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

/// Ends the measurement.
[[noreturn]] void give_up(const std::string& words);

double seconds_since(Clock::time_point start);

/// Lines of the report.
class Report {
 public:
  void at_most(const std::string& what, double value, double aim, const char* unit) {
    line(what, value, aim, unit, "<=", value <= aim);
  }
  void at_least(const std::string& what, double value, double aim, const char* unit) {
    line(what, value, aim, unit, ">=", value >= aim);
  }
  static void tell(const std::string& what, double value, const char* unit) {
    fmt::print("{:<52}{:>12.3f} {}\n", what, value, unit);
    std::fflush(stdout);
  }
  int finish() const {
    fmt::print("{} passed, {} failed\n", passed_, failed_);
    std::fflush(stdout);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  void line(const std::string& what, double value, double aim, const char* unit, const char* relation, bool kept) {
    fmt::print("{:<52}{:>12.3f} {:<8} {} {:g}: {}\n", what, value, unit, relation, aim, kept ? "ok" : "MISSED");
    std::fflush(stdout);
    ++(kept ? passed_ : failed_);
  }
  int passed_ = 0;
  int failed_ = 0;
};

struct Ran {
  double seconds = 0;
  int code = 0;
  std::string output;
};

/// A program with its standard output in a file.
Ran run(const std::vector<std::string>& arguments, const std::string& output_path);

/// A spool, its configuration, and the relay that runs on it. All destinations are at `hosts_port` of this machine but
/// silent.example, which is at `silent_port`.
class Relay {
 public:
  Relay(std::string mailferry, std::string folder, std::uint16_t hosts_port, std::uint16_t silent_port);
  ~Relay() { stop(); }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  std::string spool() const { return folder_ + "/spool"; }
  std::uint16_t port() const { return port_; }

  /// Seconds until it accepts and lists.
  double start();
  void stop();
  Ran command(const std::vector<std::string>& words) const;

  /// Proportional set size, MiB.
  double memory() const { return number_in("smaps_rollup", "Pss:") / 1024; }
  /// What the process caused to be written to the disk, octets.
  double written() const { return number_in("io", "write_bytes:"); }
  /// MiB on the disk.
  double database_size() const;

 private:
  double number_in(const char* file, std::string_view name) const;

  std::string mailferry_;
  std::string folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

}  // namespace bench

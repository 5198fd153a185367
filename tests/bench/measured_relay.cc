// Starts, asks and stops it.
#include "measured_relay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "base/file.h"
#include "dkim/crypto.h"
#include "tests/load/loopback.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system's unistd.h has it

namespace bench {

void give_up(const std::string& words) {
  fmt::print(stderr, "queue_bench: {}\n", words);
  std::_Exit(1);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Ran run(const std::vector<std::string>& arguments, const std::string& output_path) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  const auto start = Clock::now();
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) give_up("cannot run " + arguments[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  Ran ran;
  ran.seconds = seconds_since(start);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  ran.output = base::read_file(output_path, std::size_t{64} << 20U).value_or("");
  return ran;
}

Relay::Relay(std::string mailferry, std::string folder, std::uint16_t hosts_port, std::uint16_t silent_port)
    : mailferry_(std::move(mailferry)), folder_(std::move(folder)), port_(load::free_port()) {
  std::filesystem::create_directories(folder_);
  const auto key = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256);
  const std::string text = fmt::format(
      "hostname = \"mail.mydomain.com\"\npostmaster = \"admin@mydomain.com\"\nspool = \"{0}/spool\"\n[log]\nto = \"{0}/log\"\n"
      "level = \"warning\"\n[[listen]]\naddress = \"127.0.0.1:{1}\"\n[accept]\nmessage_size = "
      "\"50MiB\"\n[delivery]\nip_versions = "
      "\"ipv4-only\"\n"
      "[[route]]\ndomain = \"silent.example\"\nhosts = [\"[127.0.0.1]:{3}\"]\n[[route]]\ndomain = \"*\"\nhosts = "
      "[\"[127.0.0.1]:{2}\"]\n[retry]\ndelays = [\"1h\"]\n[admin]\nsocket = \"{0}/admin.sock\"\nsubmit = \"{0}/submit.sock\"\n"
      "[[dkim.sign]]\nfrom = \"*@mydomain.com\"\ndomain = \"mydomain.com\"\nselector = \"us\"\nkey = \"{0}/key.pem\"\n",
      folder_, port_, hosts_port, silent_port);
  const bool written = base::write_file_durably(folder_ + "/key.pem", key.to_pem(), 0600) &&
                       base::write_file_durably(folder_ + "/mailferry.toml", text, 0600);
  if (!written) give_up("cannot write the configuration");
}

double Relay::start() {
  const auto begin = Clock::now();
  pid_ = ::fork();
  if (pid_ == 0) {
    const std::string config = folder_ + "/mailferry.toml";
    ::execl(mailferry_.c_str(), "mailferry", "serve", "-c", config.c_str(), nullptr);
    ::_exit(127);
  }
  while (!load::connect_to(port_)) {
    if (seconds_since(begin) > 120 || ::waitpid(pid_, nullptr, WNOHANG) == pid_) give_up("the relay did not start");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (command({"queue", "list", "--limit", "1"}).code != 0) give_up("queue list fails");
  return seconds_since(begin);
}

void Relay::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

Ran Relay::command(const std::vector<std::string>& words) const {
  std::vector<std::string> arguments = {mailferry_};
  arguments.insert(arguments.end(), words.begin(), words.end());
  arguments.insert(arguments.end(), {"-c", folder_ + "/mailferry.toml"});
  return run(arguments, folder_ + "/output");
}

double Relay::database_size() const {
  struct stat status{};
  const bool is_there = ::stat((spool() + "/queue.db").c_str(), &status) == 0;
  return is_there ? static_cast<double>(status.st_blocks) * 512 / (1U << 20U) : 0;
}

double Relay::number_in(const char* file, std::string_view name) const {
  std::ifstream stream(fmt::format("/proc/{}/{}", pid_, file));
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(name.size()));
  }
  return 0;
}

}  // namespace bench

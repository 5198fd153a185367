// How fast the relay works end to end: a generator over some sessions, the relay under test as a process of its own, and a
// receiver.
//
//   relay_bench --mailferry BINARY [--messages N] [--sessions N] [--size OCTETS] [--key rsa|ed25519|none]
//   relay_bench --smtp HOST:PORT --sink PORT [--pid N]...   a relay that runs already (Postfix, say), delivering to the sink
//
// It prints rates, CPU, memory, fsyncs and thread switches per message, and what one signature costs on this machine.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "dkim/crypto.h"

namespace {

using Clock = std::chrono::steady_clock;
using base::Fd;

struct Plan {
  std::string mailferry;
  std::uint64_t messages = 5000;
  std::uint64_t sessions = 20;
  std::uint64_t size = 2048;
  std::string key = "rsa";
  std::uint16_t relay_port = 0;
  std::uint16_t sink_port = 0;
  std::vector<int> pids;
};

[[noreturn]] void give_up(const std::string& words) {
  fmt::print(stderr, "relay_bench: {}\n", words);
  std::exit(1);
}

Fd listen_on(std::uint16_t port, std::uint16_t& chosen) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 512) != 0)
    give_up("cannot listen");
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  chosen = ntohs(address.sin_port);
  return fd;
}

std::optional<Fd> connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  const int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Lines of a socket, cheaply.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd), buffer_(65536) {}
  bool next(std::string_view& line) {
    for (;;) {
      const std::string_view held(buffer_.data() + start_, end_ - start_);
      const std::size_t end = held.find('\n');
      if (end != std::string_view::npos) {
        line = held.substr(0, end + 1);
        start_ += end + 1;
        return true;
      }
      if (start_ > 0)
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(start_), buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
                  buffer_.begin());
      end_ -= start_;
      start_ = 0;
      if (end_ == buffer_.size()) return false;
      const ssize_t got = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
      if (got <= 0) return false;
      end_ += static_cast<std::size_t>(got);
    }
  }
  /// The last line of a reply.
  bool reply(std::string_view& line) {
    while (next(line)) {
      if (line.size() > 3 && line[3] != '-') return true;
    }
    return false;
  }

 private:
  int fd_;
  std::vector<char> buffer_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
};

/// A receiver that takes everything, pipelining included.
class Sink {
 public:
  explicit Sink(std::uint16_t port) : listening_(listen_on(port, port_)), accepting_([this] { accept(); }) {
    accepting_.detach();
  }
  std::uint16_t port() const { return port_; }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t connections() const { return connections_; }

 private:
  void accept() {
    for (;;) {
      const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int one = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      ++connections_;
      std::thread([this, fd] { serve(Fd(fd)); }).detach();
    }
  }

  void serve(const Fd& fd) {
    Lines lines(fd.get());
    std::string_view line;
    bool in_data = false;
    std::string out = "220 sink ESMTP\r\n";
    for (;;) {
      if (!out.empty() && !send_all(fd.get(), out)) return;
      out.clear();
      if (!lines.next(line)) return;
      if (in_data) {
        if (line != ".\r\n") continue;
        in_data = false;
        ++messages_;
        out = "250 2.0.0 taken\r\n";
        continue;
      }
      const std::string verb = base::upper(line.substr(0, 4));
      if (verb == "EHLO")
        out = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n250 ENHANCEDSTATUSCODES\r\n";
      else if (verb == "DATA") {
        in_data = true;
        out = "354 go on\r\n";
      } else if (verb == "QUIT") {
        send_all(fd.get(), "221 2.0.0 bye\r\n");
        return;
      } else
        out = "250 2.1.0 ok\r\n";
    }
  }

  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> connections_{0};
  Fd listening_;
  std::thread accepting_;
};

std::string message_text(std::uint64_t number, std::uint64_t size) {
  std::string text = fmt::format(
      "From: Bench <bench@mydomain.com>\r\nTo: Somebody <user{0}@abc.com>\r\nSubject: message {0}\r\nDate: Tue, 24 Nov 2026 "
      "12:00:00 +0000\r\n"
      "Message-ID: <{0}.bench@mydomain.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
      number);
  while (text.size() + 2 < size) {
    const std::size_t line = std::min<std::size_t>(70, static_cast<std::size_t>(size) - text.size() - 2);
    text.append(line, static_cast<char>('a' + text.size() % 26));
    text += "\r\n";
  }
  return text;
}

/// One client session: pipelined MAIL, RCPT, DATA, then the content, message after message.
void generate(const Plan& plan, std::atomic<std::uint64_t>& next, std::atomic<std::uint64_t>& accepted) {
  auto fd = connect_to(plan.relay_port);
  if (!fd) give_up("cannot connect to the relay");
  Lines lines(fd->get());
  std::string_view line;
  if (!lines.reply(line) || !send_all(fd->get(), "EHLO bench.mydomain.com\r\n") || !lines.reply(line)) give_up("no EHLO reply");
  for (std::uint64_t number = next++; number < plan.messages; number = next++) {
    const std::string commands = fmt::format("MAIL FROM:<bench@mydomain.com>\r\nRCPT TO:<user{}@abc.com>\r\nDATA\r\n", number);
    if (!send_all(fd->get(), commands)) give_up("the relay hung up");
    for (int i = 0; i < 3; ++i) {
      if (!lines.reply(line)) give_up("the relay hung up");
    }
    if (!line.starts_with("354")) give_up("no 354: " + std::string(line));
    if (!send_all(fd->get(), message_text(number, plan.size) + ".\r\n") || !lines.reply(line)) give_up("the relay hung up");
    if (!line.starts_with("250")) give_up("not accepted: " + std::string(line));
    ++accepted;
  }
  send_all(fd->get(), "QUIT\r\n");
}

struct Usage {
  double cpu_seconds = 0;
  std::uint64_t switches = 0;
  std::uint64_t peak_kib = 0;
};

/// Of a process with all its threads.
Usage usage_of(int pid) {
  Usage usage;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  const std::size_t close = text.rfind(')');
  if (close == std::string::npos) return usage;
  const auto fields = base::words(std::string_view(text).substr(close + 1));
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (std::stod(std::string(fields[11])) + std::stod(std::string(fields[12]))) / ticks;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), error)) {
    std::ifstream status(task.path() / "status");
    for (std::string line; std::getline(status, line);) {
      const std::size_t colon = line.find(':');
      if (line.find("ctxt_switches") != std::string::npos) usage.switches += std::stoull(line.substr(colon + 1));
      if (line.starts_with("VmHWM")) usage.peak_kib = std::stoull(line.substr(colon + 1));
    }
  }
  return usage;
}

/// CPU seconds of one RSA-2048 signature, as the relay makes it.
double signature_cost() {
  const dkim::PrivateKey key = dkim::PrivateKey::generate(dkim::Algorithm::rsa_sha256);
  const dkim::Digest digest{};
  constexpr int rounds = 1000;
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < rounds; ++i) {
    if (!key.sign(digest)) give_up("cannot sign");
  }
  ::getrusage(RUSAGE_SELF, &after);
  const auto seconds = [](const rusage& u) {
    return static_cast<double>(u.ru_utime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec) / 1e6;
  };
  return (seconds(after) - seconds(before)) / rounds;
}

std::string write_configuration(const Plan& plan, const std::string& folder, std::uint16_t sink_port) {
  std::string text = fmt::format(
      "hostname = \"mail.mydomain.com\"\npostmaster = \"admin@mydomain.com\"\nspool = \"{0}/spool\"\n[log]\nto = \"{0}/log\"\n"
      "[[listen]]\naddress = \"127.0.0.1:{1}\"\n[delivery]\nip_versions = \"ipv4-only\"\n[[route]]\ndomain = \"*\"\nhosts = "
      "[\"[127.0.0.1]:{2}\"]\n"
      "[admin]\nsocket = \"{0}/admin.sock\"\n",
      folder, plan.relay_port, sink_port);
  if (plan.key != "none") {
    const auto algorithm = plan.key == "rsa" ? dkim::Algorithm::rsa_sha256 : dkim::Algorithm::ed25519_sha256;
    (void)base::write_file_durably(folder + "/key.pem", dkim::PrivateKey::generate(algorithm).to_pem(), 0600);
    text += fmt::format(
        "[[dkim.sign]]\nfrom = \"*@mydomain.com\"\ndomain = \"mydomain.com\"\nselector = \"us\"\nkey = \"{}/key.pem\"\n", folder);
  }
  std::string path = folder + "/mailferry.toml";
  (void)base::write_file_durably(path, text, 0600);
  return path;
}

/// The relay under test, with the counter of fsyncs preloaded.
class Relay {
 public:
  Relay(const Plan& plan, const std::string& folder, std::uint16_t sink_port) : count_path_(folder + "/syncs") {
    const std::string path = write_configuration(plan, folder, sink_port);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setenv("SYNC_COUNT_FILE", count_path_.c_str(), 1);
      ::setenv("LD_PRELOAD", SYNC_COUNTER_PATH, 1);
      ::execl(plan.mailferry.c_str(), "mailferry", "serve", "-c", path.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500; ++i) {
      if (connect_to(plan.relay_port)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    give_up("the relay did not start");
  }
  ~Relay() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  int pid() const { return pid_; }
  std::uint64_t syncs() const {
    std::ifstream file(count_path_, std::ios::binary);
    std::uint64_t count = 0;
    file.read(reinterpret_cast<char*>(&count), sizeof count);
    return count;
  }

 private:
  std::string count_path_;
  int pid_ = -1;
};

Plan parse(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--mailferry")
      plan.mailferry = value;
    else if (name == "--key")
      plan.key = value;
    else if (name == "--smtp")
      plan.relay_port = static_cast<std::uint16_t>(std::stoul(value.substr(value.rfind(':') + 1)));
    else if (name == "--sink")
      plan.sink_port = static_cast<std::uint16_t>(std::stoul(value));
    else if (name == "--pid")
      plan.pids.push_back(std::stoi(value));
    else if (name == "--messages")
      plan.messages = std::stoull(value);
    else if (name == "--sessions")
      plan.sessions = std::stoull(value);
    else if (name == "--size")
      plan.size = std::stoull(value);
    else
      give_up("unknown option " + name);
  }
  return plan;
}

Usage usage_of_all(const std::vector<int>& pids) {
  Usage sum;
  for (const int pid : pids) {
    const Usage one = usage_of(pid);
    sum.cpu_seconds += one.cpu_seconds;
    sum.switches += one.switches;
    sum.peak_kib += one.peak_kib;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan = parse(argc, argv);
  const double signature = signature_cost();
  Sink sink(plan.sink_port);
  std::string folder = (std::filesystem::temp_directory_path() / "mailferry-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) give_up("cannot make a folder");
  std::optional<Relay> relay;
  if (!plan.mailferry.empty()) {
    {
      const Fd probe = listen_on(0, plan.relay_port);
    }
    relay.emplace(plan, folder, sink.port());
    plan.pids.push_back(relay->pid());
  }
  const Usage before = usage_of_all(plan.pids);
  const std::uint64_t syncs_before = relay ? relay->syncs() : 0;
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> accepted{0};
  const auto start = Clock::now();
  std::vector<std::thread> clients;
  for (std::uint64_t i = 0; i < plan.sessions; ++i) clients.emplace_back([&] { generate(plan, next, accepted); });
  for (std::thread& client : clients) client.join();
  const double accept_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  while (sink.messages() < plan.messages) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const double all_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the last outcomes are recorded
  const Usage after = usage_of_all(plan.pids);
  const auto per_message = [&](double value) { return value / static_cast<double>(plan.messages); };
  const double cpu = per_message(after.cpu_seconds - before.cpu_seconds) * 1000;
  const double own = plan.key == "rsa" ? cpu - signature * 1000 : cpu;
  fmt::print("messages {} of {} octets over {} sessions\n", plan.messages, plan.size, plan.sessions);
  fmt::print("accepted       {:8.0f} /s\nend to end     {:8.0f} /s\n", static_cast<double>(plan.messages) / accept_seconds,
             static_cast<double>(plan.messages) / all_seconds);
  fmt::print("cpu            {:8.3f} ms/message\none signature  {:8.3f} ms\nbeyond it      {:8.3f} ms/message\n", cpu,
             signature * 1000, own);
  fmt::print("peak memory    {:8.1f} MiB\nswitches       {:8.2f} /message\n", static_cast<double>(after.peak_kib) / 1024,
             per_message(static_cast<double>(after.switches - before.switches)));
  if (relay) fmt::print("fsyncs         {:8.3f} /message\n", per_message(static_cast<double>(relay->syncs() - syncs_before)));
  fmt::print("connections    {:8} to the receiver\n", sink.connections());
  relay.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  std::cout.flush();
  std::_Exit(0);  // the sink's threads wait in accept
}

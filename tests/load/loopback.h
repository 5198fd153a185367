// A receiver and clients on loopback over plain blocking sockets: the load for benches and for the kill test.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"

namespace load {

/// A listening socket on 127.0.0.1; port 0 lets the system choose, `chosen` says which.
base::Fd listen_on(std::uint16_t port, std::uint16_t& chosen);
/// Nothing when nobody listens there.
std::optional<base::Fd> connect_to(std::uint16_t port);
/// A port that is free now.
std::uint16_t free_port();
bool send_all(int fd, std::string_view bytes);

/// Lines of a socket, cheaply.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd), buffer_(65536) {}
  /// With its line end; valid until the next call. False at the end or when a line is too long.
  bool next(std::string_view& line);
  /// The last line of a reply.
  bool reply(std::string_view& line);

 private:
  int fd_;
  std::vector<char> buffer_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
};

/// A receiver that takes everything, pipelining included, but for recipients at refused.*: these it refuses for good. `arrived`
/// is told the number in RCPT TO:<userNUMBER@...>, from any thread, before the final 250 is sent. Lives until the process ends.
class Sink {
 public:
  explicit Sink(std::uint16_t port, std::function<void(std::uint64_t)> arrived = {});
  std::uint16_t port() const { return port_; }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t connections() const { return connections_; }

 private:
  void accept();
  void serve(const base::Fd& fd);

  std::uint16_t port_ = 0;
  std::function<void(std::uint64_t)> arrived_;
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> connections_{0};
  base::Fd listening_;
  std::thread accepting_;
};

/// A client that pipelines MAIL, RCPT and DATA.
class Client {
 public:
  /// Greets; nothing when the relay is not there.
  static std::optional<Client> open(std::uint16_t port);
  /// One message from sender@mydomain.com to userNUMBER@domain; the reply to the final dot, or nothing when the connection broke:
  /// then nobody knows.
  std::optional<std::string> send(std::uint64_t number, std::uint64_t size, std::string_view domain = "abc.com",
                                  std::string_view sender = "bench");

 private:
  explicit Client(base::Fd fd) : fd_(std::move(fd)), lines_(fd_.get()) {}
  base::Fd fd_;
  Lines lines_;
};

}  // namespace load

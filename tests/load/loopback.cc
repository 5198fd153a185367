// The load's sockets.
#include "tests/load/loopback.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/text.h"

namespace load {
namespace {

using base::Fd;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void without_delay(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/// "RCPT TO:<user17@abc.com>" → 17.
std::uint64_t number_in(std::string_view rcpt) {
  const std::size_t start = rcpt.find("<user");
  const std::size_t end = rcpt.find('@');
  if (start == std::string_view::npos || end == std::string_view::npos || end < start + 5) return 0;
  return base::parse_number(rcpt.substr(start + 5, end - start - 5)).value_or(0);
}

/// Each time another message, whatever its number: the relay would know one that comes again.
std::string message_text(std::uint64_t number, std::uint64_t size) {
  static std::atomic<std::uint64_t> made = 0;
  std::string text = fmt::format(
      "From: Bench <bench@mydomain.com>\r\nTo: Somebody <user{0}@abc.com>\r\nSubject: message {0}\r\n"
      "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{0}.{1}.bench@mydomain.com>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n\r\n",
      number, made++);
  while (text.size() + 2 < size) {
    const std::size_t line = std::min<std::size_t>(70, static_cast<std::size_t>(size) - text.size() - 2);
    text.append(line, static_cast<char>('a' + text.size() % 26));
    text += "\r\n";
  }
  return text;
}

}  // namespace

Fd listen_on(std::uint16_t port, std::uint16_t& chosen) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 512) != 0) {
    fmt::print(stderr, "cannot listen on 127.0.0.1:{}\n", port);
    std::exit(1);
  }
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  chosen = ntohs(address.sin_port);
  return fd;
}

std::optional<Fd> connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  // On loopback a connect to a port where nobody listens may meet itself, when the system gives it that very port.
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0 || own.sin_port == address.sin_port)
    return std::nullopt;
  without_delay(fd.get());
  // A connection that was under way when the listening process was killed may stay open at this end for ever.
  const timeval patience{30, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

std::uint16_t free_port() {
  std::uint16_t port = 0;
  const Fd probe = listen_on(0, port);
  return port;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Lines::next(std::string_view& line) {
  for (;;) {
    const std::string_view held(buffer_.data() + start_, end_ - start_);
    const std::size_t end = held.find('\n');
    if (end != std::string_view::npos) {
      line = held.substr(0, end + 1);
      start_ += end + 1;
      return true;
    }
    std::copy_n(buffer_.data() + start_, end_ - start_, buffer_.data());
    end_ -= start_;
    start_ = 0;
    if (end_ == buffer_.size()) return false;
    const ssize_t got = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
    if (got <= 0) return false;
    end_ += static_cast<std::size_t>(got);
  }
}

bool Lines::reply(std::string_view& line) {
  while (next(line)) {
    if (line.size() > 3 && line[3] != '-') return true;
  }
  return false;
}

Sink::Sink(std::uint16_t port, std::function<void(std::uint64_t)> arrived)
    : arrived_(std::move(arrived)), listening_(listen_on(port, port_)), accepting_([this] { accept(); }) {
  accepting_.detach();
}

void Sink::accept() {
  for (;;) {
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    without_delay(fd);
    ++connections_;
    std::thread([this, fd] { serve(Fd(fd)); }).detach();
  }
}

void Sink::serve(const Fd& fd) {
  Lines lines(fd.get());
  std::string_view line;
  bool in_data = false;
  bool refused = false;
  std::uint64_t number = 0;
  std::string out = "220 sink ESMTP\r\n";
  for (;;) {
    if (!out.empty() && !send_all(fd.get(), out)) return;
    out.clear();
    if (!lines.next(line)) return;
    if (in_data && line != ".\r\n") continue;
    if (in_data) {
      in_data = false;
      ++messages_;
      if (arrived_) arrived_(number);
      out = "250 2.0.0 taken\r\n";
    } else if (base::starts_with_ignoring_case(line, "EHLO")) {
      out = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n250 ENHANCEDSTATUSCODES\r\n";
    } else if (base::starts_with_ignoring_case(line, "DATA") && refused) {
      out = "554 5.5.1 no recipients\r\n";
    } else if (base::starts_with_ignoring_case(line, "DATA")) {
      in_data = true;
      out = "354 go on\r\n";
    } else if (base::starts_with_ignoring_case(line, "QUIT")) {
      send_all(fd.get(), "221 2.0.0 bye\r\n");
      return;
    } else {
      if (base::starts_with_ignoring_case(line, "RCPT")) number = number_in(line);
      refused = line.contains("@refused.");
      out = refused ? "550 5.1.1 no such user\r\n" : "250 2.1.0 ok\r\n";
    }
  }
}

std::optional<Client> Client::open(std::uint16_t port) {
  auto fd = connect_to(port);
  if (!fd) return std::nullopt;
  Client client(std::move(*fd));
  std::string_view line;
  if (!client.lines_.reply(line) || !send_all(client.fd_.get(), "EHLO bench.mydomain.com\r\n") || !client.lines_.reply(line))
    return std::nullopt;
  return client;
}

std::optional<std::string> Client::send(std::uint64_t number, std::uint64_t size, std::string_view domain,
                                        std::string_view sender) {
  const std::string commands =
      fmt::format("MAIL FROM:<{}@mydomain.com>\r\nRCPT TO:<user{}@{}>\r\nDATA\r\n", sender, number, domain);
  if (!send_all(fd_.get(), commands)) return std::nullopt;
  std::string_view line;
  for (int replies = 0; replies < 3; ++replies) {
    if (!lines_.reply(line)) return std::nullopt;
  }
  if (!line.starts_with("354")) return std::string(line);
  if (!send_all(fd_.get(), message_text(number, size) + ".\r\n") || !lines_.reply(line)) return std::nullopt;
  return std::string(line);
}

}  // namespace load

// The tiny DNS server: poll over both sockets, one question at a time.
#include "tests/unit/dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "tests/unit/dns/packet.h"

namespace dns_test {
namespace {

/// A socket address of either family; the length is that of the family.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  Address(const base::IpAddress& address, std::uint16_t port) {
    if (address.is_v6()) {
      sockaddr_in6 in6{};
      in6.sin6_family = AF_INET6;
      in6.sin6_port = htons(port);
      std::memcpy(&in6.sin6_addr, address.octets().data(), 16);
      std::memcpy(&storage, &in6, size = sizeof in6);
    } else {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(port);
      std::memcpy(&in.sin_addr, address.octets().data(), 4);
      std::memcpy(&storage, &in, size = sizeof in);
    }
  }
  Address() : size(sizeof storage) {}
  sockaddr* get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
};

base::Fd open_bound(int type, const base::IpAddress& address, std::uint16_t port) {
  base::Fd fd(socket(address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
  Address bound(address, port);
  if (fd && bind(fd.get(), bound.get(), bound.size) != 0) return {};
  return fd;
}

std::uint16_t port_of(const base::Fd& fd) {
  Address bound;
  getsockname(fd.get(), bound.get(), &bound.size);
  std::uint16_t port = 0;  // at the same place in both families
  std::memcpy(&port, static_cast<char*>(static_cast<void*>(&bound.storage)) + 2, 2);
  return ntohs(port);
}

bool read_exactly(int fd, std::string& into, std::size_t count) {
  into.resize(count);
  return count == 0 || recv(fd, into.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

}  // namespace

Server::Server(Handler handler, const std::string& address) : handler_(std::move(handler)), stop_(eventfd(0, EFD_CLOEXEC)) {
  for (int attempt = 0; attempt < 20 && !bind_both(address); ++attempt) {
  }
  if (endpoint_.port != 0) thread_ = std::thread([this] { run(); });
}

Server::~Server() {
  const std::uint64_t one = 1;
  static_cast<void>(write(stop_.get(), &one, sizeof one));
  if (thread_.joinable()) thread_.join();
}

bool Server::bind_both(const std::string& address) {
  const auto ip = base::IpAddress::parse(address);
  udp_ = open_bound(SOCK_DGRAM, *ip, 0);
  if (!udp_) return false;
  const std::uint16_t port = port_of(udp_);
  tcp_ = open_bound(SOCK_STREAM, *ip, port);
  if (!tcp_ || listen(tcp_.get(), 16) != 0) return false;
  endpoint_ = base::Endpoint{*ip, port};
  return true;
}

void Server::run() {
  for (;;) {
    std::array<pollfd, 3> polled{{{stop_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}}};
    poll(polled.data(), polled.size(), -1);
    if (polled[0].revents != 0) return;
    if (polled[1].revents != 0) serve_udp();
    if (polled[2].revents != 0) serve_tcp();
  }
}

void Server::serve_udp() {
  Address from;
  std::string question(4096, '\0');
  const ssize_t size = recvfrom(udp_.get(), question.data(), question.size(), 0, from.get(), &from.size);
  if (size < 12) return;
  question.resize(static_cast<std::size_t>(size));
  ++udp_questions_;
  for (const auto& reply : handler_(question, Transport::udp)) {
    sendto(udp_.get(), reply.data(), reply.size(), 0, from.get(), from.size);
  }
}

void Server::serve_tcp() {
  const base::Fd connection(accept(tcp_.get(), nullptr, nullptr));
  const timeval patience{2, 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string length;
  std::string question;
  if (!read_exactly(connection.get(), length, 2)) return;
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(length[0]) << 8U | static_cast<unsigned char>(length[1]));
  if (!read_exactly(connection.get(), question, size)) return;
  ++tcp_questions_;
  for (const auto& reply : handler_(question, Transport::tcp)) {
    const std::string framed = u16(static_cast<unsigned>(reply.size())) + reply;
    send(connection.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }
}

}  // namespace dns_test

// Sockets for tests.
#include "tests/unit/relay/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

namespace world {
namespace {

constexpr Milliseconds between_looks(5);

[[noreturn]] void give_up(const std::string& words) { throw std::runtime_error(words); }

sockaddr_in loopback(const std::string& address, std::uint16_t port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) give_up("no address: " + address);
  return place;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, Milliseconds bound) {
  const auto until = std::chrono::steady_clock::now() + bound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(between_looks);
  }
  return true;
}

std::uint16_t free_port() {
  const base::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in place = loopback("127.0.0.1", 0);
  socklen_t size = sizeof(place);
  auto* address = reinterpret_cast<sockaddr*>(&place);
  if (::bind(probe.get(), address, size) != 0 || ::getsockname(probe.get(), address, &size) != 0) give_up("no free port");
  return ntohs(place.sin_port);
}

void Wire::Free::operator()(SSL* ssl) const { SSL_free(ssl); }
void Wire::Free::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

Wire::Wire(int descriptor) : descriptor_(descriptor) {
  std::signal(SIGPIPE, SIG_IGN);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  timeval bound{};
  bound.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
}

Wire::Wire(Wire&&) noexcept = default;
Wire::~Wire() = default;

Wire Wire::connect(const std::string& address, std::uint16_t port, const std::string& source) {
  base::Fd descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!source.empty()) {
    const sockaddr_in own = loopback(source, 0);
    if (::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) give_up("cannot bind to " + source);
  }
  const sockaddr_in place = loopback(address, port);
  if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0) {
    give_up("cannot connect to " + address + ":" + std::to_string(port));
  }
  return Wire(descriptor.release());
}

Wire Wire::connect(const std::string& path) {
  base::Fd descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if (path.size() >= sizeof(place.sun_path)) give_up("the path is too long: " + path);
  path.copy(static_cast<char*>(place.sun_path), path.size());
  if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0)
    give_up("cannot connect to " + path);
  return Wire(descriptor.release());
}

void Wire::write(std::string_view octets) {
  while (!octets.empty()) {
    const auto count = ssl_ ? static_cast<ssize_t>(SSL_write(ssl_.get(), octets.data(), static_cast<int>(octets.size())))
                            : ::send(descriptor_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count <= 0) give_up("cannot write");
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
}

Wire::Got Wire::fill(Milliseconds bound) {
  pollfd wait{descriptor_.get(), POLLIN, 0};
  const bool decrypted = ssl_ && SSL_pending(ssl_.get()) > 0;
  if (!decrypted && ::poll(&wait, 1, static_cast<int>(bound.count())) == 0) return Got::nothing;
  char piece[16384];
  const auto count = ssl_ ? static_cast<ssize_t>(SSL_read(ssl_.get(), piece, sizeof(piece)))
                          : ::recv(descriptor_.get(), piece, sizeof(piece), 0);
  if (count <= 0) return Got::end;
  buffer_.append(piece, static_cast<std::size_t>(count));
  return Got::octets;
}

std::optional<std::string> Wire::read_line() {
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    const Got got = fill(patience);
    if (got == Got::nothing) give_up("no line came");
    if (got == Got::end) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::string Wire::read_reply() {
  std::string reply;
  for (;;) {
    const auto line = read_line();
    if (!line) return reply;
    reply += (reply.empty() ? "" : "\n") + *line;
    if (line->size() < 4 || (*line)[3] != '-') return reply;
  }
}

std::optional<std::string> Wire::read_content() {
  constexpr std::string_view terminator = "\r\n.\r\n";
  std::string raw = "\r\n";  // so that the first line begins like any other
  std::size_t looked = 0;
  for (;;) {
    raw += std::exchange(buffer_, {});
    const std::size_t end = raw.find(terminator, looked);
    if (end != std::string::npos) {
      buffer_ = raw.substr(end + terminator.size());
      raw.resize(end + 2);
      break;
    }
    looked = raw.size() - std::min(raw.size(), terminator.size());
    if (fill(patience) != Got::octets) return std::nullopt;
  }
  std::string content;
  content.reserve(raw.size());
  for (std::size_t at = 2; at < raw.size(); ++at) {
    const bool stuffed = raw[at] == '.' && raw[at - 1] == '\n' && raw[at - 2] == '\r';
    if (!stuffed) content += raw[at];
  }
  return content;
}

std::optional<std::string> Wire::read_octets(std::size_t count) {
  while (buffer_.size() < count) {
    if (fill(patience) != Got::octets) return std::nullopt;
  }
  std::string octets = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return octets;
}

bool Wire::comes(std::string_view text, Milliseconds bound) {
  const auto until = std::chrono::steady_clock::now() + bound;
  while (buffer_.find(text) == std::string::npos) {
    const auto left = std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || fill(left) != Got::octets) return false;
  }
  return true;
}

bool Wire::is_silent_for(Milliseconds time) { return buffer_.empty() && fill(time) == Got::nothing; }

bool Wire::reaches_end() {
  for (;;) {
    buffer_.clear();
    const Got got = fill(patience);
    if (got != Got::octets) return got == Got::end;
  }
}

std::string Wire::read_to_end() {
  while (fill(patience) == Got::octets) {
  }
  return std::exchange(buffer_, {});
}

void Wire::shake_hands(SSL_CTX* context, int (*handshake)(SSL*), const TlsOffer& offer) {
  buffer_.clear();
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), descriptor_.get());
  if (offer.session != nullptr) SSL_set_session(ssl_.get(), offer.session);
  if (handshake(ssl_.get()) != 1) give_up("TLS handshake failed");
}

void Wire::start_tls_as_client(const TlsOffer& offer) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (offer.version != 0) {
    SSL_CTX_set_min_proto_version(context_.get(), offer.version);
    SSL_CTX_set_max_proto_version(context_.get(), offer.version);
  }
  const char* pem = offer.certificate.c_str();
  if (!offer.certificate.empty() && (SSL_CTX_use_certificate_chain_file(context_.get(), pem) != 1 ||
                                     SSL_CTX_use_PrivateKey_file(context_.get(), pem, SSL_FILETYPE_PEM) != 1)) {
    give_up("cannot use " + offer.certificate);
  }
  shake_hands(context_.get(), SSL_connect, offer);
}

void Wire::start_tls_as_server(SSL_CTX* context) { shake_hands(context, SSL_accept, {}); }

std::string Wire::peer() const {
  sockaddr_in place{};
  socklen_t size = sizeof(place);
  char text[INET_ADDRSTRLEN] = {};
  ::getpeername(descriptor_.get(), reinterpret_cast<sockaddr*>(&place), &size);
  ::inet_ntop(AF_INET, &place.sin_addr, text, sizeof(text));
  return text;
}

void Wire::shut_down() const { ::shutdown(descriptor_.get(), SHUT_RDWR); }

void Wire::close() {
  ssl_.reset();
  descriptor_ = base::Fd();
}

}  // namespace world
